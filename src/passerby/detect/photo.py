"""A photo, looked at in several ways: there is only one chance to find a face in it."""

from __future__ import annotations

from dataclasses import dataclass

from passerby.detect.detector import Detector
from passerby.detect.merge import agreed
from passerby.media import Orientation, Picture
from passerby.regions import LABELS, Detections, to_stored

ALONE = 0.25
"""Least score of a face that only one view shows; below it, two views must agree. Measured: docs/reference/accuracy."""

TURNED = 0.5
"""Least score that counts in a view that is turned on its side: there, much that is no face looks a little like one."""


PLATE = 0.4
"""Least score of a plate by its looks: plates are looked for by their text, too."""


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a photo: turned or mirrored, then at another size.

    Attributes:
        scale: size at which to look, 0.5 for half the width and height.
        orientation: how the photo is turned first.
        threshold: least score that counts, None for the detector's own.
    """

    scale: float = 1.0
    orientation: Orientation = Orientation.UPRIGHT
    threshold: float | None = None


VIEWS = (
    View(),
    View(orientation=Orientation.MIRRORED),
    View(scale=1.5),
    View(scale=0.5),
    View(scale=0.5, orientation=Orientation.QUARTER_LEFT, threshold=TURNED),
    View(scale=0.5, orientation=Orientation.QUARTER_RIGHT, threshold=TURNED),
)
"""Each finds faces that the others miss: small ones at 1.5, large and oddly lit ones at half the size, those of people
who lie, and of photos whose orientation was lost, on the side."""


def find_in_photo(detector: Detector, picture: Picture, plates: Detector | None = None) -> Detections:
    """What several looks at a photo show together.

    Args:
        detector: what looks; its own threshold is the least score that counts where two views agree.
        picture: RGB, uint8, shape (H, W, 3), upright.
        plates: what looks for plates by their text, once: in a photo that is turned, lines of text above each other
            would look like plates.

    Raises:
        ModelError: a model failed; nothing is known about the photo.
    """
    found = agreed([_seen(detector, picture, view) for view in VIEWS], ALONE)
    if plates is None:
        return found
    by_text = plates.find(picture, threshold=PLATE)
    return Detections.join([found, by_text[by_text.labels == LABELS.index("plate")]])


def _seen(detector: Detector, picture: Picture, view: View) -> Detections:
    """What one view shows, in pixels of `picture`."""
    height, width = picture.shape[:2]
    found = detector.find(view.orientation.turn(picture), scale=view.scale, threshold=view.threshold)
    found = found[(found.scores >= PLATE) | (found.labels != LABELS.index("plate"))]
    return Detections(to_stored(found.boxes, view.orientation, width, height), found.scores, found.labels)

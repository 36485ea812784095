"""A photo, looked at in several ways: there is only one chance to find a face in it."""

from __future__ import annotations

from dataclasses import dataclass

from passerby.detect.detector import Detector
from passerby.detect.merge import agreed
from passerby.media import Orientation, Picture
from passerby.regions import Detections, to_stored


@dataclass(frozen=True, slots=True)
class View:
    """One way of looking at a photo: turned or mirrored, then at another size."""

    scale: float = 1.0
    orientation: Orientation = Orientation.UPRIGHT


VIEWS = (View(), View(orientation=Orientation.MIRRORED), View(scale=1.5), View(scale=0.5))
"""Each finds faces that the others miss: small ones at 1.5, large and oddly lit ones at half the size."""

ALONE = 0.25
"""Least score of a face that only one view shows; below it, two views must agree. Measured: docs/reference/accuracy."""


def find_in_photo(detector: Detector, picture: Picture) -> Detections:
    """Faces in a photo, best first, from several looks at it.

    Args:
        detector: what looks; its own threshold is the least score that counts where two views agree.
        picture: RGB, uint8, shape (H, W, 3), upright.

    Raises:
        ModelError: the model failed; nothing is known about the photo.
    """
    return agreed([_seen(detector, picture, view) for view in VIEWS], ALONE)


def _seen(detector: Detector, picture: Picture, view: View) -> Detections:
    """What one view shows, in pixels of `picture`."""
    height, width = picture.shape[:2]
    found = detector.find(view.orientation.turn(picture), scale=view.scale)
    return Detections(to_stored(found.boxes, view.orientation, width, height), found.scores, found.labels)

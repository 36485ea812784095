"""A photo, looked at in several ways: there is only one chance to find a face in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from passerby.detect.detector import Detector
from passerby.detect.heads import large_weighed
from passerby.detect.merge import agreed, supported
from passerby.media import Orientation, Picture
from passerby.regions import LABELS, Detections, to_stored

FACE = 0.2
"""Least score of a face in any view."""

ALONE = 0.3
"""Least score of a face that only one view shows; below it, two views must agree. Measured: docs/reference/accuracy."""

TURNED = 0.5
"""Least score that counts in a view that is turned on its side: there, much that is no face looks a little like one."""

HEAD_SIZES = (1.0, 1.5, 0.5)
"""Shares of the size at which the head net looks."""

HEAD = 0.17
"""Least score of a head, on average over those sizes. A head looks like one at each of them; foliage, gravel and
shelves do so at one, and with the best score of all four times as much was painted for nothing. Measured:
docs/reference/accuracy."""

HEAD_SEEN = 0.08
"""What scores less at one size counts as nothing there."""

LARGE_NEEDS = 1.5
"""In photos a head that is large in a look (`heads.LARGE_PX`) needs that many times the score, beyond what
`heads.LARGE_NEEDS` asks already: close-ups are full of hands and knees, and their faces are found as faces."""

PLATE = 0.25
"""Least score of a plate by its looks: plates are looked for by their text, too."""

LARGE_PLATE, LARGE_PLATE_SCORE = 0.2, 0.6
"""A plate that is higher than this share of the photo's longer side needs that score: a whole tray looks like one."""


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


TURNED_VIEWS = (
    View(scale=0.5, orientation=Orientation.QUARTER_LEFT, threshold=TURNED),
    View(scale=0.5, orientation=Orientation.QUARTER_RIGHT, threshold=TURNED),
)

VIEWS = (View(), View(orientation=Orientation.MIRRORED), View(scale=1.5), View(scale=0.5), *TURNED_VIEWS)
"""Each finds faces that the others miss: small ones at 1.5, large and oddly lit ones at half the size, those of people
who lie, and of photos whose orientation was lost, on the side."""


class NamedDetector(Detector, Protocol):
    """A detector that can say what it consists of."""

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of each net."""
        ...


@dataclass(frozen=True, slots=True)
class PhotoNets:
    """Who looks at photos.

    Attributes:
        views: looks at every view: for faces, and for all that is found in one way only.
        heads: looks for heads and plates, at several sizes; None where nobody wants them covered.
        plates: looks for plates by their text, once: in a photo that is turned, lines of text above each other would
            look like plates. None likewise.
    """

    views: NamedDetector
    heads: NamedDetector | None = None
    plates: NamedDetector | None = None

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of each net."""
        there = [nets for nets in (self.heads, self.views, self.plates) if nets is not None]
        return tuple(dict.fromkeys(model for nets in there for model in nets.models))


def find_in_photo(nets: PhotoNets, picture: Picture) -> Detections:
    """What several looks at a photo show together.

    Args:
        nets: who looks.
        picture: RGB, uint8, shape (H, W, 3), upright.

    Raises:
        ModelError: a model failed; nothing is known about the photo.
    """
    parts = [_faces_and_others(nets.views, picture)]
    if nets.heads is not None:
        parts += [_heads_and_plates(nets.heads, picture), *(_seen(nets.heads, picture, view) for view in TURNED_VIEWS)]
    if nets.plates is not None:
        by_text = nets.plates.find(picture, threshold=PLATE)
        parts.append(_of(by_text, "plate"))
    return Detections.join(parts)


def _faces_and_others(views: Detector, picture: Picture) -> Detections:
    looks = [_seen(views, picture, view) for view in VIEWS]
    face = LABELS.index("face")
    return agreed([look[(look.labels != face) | (look.scores >= FACE)] for look in looks], ALONE)


def _heads_and_plates(heads: Detector, picture: Picture) -> Detections:
    looks = [
        large_weighed(heads.find(picture, scale=scale, threshold=HEAD_SEEN), scale, LARGE_NEEDS) for scale in HEAD_SIZES
    ]
    plates = [_sure_plates(_of(look, "plate"), max(picture.shape[:2])) for look in looks]
    return Detections.join([supported([_of(look, "head") for look in looks], HEAD), agreed(plates, PLATE)])


def _sure_plates(plates: Detections, longest: int) -> Detections:
    """Those that count by their looks; `longest` is the photo's longer side, in pixels."""
    large = plates.boxes[:, 3] - plates.boxes[:, 1] > LARGE_PLATE * longest
    return plates[plates.scores >= np.where(large, LARGE_PLATE_SCORE, PLATE)]


def _of(found: Detections, label: str) -> Detections:
    return found[found.labels == LABELS.index(label)]


def _seen(detector: Detector, picture: Picture, view: View) -> Detections:
    """What one view shows, in pixels of `picture`."""
    height, width = picture.shape[:2]
    found = detector.find(view.orientation.turn(picture), scale=view.scale, threshold=view.threshold)
    return Detections(to_stored(found.boxes, view.orientation, width, height), found.scores, found.labels)

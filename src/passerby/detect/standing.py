"""What stands where it was found: it stays known for as long as its place shows the same.

A look at a whole picture may miss what the look before it found, though nothing moved: a head that is just found is as
often just missed. On a fixed camera the picture itself says that it is still there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from passerby.detect.carrying import hints, without_repeats
from passerby.detect.evidence import Luma
from passerby.regions import Boxes, Detections, iou

HELD_FROM: Final = 0.25
"""Score from which a detection is held: less than starts a track, for its hints count only where a track is."""
_WEAK: Final = 0.05
"""Every detection has a higher score than this, and every hint a lower one."""
_SWAY: Final = 2
"""Who stands sways: the same is searched this far around, in pixels of the sketch."""
_LEAST: Final = 3
"""Places with a shorter side say too little, in pixels of the sketch."""
_LEVELS: Final = 6.0
_TEXTURE: Final = 0.5
"""Two pictures of a place are the same if they differ by no more than so many gray levels, or by this share of the
spread of its gray levels, whichever is more, as root mean squares. Half the spread is a correlation of 0.87."""
_SAME: Final = 0.3
"""Boxes that overlap by more than this are one found again, as intersection over union."""


@dataclass(slots=True, eq=False)
class _Held:
    """One that was found: its detection, alone in `found`, and how its place looked, in pixels of the sketch.

    `missed`: looks at the whole picture in a row that did not find it, not even weakly.
    """

    found: Detections
    place: tuple[int, int]
    shown: Luma
    missed: int = 0


class Standing:
    """What was found in one scene and not seen to leave. It keeps small pieces of sketches, no frames.

    After `most_missed` looks at the whole picture in a row that do not find it, not even weakly, it was nothing.
    """

    def __init__(self, most_missed: float = math.inf) -> None:
        self._most_missed = most_missed
        self._held: list[_Held] = []

    def forget(self) -> None:
        """A new scene begins."""
        self._held = []

    def joined(
        self, found: Detections, sketch: Luma, shrink: npt.NDArray[np.float32], *, looked: bool = False
    ) -> Detections:
        """What was found in a key, and hints for what was found before, was not found now, and still stands there.

        Args:
            found: in the key, everywhere.
            sketch: of the key.
            shrink: pixels of the frame for one of the sketch, x and y.
            looked: the whole of the key was looked at.
        """
        if not len(found) and not self._held:
            return found
        known = Detections.join([held.found for held in self._held])
        kept = [self._held[index] for index in np.flatnonzero(~_found_again(known, found, HELD_FROM))]
        if looked:
            weakly = _found_again(Detections.join([held.found for held in kept]), found, _WEAK)
            kept = [
                replace(held, missed=0 if again else held.missed + 1)
                for held, again in zip(kept, weakly.tolist(), strict=True)
            ]
        kept = [held for held in kept if held.missed < self._most_missed]
        still = [held for held in (_moved(held, sketch, shrink) for held in kept) if held is not None]
        strong = found[found.scores >= HELD_FROM]
        fresh = [_held(strong[np.array([index])], sketch, shrink) for index in range(len(strong))]
        self._held = still + [held for held in fresh if held is not None]
        remembered = Detections.join([held.found for held in still])
        return without_repeats(found, hints(remembered, np.zeros((len(remembered), 2), np.float32)))


def _found_again(known: Detections, found: Detections, least: float) -> npt.NDArray[np.bool_]:
    """Which of what is known was found again with at least this score: bool, shape (N,).

    A hint does not count, and a weak detection is a sighting that replaces another only if it is held itself.
    """
    found = found[found.scores >= least]
    same = (iou(known.boxes, found.boxes) > _SAME) & (known.labels[:, None] == found.labels[None, :])
    return np.asarray(same.any(axis=1), np.bool_)


def _held(found: Detections, sketch: Luma, shrink: npt.NDArray[np.float32]) -> _Held | None:
    x1, y1, x2, y2 = _in_sketch(found.boxes[0], sketch, shrink)
    if min(x2 - x1, y2 - y1) < _LEAST:
        return None
    return _Held(found, (x1, y1), sketch[y1:y2, x1:x2].copy())


def _in_sketch(box: Boxes, sketch: Luma, shrink: npt.NDArray[np.float32]) -> tuple[int, int, int, int]:
    height, width = sketch.shape
    x1, y1 = np.floor(np.maximum(box[:2] / shrink, 0)).astype(int).tolist()
    x2, y2 = np.ceil(np.minimum(box[2:] / shrink, (width, height))).astype(int).tolist()
    return x1, y1, x2, y2


def _moved(held: _Held, sketch: Luma, shrink: npt.NDArray[np.float32]) -> _Held | None:
    """It, where it is now, or None if its place shows something else. It always looks as when it was found."""
    (x, y), (high, wide) = held.place, held.shown.shape
    left, top = max(0, x - _SWAY), max(0, y - _SWAY)
    around = sketch[top : y + high + _SWAY, left : x + wide + _SWAY]
    if around.shape[0] < high or around.shape[1] < wide:
        return None
    squares = cv2.matchTemplate(around, held.shown, cv2.TM_SQDIFF)
    least, _, (across, down), _ = cv2.minMaxLoc(squares)
    apart = float(np.sqrt(max(least, 0) / held.shown.size))
    if apart > max(_LEVELS, _TEXTURE * float(held.shown.std())):
        return None
    now = (left + across, top + down)
    if now == held.place:
        return held
    shift = np.tile((np.array(now) - held.place) * shrink, 2).astype(np.float32)
    boxes = (held.found.boxes + shift).astype(np.float32)
    return replace(held, found=Detections(boxes, held.found.scores, held.found.labels), place=now)

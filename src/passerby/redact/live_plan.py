"""What to paint in the frames of a live camera: a verdict for each PTS, asked for once, when its delay has passed.

A frame is known if it was examined, or stands so shortly between two that were that a track covers what comes and goes.
Everything else is painted whole.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from passerby.redact.plan import check_margins, regions_among
from passerby.redact.polygons import Polygon
from passerby.regions import LABELS, NOTHING, Boxes, Look, Regions, clip

CARRIED_S = 0.5
"""Frames that nobody examined are known if those that were, before and after them, are at most so far apart."""

_CLEAR = Regions()
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Of one examined frame: its PTS, whether it is known, and whether a new scene begins with it."""

    pts: int
    known: bool
    cut: bool


class LivePlan:
    """Verdicts of one camera's frames. Not to be shared between threads."""

    def __init__(
        self,
        size: tuple[int, int],
        time_base: Fraction,
        margins: Mapping[str, float],
        keep: Sequence[Polygon] = (),
        only: Sequence[Polygon] = (),
    ) -> None:
        """As in `plan.make_plan`.

        Raises:
            SettingsError: a margin is negative or no number.
        """
        check_margins(margins)
        self._size, self._time_base = size, time_base
        self._margins, self._keep, self._only = margins, keep, only
        self._verdicts: list[_Verdict] = []

    def take(self, look: Look) -> None:
        """A frame was examined; PTS rise. What was found is asked for later."""
        self._verdicts.append(_Verdict(look.pts, look.how != "unseen", look.cut))

    def final(
        self, pts: int, boxes: Boxes, labels: npt.NDArray[np.uint8], moving: Boxes | None = NOTHING.boxes
    ) -> Regions | None:
        """What to paint in a frame; None: all of it. What is known of earlier frames is forgotten.

        Args:
            pts: of the frame, rising from call to call.
            boxes: of the tracks at that time, float32, shape (N, 4), pixels of the upright frame.
            labels: uint8, shape (N,): of each.
            moving: all that differs from the background, shape (M, 4); None where the background is not known.
        """
        known = self.is_known(pts)
        self._forget_before(pts)
        wants_motion = "motion" in self._margins
        if not known or (wants_motion and moving is None):
            return None
        places = [(what, boxes[labels == what]) for what in sorted(set(labels.tolist()))]
        if moving is not None and len(moving):
            places.append((LABELS.index("motion"), moving))
        return self._regions(places)

    def _regions(self, places: Sequence[tuple[int, Boxes]]) -> Regions | None:
        """Boxes of some labels as regions; None where one of them makes no sense."""
        grown, labels = [], []
        for what, found in places:
            margin = self._margins.get(LABELS[what])
            if margin is not None:
                wider, painted = regions_among(found, self._size, margin, self._keep, self._only)
                grown.append(wider[painted])
                labels.append(np.full(len(grown[-1]), what, np.uint8))
        if not grown:
            return _CLEAR
        boxes = np.concatenate(grown)
        return Regions(boxes, np.concatenate(labels)) if np.isfinite(boxes).all() else None

    def is_known(self, pts: int) -> bool:
        """Whether enough is known of a frame to show any of it."""
        after = bisect_left(self._verdicts, pts, key=lambda verdict: verdict.pts)
        if after == len(self._verdicts):
            return False
        following = self._verdicts[after]
        if following.pts == pts:
            return following.known
        if after == 0 or following.cut:
            return False
        before = self._verdicts[after - 1]
        apart_s = (following.pts - before.pts) * float(self._time_base)
        return before.known and following.known and apart_s <= CARRIED_S + _ROUNDING_S

    def _forget_before(self, pts: int) -> None:
        """All but the last verdict before it: the frames after may stand between that one and the next."""
        spare = bisect_left(self._verdicts, pts, key=lambda verdict: verdict.pts) - 1
        if spare > 0:
            del self._verdicts[:spare]


def covered_share(regions: Regions | None, size: tuple[int, int]) -> float:
    """About how much of a picture is painted, from 0 to 1: boxes on a grid of squares, each counted once.

    `size` is the width and height of the upright picture, in pixels.
    """
    if regions is None:
        return 1.0
    if not len(regions):
        return 0.0
    square = max(1.0, max(size) / 160)
    grid = np.zeros((math.ceil(size[1] / square), math.ceil(size[0] / square)), np.bool_)
    for x1, y1, x2, y2 in (clip(regions.boxes, *size) / square).round().astype(int).tolist():
        grid[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)] = True
    return float(grid.mean())

"""Colours that stay steady from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from passerby.media import Frame, PixelLayout
from passerby.redact.surroundings import Tones
from passerby.regions import Boxes, Regions

SETTLING_S = 0.5
"""Time constant of the smoothing: after this long, 63 % of a change has come through."""

_LONGEST_GAP_S = 1.0
_NEW_SCENE = 0.25


class ToneMemory:
    """Smooths the colours of regions through time, exponentially.

    A region follows the nearest one of the same label in the frame before. It takes its new colour at once after a jump
    in time, or where the surroundings changed by more than a quarter of the range, as they do at a cut.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """What comes next has nothing to do with what was before."""
        self._layout: PixelLayout | None = None
        self._at_s = -math.inf
        self._regions = Regions()
        self._tones: list[Tones] = []

    def steady(self, frame: Frame, regions: Regions, tones: Sequence[Tones | None], unknown: Tones) -> list[Tones]:
        """The colours to paint with, one for each region; `unknown` stands in where nothing is known."""
        at_s = float(frame.pts * frame.time_base)
        passed_s = at_s - self._at_s
        if frame.layout != self._layout or not 0 < passed_s <= _LONGEST_GAP_S:
            self.forget()
        share = 1 - math.exp(-passed_s / SETTLING_S) if self._tones else 1.0
        before = [None if i is None else self._tones[i] for i in _predecessors(regions, self._regions)]
        far = _NEW_SCENE * frame.layout.peak
        steady = [_blend(old, new, share, far, unknown) for old, new in zip(before, tones, strict=True)]
        self._layout, self._at_s, self._regions, self._tones = frame.layout, at_s, regions, steady
        return steady


def _blend(old: Tones | None, new: Tones | None, share: float, far: float, unknown: Tones) -> Tones:
    if new is None:
        return unknown if old is None else old
    if old is None or np.abs(new - old).mean(axis=1).max() > far:
        return new
    return np.asarray(old + np.float32(share) * (new - old), np.float32)


def _predecessors(regions: Regions, before: Regions) -> list[int | None]:
    """For each region the nearest one of the same label before, no farther than the region's longer side, or None."""
    if not len(before):
        return [None] * len(regions)
    apart = np.linalg.norm(_centres(regions.boxes)[:, None] - _centres(before.boxes)[None], axis=2)
    apart[regions.labels[:, None] != before.labels[None]] = np.inf
    nearest = apart.argmin(axis=1)
    longer = (regions.boxes[:, 2:] - regions.boxes[:, :2]).max(axis=1, initial=0)
    near = apart[np.arange(len(regions)), nearest] <= longer
    return [int(i) if ok else None for i, ok in zip(nearest, near, strict=True)]


def _centres(boxes: Boxes) -> Boxes:
    return np.asarray(boxes[:, :2] / 2 + boxes[:, 2:] / 2, np.float32)

"""Windows around some areas of a picture, for looks that cost less than the whole of it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from passerby.detect.windows import Window, windows_of
from passerby.regions import Boxes, clip, iou

CONTEXT = 0.5
"""Surroundings that go with an area on every side, as a share of its longer side."""

CONTEXT_PX = 48
"""Least surroundings, in pixels of the net."""

STEP_PX = 64
"""Windows are a multiple of this wide and high, in pixels of the net, so that few sizes come up."""

MOST = 0.8
"""Windows that add up to this share of the picture are replaced by a look at the whole of it."""


def windows_in(areas: Boxes, width: int, height: int, scale: float) -> list[Window]:
    """Windows that hold all areas with their surroundings, in a picture of that size, in pixels.

    Areas whose windows would overlap share one. A centre counts where it is within half the surroundings of an area.
    """
    areas = clip(areas, width, height)
    areas = areas[(areas[:, 2] > areas[:, 0]) & (areas[:, 3] > areas[:, 1])]
    if not len(areas):
        return []
    pad = np.maximum((areas[:, 2:] - areas[:, :2]).max(axis=1, keepdims=True) * CONTEXT, CONTEXT_PX / scale)
    outer, cores = _disjoint(_widened(areas, pad), _widened(areas, pad / 2))
    rectangles = [_snapped(box, width, height, scale) for box in outer]
    if sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in rectangles) > MOST * width * height:
        return windows_of(width, height, scale)
    return [w for r, core in zip(rectangles, cores, strict=True) for w in _windows_for(r, core, scale)]


def _widened(boxes: Boxes, pad: npt.NDArray[np.float32]) -> Boxes:
    return np.concatenate([boxes[:, :2] - pad, boxes[:, 2:] + pad], axis=1).astype(np.float32)


def _disjoint(outer: Boxes, cores: Boxes) -> tuple[Boxes, Boxes]:
    """Outer boxes that overlap are made one, and their cores with them, until none overlap."""
    while True:
        overlaps = np.triu(iou(outer, outer) > 0, 1)
        if not overlaps.any():
            return outer, cores
        i, j = np.argwhere(overlaps)[0]
        for boxes in (outer, cores):
            boxes[i, :2] = np.minimum(boxes[i, :2], boxes[j, :2])
            boxes[i, 2:] = np.maximum(boxes[i, 2:], boxes[j, 2:])
        outer, cores = np.delete(outer, j, axis=0), np.delete(cores, j, axis=0)


def _snapped(box: npt.NDArray[np.float32], width: int, height: int, scale: float) -> tuple[int, int, int, int]:
    """A box, enlarged to a multiple of `STEP_PX` net pixels on both sides, within the picture."""
    x1, x2 = _side(float(box[0]), float(box[2]), width, scale)
    y1, y2 = _side(float(box[1]), float(box[3]), height, scale)
    return x1, y1, x2, y2


def _side(start: float, end: float, limit: int, scale: float) -> tuple[int, int]:
    step = STEP_PX / scale
    length = min(limit, math.ceil(math.ceil((end - start) / step) * step))
    first = min(max(0, math.floor(start)), limit - length)
    return first, first + length


def _windows_for(rectangle: tuple[int, int, int, int], core: npt.NDArray[np.float32], scale: float) -> list[Window]:
    """The windows of one rectangle, in pixels of the picture; more than one where it is larger than a tile."""
    x1, y1, x2, y2 = rectangle
    moved = []
    for window in windows_of(x2 - x1, y2 - y1, scale):
        left, top, right, bottom = window.core
        within = (
            max(left + x1, float(core[0])),
            max(top + y1, float(core[1])),
            min(right + x1, float(core[2])),
            min(bottom + y1, float(core[3])),
        )
        moved.append(
            Window(window.x1 + x1, window.y1 + y1, window.x2 + x1, window.y2 + y1, window.width, window.height, within)
        )
    return moved

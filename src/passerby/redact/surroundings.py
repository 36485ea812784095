"""What stands around the regions of a frame: the only pixels that a painted colour may come from.

Samples are taken at points on a few outlines around each region, nearest first, 64 directions each. A point inside any
region of the frame is never read, so no colour depends on what is painted over.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from passerby.media import Frame
from passerby.redact.shapes import Grid, Mask, Shape

Tones = npt.NDArray[np.float32]
"""Colours around one region: shape (planes, directions) or (planes, 1), sample values without shift."""

DIRECTIONS = 64
_DISTANCES = np.array([1, 2, 4, 8, 16, 32], np.float64)
_ENOUGH = 2 * DIRECTIONS

_ANGLES = np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_SQUARE = _CIRCLE / np.abs(_CIRCLE).max(axis=0)


class Surroundings:
    """Samples around each region of one frame, by distance and direction."""

    def __init__(self, frame: Frame, shapes: list[Shape], grid: Grid) -> None:
        points = np.stack([_points_around(shape) for shape in shapes])
        x, y = points[:, 0], points[:, 1]
        self._free = (x >= 0) & (y >= 0) & (x < grid.columns) & (y < grid.rows)
        columns, rows = x[self._free].astype(np.intp), y[self._free].astype(np.intp)
        outside = ~_taken(shapes, grid)[rows, columns]
        self._free[self._free] = outside
        self._values = _read(frame, grid, rows[outside], columns[outside])
        counts = self._free.reshape(len(shapes), -1).sum(axis=1)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def overall(self, index: int) -> Tones | None:
        """One colour for a region, shape (planes, 1): the mean of the middle half of the nearest samples."""
        start, stop = self._starts[index : index + 2].tolist()
        nearest = np.sort(self._values[:, start : min(stop, start + _ENOUGH)], axis=1)
        count = nearest.shape[1]
        if not count:
            return None
        middle = nearest[:, count // 4 : count - count // 4]
        return np.asarray(middle.mean(axis=1, keepdims=True), np.float32)

    def by_direction(self, index: int) -> Tones | None:
        """Colours around a region, shape (planes, DIRECTIONS): the nearest sample in each, gaps filled from beside."""
        free = self._free[index]
        found = free.any(axis=0)
        if not found.any():
            return None
        position = np.cumsum(free).reshape(free.shape) - 1 + self._starts[index]
        nearest = position[free.argmax(axis=0), np.arange(DIRECTIONS)]
        known = np.flatnonzero(found)
        values = self._values[:, nearest[known]]
        everywhere = np.arange(DIRECTIONS)
        return np.stack([np.interp(everywhere, known, row, period=DIRECTIONS) for row in values]).astype(np.float32)


def _points_around(shape: Shape) -> npt.NDArray[np.float64]:
    """Points on outlines around the shape, in cells: shape (2, distances, directions), x before y."""
    x1, y1, x2, y2 = shape.box
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    reach = np.array(shape.radii)[:, None] + _DISTANCES
    unit = _CIRCLE if shape.elliptic else _SQUARE
    return np.asarray(centre[:, None, None] + reach[:, :, None] * unit[:, None, :], np.float64)


def _taken(shapes: list[Shape], grid: Grid) -> Mask:
    # np.zeros hands out untouched pages: only those that are looked at or painted cost anything.
    taken = np.zeros((grid.rows, grid.columns), np.bool_)
    for shape in shapes:
        taken[shape.cells] |= shape.mask
    return taken


def _read(frame: Frame, grid: Grid, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Tones:
    """The sample at the top left of each of these cells, on every plane: shape (planes, N), without shift."""
    values = np.empty((len(frame.planes), len(rows)), np.float32)
    for index, plane in enumerate(frame.planes):
        shift_x, shift_y = frame.layout.shift_of(index)
        at = rows << (grid.shift_y - shift_y), columns << (grid.shift_x - shift_x)
        values[index] = plane[at] >> frame.layout.shift_bits
    return values

"""Which samples a region covers.

The planes of a picture are cut into cells: the luma pixels that share one chroma sample (2x2 for 4:2:0, one pixel where
nothing is subsampled). A cell that a shape touches is painted on every plane, so luma and chroma always agree, and
integers come out rounded outwards to even numbers where chroma is subsampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.media import Frame, Plane
from passerby.regions import ELLIPTIC, LABELS, Boxes, Regions, to_stored

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.float64]

_FAR = 2.0**22
"""Beyond every picture, in pixels, and small enough that float32 holds whole numbers up to it with room to add."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a picture: how many, and log2 of a cell's width and height in pixels."""

    rows: int
    columns: int
    shift_x: int
    shift_y: int

    @classmethod
    def of(cls, frame: Frame) -> Grid:
        """The cells of this frame, as it is stored; cells at the right and the bottom may be cut off."""
        width, height = frame.size
        shift_x, shift_y = frame.layout.shift_of(1)
        return cls(-(-height >> shift_y), -(-width >> shift_x), shift_x, shift_y)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What one region covers.

    Attributes:
        box: x1, y1, x2, y2 of the region, in cells of the stored picture.
        elliptic: an ellipse through the corners of the box, else the box itself.
        top: first row of cells in `mask`.
        left: first column of cells in `mask`.
        mask: bool, shape (h, w): the cells to paint; empty if the shape lies outside of the picture.
    """

    box: tuple[float, float, float, float]
    elliptic: bool
    top: int
    left: int
    mask: Mask

    @property
    def radii(self) -> tuple[float, float]:
        """From the centre to the outline, across and down, in cells."""
        x1, y1, x2, y2 = self.box
        scale = math.sqrt(0.5) if self.elliptic else 0.5
        return (x2 - x1) * scale, (y2 - y1) * scale

    @property
    def cells(self) -> tuple[slice, slice]:
        """Rows and columns of cells that `mask` stands for."""
        return slice(self.top, self.top + self.mask.shape[0]), slice(self.left, self.left + self.mask.shape[1])

    def on(self, plane: Plane, across: int, down: int) -> tuple[Plane, Mask]:
        """The part of a plane that the shape lies in, as a view, and which of its samples to paint.

        `across` and `down` are log2 of the samples of this plane in one cell.
        """
        rows, columns = self.cells
        view = plane[rows.start << down : rows.stop << down, columns.start << across : columns.stop << across]
        mask = self.mask
        if down:
            mask = mask.repeat(1 << down, axis=0)
        if across:
            mask = mask.repeat(1 << across, axis=1)
        return view, mask[: view.shape[0], : view.shape[1]]


def are_sound(regions: Regions) -> bool:
    """Whether these regions say where to paint: finite boxes, not turned inside out, labels that exist."""
    boxes = regions.boxes
    return bool(
        np.isfinite(boxes).all() and (boxes[:, 2:] >= boxes[:, :2]).all() and (regions.labels < len(LABELS)).all()
    )


def shapes_of(regions: Regions, frame: Frame, grid: Grid) -> list[Shape]:
    """One shape for each region, in their order; `regions` must be sound."""
    width, height = frame.size
    boxes = to_stored(_whole_pixels(regions.boxes), frame.orientation, width, height)
    cell = np.array([1 << grid.shift_x, 1 << grid.shift_y] * 2, np.float64)
    in_cells = (boxes.astype(np.float64) / cell).tolist()
    return [
        _shape((x1, y1, x2, y2), LABELS[label] in ELLIPTIC, grid)
        for (x1, y1, x2, y2), label in zip(in_cells, regions.labels.tolist(), strict=True)
    ]


def _whole_pixels(boxes: Boxes) -> Boxes:
    """Boxes rounded outwards; whole numbers of this size are exact in float32, so turning them loses nothing."""
    near = np.clip(boxes, -_FAR, _FAR)
    return np.concatenate([np.floor(near[:, :2]), np.ceil(near[:, 2:])], axis=1).astype(np.float32)


def _shape(box: tuple[float, float, float, float], elliptic: bool, grid: Grid) -> Shape:
    x1, y1, x2, y2 = box
    empty = x1 >= x2 or y1 >= y2
    reach = (y2 - y1) * (math.sqrt(0.5) - 0.5) if elliptic else 0.0
    top, bottom = max(0, math.floor(y1 - reach)), min(grid.rows, math.ceil(y2 + reach))
    if empty or top >= bottom:
        return Shape(box, elliptic, 0, 0, np.zeros((0, 0), np.bool_))
    rows = np.arange(top, bottom, dtype=np.float64)
    starts, stops = _ellipse_spans(box, rows) if elliptic else (np.full_like(rows, x1), np.full_like(rows, x2))
    first = np.clip(np.floor(starts), 0, grid.columns).astype(np.int32)
    last = np.clip(np.ceil(stops), 0, grid.columns).astype(np.int32)
    left, right = int(first.min()), int(last.max())
    columns = np.arange(left, right, dtype=np.int32)
    return Shape(box, elliptic, top, left, (columns >= first[:, None]) & (columns < last[:, None]))


def _ellipse_spans(box: tuple[float, float, float, float], rows: Rows) -> tuple[Rows, Rows]:
    """Where each row of cells begins and ceases to touch the ellipse through the corners of the box.

    A row touches most where it comes nearest to the centre. The box is joined in, so that no rounding uncovers it.
    """
    x1, y1, x2, y2 = box
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    away = np.maximum(np.maximum(rows - centre_y, centre_y - rows - 1), 0) / ((y2 - y1) * math.sqrt(0.5))
    half = (x2 - x1) * math.sqrt(0.5) * np.sqrt(np.maximum(1 - away**2, 0))
    in_box = (rows + 1 > y1) & (rows < y2)
    starts = np.where(in_box, np.minimum(centre_x - half, x1), centre_x - half)
    stops = np.where(in_box, np.maximum(centre_x + half, x2), centre_x + half)
    return starts, stops

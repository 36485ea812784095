"""Cheap evidence of what is new in a frame: small gray sketches of it and of the frames that were looked at.

A sketch costs less than a millisecond at 1080p, and its comparisons cost a few; a look costs hundreds. In a sketch the
smallest face that the detector finds is still three pixels wide and high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from passerby.media import Frame, PixelLayout, Plane
from passerby.regions import Boxes, no_boxes

Luma = npt.NDArray[np.uint8]
Colours = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Flow = npt.NDArray[np.float32]
"""Where each pixel of a sketch was or will be in another one: shape (h, w, 2), x and y, in pixels of the sketch."""

SKETCH_PX: Final = 480
"""Longest side of a sketch of a picture up to `SKETCH_PX * MOST_SHRUNK`."""
MOST_SHRUNK: Final = 4
CELL_PX: Final = 48
"""Areas to look at are made of squares of this size, in pixels of the frame: the least surroundings of an area."""

_STILL_LEVELS: Final = (8.0, 16.0)
"""A difference counts from here on, in gray levels: least, and in the noisiest of pictures."""
_STILL_NOISE: Final = 4.0
_STILL_PIXELS: Final = 3
"""So many of 3 x 3 pixels must differ."""
_NEW_LEVELS: Final = 16
_NEW_PIXELS: Final = (4, 12)
"""In so large a square so many pixels must be like nothing nearby."""
_CUT_LEVELS: Final = 10.0
_CUT_LIKENESS: Final = 0.7
"""Correlation of two frames in a row, moved onto each other; moving cameras gave 0.78 and more, cuts 0.64 and less."""


_GRAY: Final[dict[str, tuple[tuple[float, ...], float]]] = {
    "yuv": ((1.0, 0.476, 0.229), -0.705 * 128),
    "rgb": ((1 / 3, 1 / 3, 1 / 3), 0.0),
    "gray": ((1.0,), 0.0),
    "cmyk": ((1.0,), 0.0),
}
"""Weights of the planes, and what is added: the mean of red, green and blue. Luma nearly leaves out blue, and in
coloured light a face may stand in one of the three alone. The weights for chroma follow from ITU-R BT.601."""


def sketch_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the sketch of a frame, from those of the frame, in pixels."""
    shrink = min(MOST_SHRUNK, max(1, -(-max(width, height) // SKETCH_PX)))
    return max(1, width // shrink), max(1, height // shrink)


def sketch_of(frame: Frame) -> Luma:
    """A small gray picture of a frame, upright: uint8, shape (h, w)."""
    weights, offset = _GRAY[frame.layout.kind]
    parts = _small_planes(frame, len(weights))
    gray = parts[0]
    if len(parts) == 3:
        # The second and third weigh less than one together; values under 0 and over 255 come to the ends.
        colours = cv2.addWeighted(parts[1], weights[1], parts[2], weights[2], 0)
        gray = np.asarray(cv2.addWeighted(gray, weights[0], colours, 1.0, offset), np.uint8)
    return np.ascontiguousarray(frame.orientation.turn(gray))


def colours_of(frame: Frame) -> Colours:
    """A small picture of a frame, upright, of its first three planes as they are stored: uint8, shape (h, w, 3).

    Where there is only gray, the other two are empty.
    """
    planes = _small_planes(frame, min(3, len(_GRAY[frame.layout.kind][0])))
    planes += [np.zeros_like(planes[0])] * (3 - len(planes))
    return np.ascontiguousarray(frame.orientation.turn(cv2.merge(planes)))


def _small_planes(frame: Frame, count: int) -> list[Luma]:
    size = sketch_size(*frame.size)
    return [_shrunk(plane, size, frame.layout) for plane in frame.planes[:count]]


def _shrunk(plane: Plane, size: tuple[int, int], layout: PixelLayout) -> Luma:
    plane = _fitting(plane, size)
    # Averages over less than two samples cost six times as much as what lies between the nearest.
    small = _averaged(plane, size) if plane.shape[1] >= 2 * size[0] else cv2.resize(plane, size)
    if small.dtype == np.uint8:
        return np.asarray(small, np.uint8)
    return np.asarray(np.asarray(small, np.uint16) >> (layout.bits + layout.shift_bits - 8), np.uint8)


def _averaged(plane: Plane, size: tuple[int, int]) -> npt.NDArray[Any]:
    """The mean of each area. Except of two by two, OpenCV's own way of shrinking takes twice as long as these."""
    width, height = size
    if plane.shape == (3 * height, 3 * width):
        return np.ascontiguousarray(cv2.blur(plane, (3, 3))[1::3, 1::3])
    if plane.shape == (4 * height, 4 * width):
        halved = cv2.resize(plane, (2 * width, 2 * height), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(halved, size, interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _fitting(plane: Plane, size: tuple[int, int]) -> Plane:
    """A plane without the last few columns and rows that fill no pixel of the sketch: whole steps cost a third."""
    width, height = size
    across, down = plane.shape[1] // width, plane.shape[0] // height
    if plane.shape[1] - across * width < across and plane.shape[0] - down * height < down:
        return plane[: down * height, : across * width]
    return plane


def changed(known: Luma, sketch: Luma) -> Mask:
    """Where a sketch differs from another one by more than the noise of both: shape (h, w)."""
    difference = np.asarray(cv2.absdiff(known, sketch), np.uint8)
    noise = _median(difference[::4, ::4]) / 0.6745  # of the normal distribution
    level = min(max(_STILL_NOISE * noise, _STILL_LEVELS[0]), _STILL_LEVELS[1])
    return _crowded(difference > level, 3, _STILL_PIXELS)


def _median(levels: Luma) -> float:
    """As NumPy's, which takes five times as long."""
    up_to = np.cumsum(np.bincount(levels.ravel(), minlength=256))
    lower, upper = np.searchsorted(up_to, [(levels.size - 1) // 2, levels.size // 2], side="right")
    return float(lower + upper) / 2


def new(surprise: Luma) -> Mask:
    """Where so much of a sketch is like nothing nearby that a face may be there: shape (h, w)."""
    return _crowded(surprise > _NEW_LEVELS, *_NEW_PIXELS)


def _crowded(mask: Mask, side: int, least: int) -> Mask:
    count = cv2.boxFilter(mask.view(np.uint8), -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(count >= least, np.bool_)


class Motion:
    """Dense flow between sketches of one size, by inverse search (Kroeger et al., 2016). For one thread."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._grid = np.zeros((0, 0, 2), np.float32)

    def to(self, other: Luma, sketch: Luma, start: Flow | None = None) -> Flow:
        """Where each pixel of `sketch` is in `other`, searched from `start` on."""
        if min(sketch.shape) < 16:  # too small for the patches that are searched for
            return np.zeros((*sketch.shape, 2), np.float32)
        found = self._flow.calc(sketch, other, None if start is None else start.copy())  # type: ignore[arg-type]
        return np.asarray(found, np.float32)

    def surprise(self, other: Luma, sketch: Luma, flow: Flow) -> Luma:
        """By how many gray levels each pixel of `sketch` lies outside of all that `other` holds near its place."""
        moved = self._moved(other, flow)
        around = np.ones((3, 3), np.uint8)
        above, below = cv2.subtract(sketch, cv2.dilate(moved, around)), cv2.subtract(cv2.erode(moved, around), sketch)
        return np.asarray(np.maximum(above, below), np.uint8)

    def is_cut(self, before: Luma, sketch: Luma) -> bool:
        """Whether a new scene begins with `sketch`: even moved onto it, the frame before is no likeness of it."""
        if cv2.norm(before, sketch, cv2.NORM_L1) < _CUT_LEVELS * sketch.size:
            return False
        moved = self._moved(before, self.to(before, sketch))
        a, b = moved.astype(np.float32) - moved.mean(), sketch.astype(np.float32) - sketch.mean()
        spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
        return spread <= 0 or float((a * b).sum()) / spread < _CUT_LIKENESS

    def _moved(self, other: Luma, flow: Flow) -> Luma:
        if self._grid.shape != flow.shape:
            down, across = np.indices(flow.shape[:2], np.float32)
            self._grid = np.stack([across, down], axis=2)
        places = self._grid + flow
        return np.asarray(
            cv2.remap(other, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),  # type: ignore[call-overload]
            np.uint8,
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """The squares of which areas are made.

    Attributes:
        frame_size: width and height of the upright frame, in pixels.
        sketch_size: width and height of its sketch, in pixels.
    """

    frame_size: tuple[int, int]
    sketch_size: tuple[int, int]

    @property
    def shrink(self) -> npt.NDArray[np.float32]:
        """Pixels of the frame for one of the sketch: x and y, float32."""
        across, down = (whole / small for whole, small in zip(self.frame_size, self.sketch_size, strict=True))
        return np.array([across, down], np.float32)

    @property
    def _cell(self) -> int:
        return max(1, round(CELL_PX / float(self.shrink.mean())))

    def cells(self, mask: Mask) -> Mask:
        """Squares that hold anything of a mask of the sketch: shape (rows, columns)."""
        height, width = mask.shape
        cell = self._cell
        rows, columns = -(-height // cell), -(-width // cell)
        if not mask.any():
            return np.zeros((rows, columns), np.bool_)
        padded = np.pad(mask, ((0, -height % cell), (0, -width % cell)))
        # Row by row first: over both axes at once it takes many times as long.
        in_rows = padded.reshape(rows, cell, columns * cell).any(axis=1)
        return np.asarray(in_rows.reshape(rows, columns, cell).any(axis=2), np.bool_)

    def mask(self, boxes: Boxes) -> Mask:
        """The pixels of the sketch that boxes of the frame touch: shape (h, w)."""
        width, height = self.sketch_size
        mask = np.zeros((height, width), np.bool_)
        if not len(boxes):
            return mask
        inside = np.clip(boxes / np.tile(self.shrink, 2), 0, [width, height, width, height])
        for x1, y1, x2, y2 in inside.tolist():
            mask[int(y1) : math.ceil(y2), int(x1) : math.ceil(x2)] = True
        return mask

    def areas(self, cells: Mask) -> Boxes:
        """Squares as boxes of the frame, in pixels: float32, shape (N, 4); they may reach over its edges.

        Of every 2 x 2 squares, those that are wanted come in one box.
        """
        if not cells.any():
            return no_boxes()
        row, column = np.nonzero(cells)
        corners = np.stack([column, row, column + 1, row + 1], axis=1)
        _, group = np.unique((row // 2) * cells.shape[1] + column // 2, return_inverse=True)
        boxes = np.zeros((int(group.max(initial=-1)) + 1, 4), corners.dtype)
        boxes[:, :2] = cells.size
        np.minimum.at(boxes[:, :2], group, corners[:, :2])
        np.maximum.at(boxes[:, 2:], group, corners[:, 2:])
        return np.asarray(boxes * self._cell * np.tile(self.shrink, 2), np.float32)

    def share(self, cells: Mask) -> float:
        """About how much of the frame a look at these squares takes in, with their surroundings: from 0 to 1."""
        return float(cv2.dilate(cells.view(np.uint8), np.ones((3, 3), np.uint8)).mean())

    def spread(self, cells: Mask) -> Mask:
        """The pixels of the sketch in these squares: shape (h, w)."""
        width, height = self.sketch_size
        large = np.repeat(np.repeat(cells, self._cell, axis=0), self._cell, axis=1)
        return np.asarray(large[:height, :width], np.bool_)

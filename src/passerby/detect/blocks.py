"""Places in a picture as squares of a coarse grid, and squares as few rectangles."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from passerby.detect.evidence import Mask, sketch_size
from passerby.regions import Boxes, no_boxes

BLOCK_PX: Final = 4
"""Side of a square, in pixels of a sketch: 16 pixels of a 1080p picture."""

MOST_BOXES: Final = 64
"""In one frame: they have to be kept until the video is painted."""
_NO_BOXES: Final = no_boxes()
"""Of most frames: one for all of them saves memory."""


def blocks_of(mask: Mask) -> Mask:
    """Squares that hold anything of a mask of the sketch: shape (rows, columns), the last ones cut off by its edge."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % BLOCK_PX), (0, -width % BLOCK_PX)))
    rows, columns = padded.shape[0] // BLOCK_PX, padded.shape[1] // BLOCK_PX
    return np.asarray(padded.reshape(rows, BLOCK_PX, columns, BLOCK_PX).any(axis=(1, 3)), np.bool_)


def pixels_of(blocks: Mask, shape: tuple[int, ...]) -> Mask:
    """The pixels in these squares, of a sketch of this shape (h, w)."""
    large = np.repeat(np.repeat(blocks, BLOCK_PX, axis=0), BLOCK_PX, axis=1)
    return np.asarray(large[: shape[0], : shape[1]], np.bool_)


def grown(blocks: Mask) -> Mask:
    """Squares with those around them, and with what they surround: clothes may be of the colour of the wall behind."""
    wide = cv2.dilate(np.pad(blocks, 2).view(np.uint8), np.ones((3, 3), np.uint8))
    cv2.floodFill(wide, None, (0, 0), (2,))
    return np.asarray(wide[2:-2, 2:-2] != 2, np.bool_)


def boxes_of(blocks: Mask, frame_size: tuple[int, int]) -> Boxes:
    """Rectangles that hold every one of these squares and little else, in pixels of the frame: float32, shape (N, 4).

    Rows are taken two by two, so that there are fewer of them; where that still makes more than `MOST_BOXES`, as it
    does when it rains, larger squares are taken.

    Args:
        blocks: bool, shape (rows, columns).
        frame_size: width and height of the upright frame, in pixels; boxes end at its edges.
    """
    if not blocks.any():
        return _NO_BOXES
    across, down = 1, 2
    while len(found := _rectangles(blocks, across, down)) > MOST_BOXES:
        across, down = 2 * across, 2 * down
    limit = np.tile(sketch_size(*frame_size), 2).astype(np.float64)
    return np.asarray(np.minimum(found * float(BLOCK_PX), limit) / limit * np.tile(frame_size, 2), np.float32)


def _rectangles(blocks: Mask, across: int, down: int) -> npt.NDArray[np.intp]:
    """x1, y1, x2, y2 in squares, shape (N, 4), of squares joined so many across and down.

    Stretches that begin and end alike in rows that follow each other are one rectangle.
    """
    padded = np.pad(blocks, ((0, -blocks.shape[0] % down), (0, -blocks.shape[1] % across)))
    joined = padded.reshape(padded.shape[0] // down, down, -1, across).any(axis=(1, 3))
    edges = np.diff(np.pad(joined, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (row, start), stop = np.nonzero(edges == 1), np.nonzero(edges == -1)[1]
    order = np.lexsort((row, stop, start))
    row, start, stop = row[order], start[order], stop[order]
    first = np.ones(len(row), np.bool_)
    first[1:] = (start[1:] != start[:-1]) | (stop[1:] != stop[:-1]) | (row[1:] != row[:-1] + 1)
    last = np.append(first[1:], True)
    corners = np.stack([start[first], row[first], stop[first], row[last] + 1], axis=1)
    return np.asarray(corners * np.array([across, down, across, down]), np.intp)

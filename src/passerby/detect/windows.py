"""Which parts of a picture to look at, and at what size: tiles with overlap, and the whole from further away."""

from __future__ import annotations

import math
from dataclasses import dataclass

TILE_WIDTH, TILE_HEIGHT = 1920, 1088
"""Largest picture that a net gets at once, in its own pixels; larger ones are cut into tiles."""

OVERLAP = 256
"""How much two neighbouring tiles share, in pixels of the net: faces up to this size are whole in one of them."""

FAR_PX, FAR_FROM_PX = 480, 1280
"""A look over `FAR_FROM_PX` on its long side goes with one of `FAR_PX`, for faces that fill the frame."""


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the picture and the size at which it is looked at.

    Attributes:
        x1, y1, x2, y2: in pixels of the picture, half-open.
        width, height: what it is resized to.
        core: x1, y1, x2, y2 in pixels of the picture: a face whose centre lies outside is whole in another window.
    """

    x1: int
    y1: int
    x2: int
    y2: int
    width: int
    height: int
    core: tuple[float, float, float, float] = (-math.inf, -math.inf, math.inf, math.inf)


def windows_of(width: int, height: int, scale: float) -> list[Window]:
    """What to look at for one look at `scale` at a picture of that size, in pixels.

    One window where neither its longer side nor its pixels are more than a tile's; else tiles, and the whole picture
    at the size of a tile for faces larger than the overlap. Large looks get one from far away on top.
    """
    long_px = max(width, height) * scale
    near = min(scale, TILE_WIDTH / max(width, height), math.sqrt(TILE_WIDTH * TILE_HEIGHT / (width * height)))
    windows = [whole(width, height, near)]
    if near < scale:
        windows = tiles(width, height, scale) + windows
    if long_px > FAR_FROM_PX:
        windows.append(whole(width, height, FAR_PX / max(width, height)))
    return windows


def whole(width: int, height: int, scale: float) -> Window:
    """The whole picture in one window."""
    return Window(0, 0, width, height, _scaled(width, scale), _scaled(height, scale))


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))


def tiles(width: int, height: int, scale: float) -> list[Window]:
    """The picture in tiles of equal size that overlap by at least `OVERLAP` of the net's pixels."""
    columns = spans(width, TILE_WIDTH / scale, OVERLAP / scale)
    rows = spans(height, TILE_HEIGHT / scale, OVERLAP / scale)
    return [
        Window(x1, y1, x2, y2, _scaled(x2 - x1, scale), _scaled(y2 - y1, scale), (left, top, right, bottom))
        for y1, y2, top, bottom in rows
        for x1, x2, left, right in columns
    ]


def spans(length: int, tile: float, overlap: float) -> list[tuple[int, int, float, float]]:
    """One side of a picture in overlapping parts: from, to, and the core from and to.

    Cores meet in the middle of the overlap and reach a quarter of it beyond, so that a centre that two windows see a
    little differently lies in at least one core.
    """
    if length <= tile:
        return [(0, length, -math.inf, math.inf)]
    count = math.ceil((length - overlap) / (tile - overlap))
    size = min(length, math.floor(tile))
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    parts = []
    for i, start in enumerate(starts):
        before = -math.inf if i == 0 else (start + starts[i - 1] + size) / 2 - overlap / 4
        after = math.inf if i == count - 1 else (starts[i + 1] + start + size) / 2 + overlap / 4
        parts.append((start, start + size, before, after))
    return parts

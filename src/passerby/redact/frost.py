"""A soft look made of the surroundings and grain, never of what it covers.

Inside a region the colours around it are continued smoothly, as a membrane stretched over its rim would lie: harmonic
interpolation on a disc by Poisson's integral, (1 - r²) / (1 - 2 r cos(d) + r²) for each colour of the rim.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from passerby.media import PixelLayout
from passerby.redact.shapes import Shape
from passerby.redact.surroundings import DIRECTIONS, Tones

Field = npt.NDArray[np.float32]

_GRID = 24
_GRAIN_SIZE = 512
_GRAIN = 0.02


def make_grain(seed: int) -> Field:
    """Soft noise to tile a region with: float32, shape (512, 512), in shares of the range, about ±0.02."""
    noise = np.random.default_rng(seed).standard_normal((_GRAIN_SIZE, _GRAIN_SIZE)).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.2, borderType=cv2.BORDER_REFLECT), np.float32)
    return np.asarray(soft * (_GRAIN / soft.std()), np.float32)


def frosted(shape: Shape, tones: Tones, grain: Field, layout: PixelLayout, plane: int, across: int, down: int) -> Field:
    """The samples to paint on one plane, rounded, without shift: float32, as large as the shape's view of it.

    `tones` are the colours around the region, shape (planes, DIRECTIONS); `across` and `down` as in `Shape.on`.
    """
    # Plain sums and look-ups: matrix products would wake the threads of BLAS, which costs more than they save here.
    shares = tones[plane] / np.float32(layout.peak)
    control = np.einsum("gd,d->g", _membrane(), shares).reshape(_GRID, _GRID)
    rows, columns = shape.cells
    radius_x, radius_y = shape.radii
    x1, y1, x2, y2 = shape.box
    first, share = _places(_samples(rows, down), (y1 + y2) / 2, radius_y)
    upper = control.take(first, axis=0)
    tall = upper + share[:, None] * (control.take(first + 1, axis=0) - upper)
    first, share = _places(_samples(columns, across), (x1 + x2) / 2, radius_x)
    field: Field = (tall[:, 1:] - tall[:, :-1]).take(first, axis=1)
    field *= share
    field += tall.take(first, axis=1)
    if plane == 0 or layout.kind != "yuv":
        field += _tiled(grain, *field.shape)
    field *= layout.peak
    low, high = _range(layout, plane)
    return np.asarray(np.clip(np.rint(field, out=field), low, high, out=field), np.float32)


def _tiled(grain: Field, rows: int, columns: int) -> Field:
    if rows > _GRAIN_SIZE or columns > _GRAIN_SIZE:
        grain = np.tile(grain, (-(-rows // _GRAIN_SIZE), -(-columns // _GRAIN_SIZE)))
    return grain[:rows, :columns]


def _samples(cells: slice, shift: int) -> Field:
    """Centres of the samples in these cells, in cells."""
    count = (cells.stop - cells.start) << shift
    return np.asarray((np.arange(count) + 0.5) / (1 << shift) + cells.start, np.float32)


def _places(at: Field, centre: float, radius: float) -> tuple[npt.NDArray[np.intp], Field]:
    """Between which two points of the control grid each sample lies: the first, and the share of the second."""
    scale = (_GRID - 1) / 2
    place = np.clip((at - np.float32(centre)) / np.float32(radius), -1, 1) * scale + scale
    first = np.minimum(place.astype(np.intp), _GRID - 2)
    return first, np.asarray(place - first, np.float32)


@cache
def _membrane() -> Field:
    """Shares of the rim's colours at each point of the grid: float32, shape (grid², DIRECTIONS), rows sum to 1."""
    y, x = np.mgrid[-1 : 1 : _GRID * 1j, -1 : 1 : _GRID * 1j]
    # On the rim itself the kernel is a needle; a little inside it is as wide as the directions are apart.
    radius = np.minimum(np.hypot(x, y), 0.9).reshape(-1, 1)
    apart = np.arctan2(y, x).reshape(-1, 1) - np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS)
    kernel = (1 - radius**2) / (1 - 2 * radius * np.cos(apart) + radius**2)
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)


def _range(layout: PixelLayout, plane: int) -> tuple[int, int]:
    """The lowest and the highest sample value that a picture may hold, without shift."""
    if layout.full_range or layout.kind not in ("yuv", "gray"):
        return 0, layout.peak
    return 16 << (layout.bits - 8), (240 if plane else 235) << (layout.bits - 8)

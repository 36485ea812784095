"""Tiles leave nothing out."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from passerby.detect.windows import FAR_PX, OVERLAP, TILE_HEIGHT, TILE_WIDTH, tiles, windows_of

SIDES = st.integers(1, 9000)
SCALES = st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0])


@given(width=SIDES, height=SIDES, scale=SCALES)
def test_every_pixel_lies_in_a_tile_and_every_centre_in_a_core(width: int, height: int, scale: float) -> None:
    every = tiles(width, height, scale)
    for x, y in ((0, 0), (width - 1, height - 1), (width // 2, height // 2), (width // 3, height * 2 // 3)):
        mine = [t for t in every if t.x1 <= x < t.x2 and t.y1 <= y < t.y2]
        assert any(t.core[0] <= x <= t.core[2] and t.core[1] <= y <= t.core[3] for t in mine)


@given(width=SIDES, height=SIDES, scale=SCALES)
def test_no_window_is_larger_than_a_tile(width: int, height: int, scale: float) -> None:
    for window in windows_of(width, height, scale):
        assert 0 < window.width <= max(TILE_WIDTH, TILE_HEIGHT)
        assert 0 < window.height <= max(TILE_WIDTH, TILE_HEIGHT)
        assert window.width * window.height <= TILE_WIDTH * TILE_HEIGHT * 1.01


@given(width=st.integers(2000, 9000), scale=SCALES)
def test_neighbouring_tiles_overlap_by_as_much_as_is_promised(width: int, scale: float) -> None:
    row = tiles(width, 100, scale)
    for left, right in itertools.pairwise(row):
        assert left.x2 - right.x1 >= OVERLAP / scale - 2
    assert row[0].x1 == 0
    assert row[-1].x2 == width


def test_a_picture_that_fits_is_looked_at_once_and_a_large_one_from_afar_too() -> None:
    assert len(windows_of(1280, 720, 1.0)) == 1
    near, far = windows_of(1920, 1080, 1.0)
    assert (near.width, near.height) == (1920, 1080)
    assert far.width == FAR_PX

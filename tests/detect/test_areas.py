"""Looking at parts of a picture finds there what a look at the whole finds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.detect.areas import STEP_PX, windows_in
from passerby.detect.detector import NetDetector
from passerby.detect.windows import TILE_HEIGHT, TILE_WIDTH, windows_of
from passerby.regions import Boxes, iou, no_boxes

Picture = npt.NDArray[np.uint8]

BOXES = st.lists(
    st.tuples(st.integers(-50, 1900), st.integers(-50, 1060), st.integers(1, 300), st.integers(1, 300)), max_size=6
).map(lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4))


@pytest.fixture(scope="module")
def detector() -> NetDetector:
    return NetDetector("centerface-int8", provider="cpu")


@pytest.fixture(scope="module")
def crowd(astronaut: Picture) -> Picture:
    """Three faces in a picture of 1280x720."""
    picture = np.full((720, 1280, 3), 90, np.uint8)
    for x, y in ((0, 0), (700, 208), (300, 208)):
        picture[y : y + 256, x : x + 256] = astronaut[:256, 96:352]
    return picture


def test_in_an_area_is_found_what_the_whole_picture_shows_there(detector: NetDetector, crowd: Picture) -> None:
    whole = detector.find(crowd, threshold=0.3)
    assert len(whole) == 3
    for i in range(3):
        there = detector.find_in_areas(crowd, whole.boxes[i : i + 1], threshold=0.3)
        assert len(there) == 1
        assert float(iou(there.boxes, whole.boxes[i : i + 1])[0, 0]) > 0.8


def test_several_areas_are_looked_at_together(detector: NetDetector, crowd: Picture) -> None:
    whole = detector.find(crowd, threshold=0.3)
    there = detector.find_in_areas(crowd, whole.boxes, threshold=0.3)
    assert len(there) == 3
    assert (iou(whole.boxes, there.boxes).max(axis=1) > 0.8).all()


def test_areas_are_looked_at_in_a_smaller_picture_too(detector: NetDetector, crowd: Picture) -> None:
    area = np.array([[780, 240, 900, 420]], np.float32)
    assert len(detector.find_in_areas(crowd, area, scale=0.5, threshold=0.3)) == 1


def test_no_area_means_no_look(detector: NetDetector, crowd: Picture) -> None:
    assert len(detector.find_in_areas(crowd, no_boxes())) == 0
    assert windows_in(np.array([[-9, -9, -1, -1]], np.float32), 1280, 720, 1.0) == []


def test_areas_over_most_of_the_picture_mean_a_look_at_all_of_it() -> None:
    area = np.array([[10, 10, 1270, 700]], np.float32)
    assert windows_in(area, 1280, 720, 1.0) == windows_of(1280, 720, 1.0)


@given(areas=BOXES, scale=st.sampled_from([0.5, 1.0, 1.5]))
def test_every_area_lies_in_windows_that_fit_a_tile(areas: Boxes, scale: float) -> None:
    windows = windows_in(areas, 1920, 1080, scale)
    seen = np.zeros((1080, 1920), bool)
    for window in windows:
        assert 0 <= window.x1 < window.x2 <= 1920
        assert 0 <= window.y1 < window.y2 <= 1080
        assert 1 <= window.width <= max(TILE_WIDTH, TILE_HEIGHT)
        assert 1 <= window.height <= max(TILE_WIDTH, TILE_HEIGHT)
        left, top, right, bottom = (round(min(max(v, 0), 4000)) for v in window.core)
        seen[window.y1 : window.y2, window.x1 : window.x2][
            max(0, top - window.y1) : bottom - window.y1, max(0, left - window.x1) : right - window.x1
        ] = True
    for x1, y1, x2, y2 in areas.astype(int):
        assert seen[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)].all()


def test_windows_come_in_few_sizes() -> None:
    rng = np.random.default_rng(3)
    sizes = set()
    for _ in range(100):
        x, y, side = rng.uniform(0, 1500), rng.uniform(0, 800), rng.uniform(20, 60)
        (window,) = windows_in(np.array([[x, y, x + side, y + side]], np.float32), 1920, 1080, 1.0)
        assert window.width % STEP_PX == 0
        sizes.add((window.width, window.height))
    assert len(sizes) <= 4

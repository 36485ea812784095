"""A real face is found wherever it is and however large, and nothing is found where nothing is."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.detect.detector import NetDetector
from passerby.detect.windows import OVERLAP, TILE_WIDTH, tiles
from passerby.regions import Boxes, iou

Picture = npt.NDArray[np.uint8]

FACE = np.array([[177, 68, 272, 187]], np.float32)
"""The astronaut's face, in pixels of the astronaut."""


@pytest.fixture(scope="module", params=["centerface", "centerface-int8"])
def detector(request: pytest.FixtureRequest) -> NetDetector:
    return NetDetector(str(request.param), provider="cpu")


@pytest.fixture(scope="module")
def quick() -> NetDetector:
    return NetDetector("centerface-int8", provider="cpu")


def finds(boxes: Boxes, face: Boxes) -> bool:
    """One of the boxes is on the face."""
    return bool(len(boxes)) and float(iou(face, boxes).max()) > 0.5


def on_canvas(face: Picture, width: int, height: int, x: int, y: int) -> Picture:
    canvas = np.full((height, width, 3), 90, np.uint8)
    canvas[y : y + face.shape[0], x : x + face.shape[1]] = face
    return canvas


def test_a_face_is_found_with_a_high_score_and_nothing_else_is(detector: NetDetector, astronaut: Picture) -> None:
    found = detector.find(astronaut, threshold=0.3)
    assert len(found) == 1
    assert finds(found.boxes, FACE)
    assert found.scores[0] > 0.8


def test_a_mirrored_face_is_found_at_the_mirrored_place(detector: NetDetector, astronaut: Picture) -> None:
    width = astronaut.shape[1]
    mirrored = FACE[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([width, 0, width, 0], np.float32)
    assert finds(detector.find(astronaut[:, ::-1]).boxes, mirrored.astype(np.float32))


@pytest.mark.parametrize("factor", [0.2, 0.25, 0.5, 1.5, 3.0])
def test_a_face_is_found_at_any_size(detector: NetDetector, astronaut: Picture, factor: float) -> None:
    picture = np.asarray(cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    assert finds(detector.find(picture).boxes, (FACE * factor).astype(np.float32))


@pytest.mark.parametrize("scale", [0.5, 1.5, 2.0])
def test_boxes_are_in_pixels_of_the_picture_at_every_scale(
    detector: NetDetector, astronaut: Picture, scale: float
) -> None:
    assert finds(detector.find(astronaut, scale=scale).boxes, FACE)


def test_a_face_that_fills_a_large_picture_is_found(quick: NetDetector, astronaut: Picture) -> None:
    x1, y1, x2, y2 = (int(v) for v in FACE[0])
    close = np.asarray(cv2.resize(astronaut[y1:y2, x1:x2], (1900, 2380), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert finds(quick.find(close).boxes, np.array([[0, 0, 1900, 2380]], np.float32))


def test_a_face_in_the_corner_of_a_huge_picture_is_found(quick: NetDetector, astronaut: Picture) -> None:
    picture = on_canvas(astronaut, 6000, 4000, 6000 - 512, 4000 - 512)
    moved = FACE + np.tile(np.array([6000 - 512, 4000 - 512], np.float32), 2)
    assert finds(quick.find(picture).boxes, moved.astype(np.float32))


@pytest.mark.parametrize("offset", [-256, -128, -60, 0, 60, 128])
def test_a_face_on_the_border_of_two_tiles_is_found_once(quick: NetDetector, astronaut: Picture, offset: int) -> None:
    width = 2 * TILE_WIDTH - OVERLAP
    border = tiles(width, 512, 1.0)[0].x2
    x = border + offset - 225
    found = quick.find(on_canvas(astronaut, width, 512, x, 0), threshold=0.3)
    assert len(found) == 1
    assert finds(found.boxes, (FACE + np.array([x, 0, x, 0], np.float32)).astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(x=st.integers(0, 400), y=st.integers(0, 300), size=st.integers(96, 256))
def test_a_face_is_found_anywhere(quick: NetDetector, x: int, y: int, size: int) -> None:
    import skimage.data

    face = np.asarray(cv2.resize(skimage.data.astronaut(), (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    expected = FACE * (size / 512) + np.tile(np.array([x, y], np.float32), 2)
    found = quick.find(on_canvas(face, 657, 557, x, y))
    assert finds(found.boxes, expected.astype(np.float32))
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] <= [657, 557]).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3), (31, 33), (479, 853)])
def test_nothing_is_found_on_blank_pictures_of_any_size(detector: NetDetector, shape: tuple[int, int]) -> None:
    for level in (0, 127, 255):
        assert len(detector.find(np.full((*shape, 3), level, np.uint8))) == 0


def test_nothing_is_found_in_noise(detector: NetDetector) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    assert len(detector.find(noise, threshold=0.3)) == 0


def test_the_same_picture_gives_the_same_boxes(detector: NetDetector, astronaut: Picture) -> None:
    first, second = detector.find(astronaut, threshold=0.01), detector.find(astronaut, threshold=0.01)
    assert np.array_equal(first.boxes, second.boxes)
    assert np.array_equal(first.scores, second.scores)


def test_the_best_comes_first_and_nothing_under_the_threshold(detector: NetDetector, astronaut: Picture) -> None:
    found = detector.find(astronaut, threshold=0.02)
    assert (np.diff(found.scores) <= 0).all()
    assert (found.scores >= 0.02).all()


def test_the_int8_version_agrees_with_the_float_one(astronaut: Picture) -> None:
    precise, fast = (
        NetDetector(name, provider="cpu").find(astronaut, threshold=0.5) for name in ("centerface", "centerface-int8")
    )
    assert len(precise) == len(fast) == 1
    assert abs(float(precise.scores[0] - fast.scores[0])) < 0.05
    assert float(iou(precise.boxes, fast.boxes)[0, 0]) > 0.85

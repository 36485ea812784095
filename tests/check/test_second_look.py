"""The second look finds what was left standing and keeps silent about what is covered."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.check.second_look import (
    TEXTURED,
    SecondLook,
    SecondLookOptions,
    covered_share,
    sampled,
    texture_share,
)
from passerby.detect.detector import NetDetector
from passerby.errors import ModelError, RedactionIncomplete
from passerby.media import Frame, Picture, PixelLayout
from passerby.redact.cover import Painter, Style
from passerby.regions import Detections, Regions

FACE = (170, 60, 280, 195)
MS = Fraction(1, 1000)


@pytest.fixture(scope="module")
def detector() -> NetDetector:
    return NetDetector()


def regions(*boxes: tuple[float, float, float, float]) -> Regions:
    return Regions(np.array(boxes, np.float32).reshape(-1, 4), np.zeros(len(boxes), np.uint8))


def test_a_face_left_standing_is_found_where_it_is(astronaut: Picture, detector: NetDetector) -> None:
    look = SecondLook(detector, lambda _: regions())
    look.look_at_picture(astronaut)
    assert look.looked_at == 1
    assert len(look.standing) == 1
    x1, y1, x2, y2 = look.standing[0].box
    assert 150 < x1 < 200 < 250 < x2 < 300
    assert 40 < y1 < 100 < 150 < y2 < 210
    assert look.standing[0].score >= 0.35


def test_a_covered_face_is_not_found(astronaut: Picture, detector: NetDetector) -> None:
    painted = astronaut.copy()
    x1, y1, x2, y2 = FACE
    painted[y1:y2, x1:x2] = 128
    look = SecondLook(detector, lambda _: regions(FACE))
    look.look_at_picture(painted)
    assert look.standing == []


def test_a_face_that_should_be_painted_and_is_not_is_found(astronaut: Picture, detector: NetDetector) -> None:
    look = SecondLook(detector, lambda _: regions(FACE))
    look.look_at_picture(astronaut)
    assert [standing.through for standing in look.standing] == [True]


@pytest.mark.parametrize("style", ["fill", "black", "frost"])
def test_paint_is_not_taken_for_a_face(style: Style, astronaut: Picture, detector: NetDetector) -> None:
    picture = astronaut.copy()
    planes = tuple(picture[..., channel] for channel in range(3))
    Painter(style).cover(Frame(0, Fraction(1), PixelLayout("RGB", "rgb"), planes), regions(FACE))
    look = SecondLook(detector, lambda _: regions(FACE))
    look.look_at_picture(picture)
    assert look.standing == []


def test_a_face_that_the_user_spares_is_not_listed(astronaut: Picture, detector: NetDetector) -> None:
    look = SecondLook(detector, lambda _: regions(), spared=lambda boxes: np.ones(len(boxes), np.bool_))
    look.look_at_picture(astronaut)
    assert look.standing == []


def test_anything_in_a_frame_that_is_painted_whole_is_listed(astronaut: Picture, detector: NetDetector) -> None:
    look = SecondLook(detector, lambda _: None)
    look.look_at_picture(np.zeros_like(astronaut))
    assert look.standing == []
    look.look_at_picture(astronaut)
    assert len(look.standing) == 1


def test_a_detector_that_fails_withholds_the_copy(astronaut: Picture) -> None:
    class Broken:
        def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
            raise ModelError("no memory")

    with pytest.raises(RedactionIncomplete, match=r"a\.mp4 could not be looked at a second time"):
        SecondLook(Broken(), lambda _: regions(), name="a.mp4").look_at_picture(astronaut)


def test_the_frames_of_a_finished_video_are_looked_at_while_it_is_read_back(
    tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo, detector: NetDetector
) -> None:
    path = tmp_path / "good.mp4"
    path.write_bytes(good_mp4)
    options = SecondLookOptions(scale=2)
    pts = np.array(expected.pts)
    look = SecondLook(detector, lambda _: regions(), pts=pts, time_base=expected.time_base, options=options)
    assert read_back_video(path, expected, on_frame=look.look_at, sample=look.sample) == []
    assert look.looked_at == 2
    assert {standing.pts for standing in look.standing} == {0, 19}
    assert {standing.time_s for standing in look.standing} == {0.0, 19 / 25}


@pytest.mark.parametrize(
    ("frames", "step_ms", "looks"),
    [(0, 40, 0), (1, 40, 1), (2, 40, 2), (100, 40, 4), (3000, 40, 100), (90000, 40, 120), (50, 5000, 2)],
)
def test_looks_are_bounded_and_take_in_the_first_and_the_last_frame(frames: int, step_ms: int, looks: int) -> None:
    chosen = sampled(np.arange(frames) * step_ms, MS, SecondLookOptions())
    assert len(chosen) == looks
    assert not frames or {chosen[0], chosen[-1]} == {0, frames - 1}


Edge = st.integers(0, 12)
Box = st.tuples(Edge, Edge, Edge, Edge)


@given(Box, st.lists(Box, max_size=5))
def test_the_covered_share_is_that_of_counting_pixels(box: tuple[int, ...], painted: list[tuple[int, ...]]) -> None:
    canvas: npt.NDArray[np.bool_] = np.zeros((12, 12), np.bool_)
    for x1, y1, x2, y2 in painted:
        canvas[y1:y2, x1:x2] = True
    x1, y1, x2, y2 = box
    inside = canvas[y1:y2, x1:x2]
    share = covered_share(np.array(box, np.float32), np.array(painted, np.float32).reshape(-1, 4))
    assert share == pytest.approx(inside.mean() if inside.size else 0.0)


def test_paint_is_even_and_a_face_is_not(astronaut: npt.NDArray[np.uint8]) -> None:
    face = np.array([177, 68, 272, 187], np.float32)
    painted = astronaut.copy()
    cv2.ellipse(painted, (224, 127), (80, 95), 0, 0, 360, (150, 140, 135), -1)
    cv2.ellipse(painted, (270, 160), (40, 50), 0, 0, 360, (60, 50, 45), -1)
    assert texture_share(astronaut, face) > 0.9
    assert texture_share(painted, face) < TEXTURED
    assert texture_share(astronaut, np.array([-5, -5, 0.5, 0.5], np.float32)) <= 1

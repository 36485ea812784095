"""Everything that moves before a fixed camera is covered, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.video.stream import VideoStream

from passerby.redact.plan import Plan

from .commands import files_in, passerby, sentence
from .scenes import BASE, STEP, X264, Rgb, decoded

SIZE = (320, 240)
RATE_FPS = 10
LEARNED, COMES, STANDS, GOES, GONE, END = 32, 40, 48, 68, 76, 96
"""The shape walks in, stands still for two seconds, walks out."""
SPECK = 16
"""A tip of the shape with fewer pixels than this, at the edge of the picture, is like noise."""
Mask = npt.NDArray[np.bool_]


@cache
def backdrop() -> Rgb:
    """A textured still place in which nobody is, wider than the picture."""
    coarse = np.random.default_rng(4).integers(70, 180, (24, 60, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (600, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


@cache
def star() -> Mask:
    """Nothing that any detector knows: a star of seven points, 70 px wide."""
    angles = np.arange(14) * np.pi / 7
    reach = np.where(np.arange(14) % 2, 15, 34)
    points = np.stack([35 + reach * np.cos(angles), 35 + reach * np.sin(angles)], axis=1)
    return np.asarray(cv2.fillPoly(np.zeros((70, 70), np.uint8), [points.round().astype(np.int32)], (1,)) > 0, np.bool_)


def place_of(index: int) -> int | None:
    """Where the left side of the star is in a frame."""
    if not COMES <= index < GONE:
        return None
    if index < STANDS:
        return -60 + 25 * (index - COMES)
    return 140 if index < GOES else 140 + 25 * (index - GOES)


def star_in(index: int) -> Mask:
    """The pixels of the picture in which the star is."""
    there = np.zeros(SIZE[::-1], np.bool_)
    left = place_of(index)
    if left is not None:
        x1, x2 = max(0, left), min(SIZE[0], left + 70)
        if x1 < x2:
            there[90:160, x1:x2] = star()[:, x1 - left : x2 - left]
    return there


def scene(index: int, *, turned_px: int = 0) -> Rgb:
    """A frame: the place, noise, and the star in odd colours with a texture of its own."""
    noise = np.random.default_rng(index)
    picture = backdrop()[:, turned_px : turned_px + SIZE[0]].astype(np.float32)
    there = star_in(index)
    colours = np.random.default_rng(9).integers(0, 255, (70, 320, 3)).astype(np.float32)
    picture[90:160][there[90:160]] = (0.5 * colours + [100, 10, 120])[there[90:160]]
    return np.asarray(np.clip(picture + noise.normal(0, 2, picture.shape), 0, 255), np.uint8)


def record(path: Path, pictures: Iterator[Rgb]) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", RATE_FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {**X264, "crf": "16"}
        stream.time_base = stream.codec_context.time_base = BASE
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame.pts, frame.time_base = index * STEP * 25 // RATE_FPS, BASE
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """star.mp4, its copy out.mp4 and the plan of it."""
    folder = tmp_path_factory.mktemp("motion")
    record(folder / "star.mp4", map(scene, range(END)))
    plan = folder / "plan.json"
    said = passerby("redact", folder / "star.mp4", "-o", folder / "out.mp4", "--cover", "motion", "--plan", plan)
    assert said.code == 0, said.err
    return folder


def test_nothing_of_a_shape_that_no_detector_knows_is_left(walked: Path) -> None:
    before, after = (decoded(walked / name).pictures for name in ("star.mp4", "out.mp4"))
    assert len(before) == len(after) == END
    for index, (original, copy) in enumerate(zip(before, after, strict=True)):
        there = star_in(index)
        if there.sum() < SPECK:
            continue
        original, copy = (picture[there].astype(np.float32).mean(axis=1) for picture in (original, copy))
        assert copy.std() < 0.4 * original.std(), f"frame {index}"
        likeness = float(np.corrcoef(original, copy)[0, 1]) if copy.std() > 0.5 else 0.0
        assert abs(likeness) < 0.35, f"frame {index}"


def test_the_regions_hold_every_pixel_of_the_shape_in_its_frame_and_in_those_beside_it(walked: Path) -> None:
    plan = Plan.load(walked / "plan.json")
    assert {"motion"} == set(dict(plan.settings.margins))
    for index in range(LEARNED, END):
        regions = plan.regions_at(int(plan.pts[index]))
        assert regions is not None
        painted = np.zeros(SIZE[::-1], np.bool_)
        for x1, y1, x2, y2 in regions.boxes.astype(int):
            painted[y1:y2, x1:x2] = True
        for beside in (index - 1, index, index + 1):
            there = star_in(beside)
            assert there.sum() < SPECK or painted[there].all(), f"frame {index}"


def test_everything_is_covered_while_the_background_is_learned_and_little_afterwards(walked: Path) -> None:
    plan = Plan.load(walked / "plan.json")
    assert np.flatnonzero(plan.whole).tolist() == list(range(30))
    covered = np.flatnonzero(plan.is_covered & ~plan.whole).tolist()
    assert set(range(COMES + 1, GONE - 1)) <= set(covered) <= set(range(COMES - 2, GONE + 2))
    for picture in decoded(walked / "out.mp4").pictures[:30]:
        assert picture.std() < 3


def test_the_place_itself_stays_as_it_was(walked: Path) -> None:
    before, after = (decoded(walked / name).pictures for name in ("star.mp4", "out.mp4"))
    for index in range(LEARNED, END):
        for far in (np.s_[:60], np.s_[200:]):
            difference = np.abs(before[index][far].astype(np.int16) - after[index][far].astype(np.int16))
            assert difference.mean() < 4, f"frame {index}"


def test_what_is_learned_and_still_is_copied(walked: Path) -> None:
    plan = Plan.load(walked / "plan.json")
    before, after = (decoded(walked / name).pictures for name in ("star.mp4", "out.mp4"))
    copied = [gop for gop in plan.gops if gop.action == "copy"]
    assert copied
    for gop in copied:
        first = int(np.searchsorted(plan.pts, gop.first_pts))
        for index in range(first, first + gop.frames):
            assert np.array_equal(before[index], after[index])


def test_a_camera_that_pans_is_covered_whole(tmp_path: Path) -> None:
    record(tmp_path / "pan.mp4", (scene(END + i, turned_px=5 * i) for i in range(50)))
    said = passerby("redact", tmp_path / "pan.mp4", "--cover", "motion", "--plan", tmp_path / "plan.json")
    assert said.code == 0, said.err
    assert "of them whole" in said.out
    assert Plan.load(tmp_path / "plan.json").whole.all()


def test_detectors_look_at_what_motion_covers_too(tmp_path: Path, walked: Path) -> None:
    said = passerby(
        "redact", walked / "star.mp4", "-o", tmp_path / "both.mp4",
        "--cover", "face,motion", "--plan", tmp_path / "plan.json",
    )  # fmt: skip
    assert said.code == 0, said.err
    alone, both = Plan.load(walked / "plan.json"), Plan.load(tmp_path / "plan.json")
    assert dict(both.settings.margins).keys() == {"face", "motion"}
    assert np.array_equal(alone.whole, both.whole)
    assert (both.is_covered | ~alone.is_covered).all()


@pytest.mark.parametrize("cover", ["motion", "face,motion"])
def test_a_photo_has_no_background_to_learn(tmp_path: Path, made: Path, cover: str) -> None:
    said = passerby("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", "--cover", cover)
    assert said.code == 2
    assert "motion" in sentence(said, "face.jpg", "nothing was written")
    assert not files_in(tmp_path)


def test_a_photo_among_videos_fails_alone(tmp_path: Path, made: Path, walked: Path) -> None:
    said = passerby(
        "redact", made / "face.jpg", walked / "star.mp4", "-o", f"{tmp_path / 'copies'}/", "--cover", "motion"
    )
    assert said.code != 0
    assert "face.jpg" in said.err
    assert files_in(tmp_path / "copies") == {"star.mp4"} or files_in(tmp_path / "copies") == {"star.redacted.mp4"}

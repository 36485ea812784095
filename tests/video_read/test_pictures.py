from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from passerby.media import Frame, Orientation
from passerby.read.layouts import shown_format
from passerby.read.picture import Sample, frame_of, picture_of

from .clips import X264, Clip, frames_again, make, picture, read

VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "30"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=30"}
AV1 = {"preset": "13", "svtav1-params": "keyint=30"}

VIEWED = (
    *("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "yuva420p", "yuv420p10le"),
    *("yuv422p12le", "yuv444p16le", "nv12", "nv21", "nv16", "p010le", "p016le", "gray", "gray10le", "gbrp"),
    *("gbrp10le", "gbrap", "rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "rgb0"),
)
CONVERTED = {
    "pal8": 8,
    "yuyv422": 8,
    "uyvy422": 8,
    "yuv420p10be": 10,
    "rgb48le": 16,
    "monow": 1,
    "rgb565le": 5,
    "ya8": 8,
    "xyz12le": 12,
    "y210le": 10,
    "v30xle": 10,
}


def wrap(decoded: av.VideoFrame, orientation: Orientation = Orientation.UPRIGHT) -> Frame:
    return frame_of(decoded, 0, Fraction(1, 25), orientation, damaged=False, writable=True)


def face(pixel_format: str, size: tuple[int, int] = (107, 61)) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture(50, size), "rgb24").reformat(format=pixel_format)


@pytest.mark.parametrize("pixel_format", VIEWED)
def test_painting_the_planes_paints_the_carrier_and_nothing_else(pixel_format: str) -> None:
    frame = wrap(face(pixel_format))
    assert frame.layout.name == pixel_format
    assert frame.size == (107, 61)
    before = picture_of(frame).astype(int)
    for index, plane in enumerate(frame.planes):
        across, down = frame.layout.shift_of(index)
        plane[: 32 >> down, : 32 >> across] = frame.layout.black(index)
    after = picture_of(frame).astype(int)
    assert after[:24, :24].max() <= 3
    assert np.abs(after[36:, 36:] - before[36:, 36:]).max() == 0


@pytest.mark.parametrize("pixel_format", VIEWED)
def test_the_planes_hold_the_samples_that_the_layout_says(pixel_format: str) -> None:
    frame = wrap(face(pixel_format))
    layout = frame.layout
    if layout.kind == "rgb":
        samples = np.stack([plane >> (layout.bits - 8) for plane in frame.planes[:3]], axis=-1)
        assert np.abs(samples.astype(int) - picture(50, (107, 61))).max() <= 1
    else:
        luma = (frame.planes[0] >> layout.shift_bits).astype(float) / (1 << (layout.bits - 8))
        wanted = picture(50, (107, 61)) @ np.array([0.299, 0.587, 0.114])
        wanted = wanted if layout.full_range else 16 + wanted * 219 / 255
        assert np.abs(luma - wanted).max() < 3


@pytest.mark.parametrize(("pixel_format", "bits"), CONVERTED.items())
def test_a_format_without_planes_of_whole_samples_is_handed_on_in_one_that_loses_nothing(
    pixel_format: str, bits: int
) -> None:
    source = av.VideoFrame(64, 48, pixel_format) if pixel_format == "pal8" else face(pixel_format, (64, 48))
    frame = wrap(source)
    assert frame.layout.name == shown_format(pixel_format) != pixel_format
    assert frame.layout.bits >= bits
    had, has = av.VideoFormat(pixel_format, 64, 48), av.VideoFormat(frame.layout.name, 64, 48)
    if not had.is_rgb and pixel_format not in ("monow", "xyz12le", "ya8"):
        assert has.chroma_width() >= had.chroma_width()
        assert has.chroma_height() >= had.chroma_height()


@pytest.mark.parametrize(
    ("codec", "settings"),
    [
        ("libx264", X264 | {"g": "60", "preset": "veryfast"}),
        ("libx265", HEVC),
        ("libvpx-vp9", VP9),
        ("libsvtav1", AV1),
        ("mpeg4", {"g": "60"}),
    ],
)
def test_painting_a_frame_never_changes_a_later_one(codec: str, settings: dict[str, str], tmp_path: Path) -> None:
    got = read(make(tmp_path / "clip.mp4", Clip(codec, frames=24, settings=settings)), keep_planes=True)
    for frame, untouched in zip(frames_again(got.source), got.planes, strict=True):
        assert all(np.array_equal(plane, other) for plane, other in zip(frame.planes, untouched, strict=True))
        for plane in frame.planes:
            plane[:] = 77


def test_the_planes_of_the_first_pass_cannot_be_written(tmp_path: Path) -> None:
    source = read(make(tmp_path / "clip.mp4", Clip(frames=3))).source
    for frame in source.frames():
        with pytest.raises(ValueError, match="read-only"):
            frame.planes[0][0, 0] = 0


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv420p10le", "nv12", "yuv444p"])
def test_white_is_white_and_black_is_black(pixel_format: str) -> None:
    for value in (0, 255):
        decoded = av.VideoFrame.from_ndarray(np.full((48, 64, 3), value, np.uint8), "rgb24")
        shown = picture_of(wrap(decoded.reformat(format=pixel_format)))
        assert np.abs(shown.astype(int) - value).max() <= 2


@pytest.mark.parametrize(
    ("tag", "size"), [(1, (64, 48)), (6, (64, 48)), (9, (64, 48)), (2, (64, 48)), (2, (1280, 720))]
)
def test_colours_are_read_by_the_matrix_that_the_video_names(tag: int, size: tuple[int, int]) -> None:
    # ITU-T H.273: red in BT.709, BT.601 and BT.2020; untagged pictures of 720 lines and more count as BT.709.
    red_weight, blue_weight = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[
        tag if tag != 2 else (1 if size[1] >= 720 else 6)
    ]
    luma = 16 + 219 * red_weight
    blue = 128 + 112 * (-red_weight / (1 - blue_weight))
    decoded = av.VideoFrame(*size, "yuv420p")
    decoded.colorspace, decoded.color_range = tag, 1
    frame = wrap(decoded)
    for plane, value in zip(frame.planes, (luma, blue, 240), strict=True):
        plane[:] = round(value)
    shown = picture_of(frame)[20, 20].astype(int)
    assert np.abs(shown - (255, 0, 0)).max() <= 4


def test_tags_that_no_converter_knows_are_no_obstacle() -> None:
    for tag in (0, 3, 8, 10, 14, 200):
        decoded = av.VideoFrame(64, 48, "yuv420p")
        decoded.colorspace, decoded.color_primaries, decoded.color_trc = tag, 3, 3
        assert picture_of(wrap(decoded)).shape == (48, 64, 3)
        assert decoded.color_trc == 3


@pytest.mark.parametrize("long_side", [32, 100, 107, 320])
def test_a_scaled_picture_keeps_the_aspect(long_side: int) -> None:
    shown = picture_of(wrap(face("yuv420p")), long_side)
    assert shown.shape == (max(1, round(61 * long_side / 107)), long_side, 3)
    assert shown.flags.c_contiguous


@pytest.mark.parametrize("orientation", Orientation)
def test_the_picture_stands_upright(orientation: Orientation) -> None:
    frame = wrap(face("gbrp"), orientation)
    assert np.array_equal(picture_of(frame), orientation.turn(picture(50, (107, 61))))
    width, height = frame.upright_size
    assert picture_of(frame).shape == (height, width, 3)


def test_pictures_may_be_taken_by_several_threads_at_once() -> None:
    frames = [wrap(face("yuv420p", (320, 240))) for _ in range(3)] * 20
    wanted = picture_of(frames[0], 200)
    with ThreadPoolExecutor(4) as pool:
        for shown in pool.map(lambda frame: picture_of(frame, 200), frames):
            assert np.array_equal(shown, wanted)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj444p", "yuv420p10le", "p010le", "bgr24", "gbrap", "gray"])
def test_a_stand_in_is_black_and_opaque(pixel_format: str) -> None:
    sample = Sample.of(face(pixel_format))
    stand_in = sample.black()
    assert sample.fits(stand_in)
    assert picture_of(wrap(stand_in)).max() <= 1

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import av
import numpy as np
import pytest
from av.codec.context import Flags
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from passerby.errors import OutputError, PasserbyError, SettingsError
from passerby.media import Colour, VideoInfo
from passerby.write.codecs import Quality
from passerby.write.video import Container, EncodeOptions, choose_encoding, open_writer

from .video_clips import QUICK, Clip, hashes, make, rewrite

MILLISECOND = Fraction(1, 1000)
QUARTER = (0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
SKEWED = (65536, 100, 0, -200, 70000, 0, 300, 400, 1 << 30)
QUIET = "log-level=none:info=0"
HDR = ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
PQ = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
TEN_BITS = Clip(codec="libx265", pixel_format="yuv420p10le", settings={"x265-params": QUIET + HDR}, attributes=PQ)
IN_MKV = Clip(codec="ffv1", format="matroska", time_base=MILLISECOND, step=40)
LIKE = VideoInfo("a.mp4", "mov,mp4", "h264", "", 0, 64, 48, "yuv420p", 8, Fraction(1, 90000), Fraction(25), None, None)
TEN_BITS_LIKE = replace(LIKE, pixel_format="yuv420p10le", bits=10)

CLIPS: dict[str, tuple[Clip, Container, EncodeOptions, str, str]] = {
    "H.264 in MP4": (Clip(), "mp4", QUICK, "libx264", "yuv420p"),
    "H.264 in MOV": (Clip(matrix=SKEWED), "mov", QUICK, "libx264", "yuv420p"),
    "H.264 in MKV": (Clip(matrix=QUARTER), "mkv", QUICK, "libx264", "yuv420p"),
    "HEVC in MP4": (Clip(), "mp4", EncodeOptions("hevc", speed="fastest"), "libx265", "yuv420p"),
    "AV1 in MP4": (Clip(matrix=QUARTER), "mp4", EncodeOptions("av1", speed="fastest"), "libsvtav1", "yuv420p"),
    "WebM": (replace(IN_MKV, codec="libvpx-vp9", format="webm"), "webm", QUICK, "libsvtav1", "yuv420p"),
    "odd sizes 4:4:4": (Clip(size=(85, 47), pixel_format="yuv444p"), "mp4", QUICK, "libx264", "yuv444p"),
    "odd sizes 4:2:0": (Clip(codec="libvpx-vp9", size=(85, 47)), "mp4", QUICK, "libsvtav1", "yuv420p"),
    "no multiple of 16": (Clip(size=(150, 90)), "mp4", QUICK, "libx264", "yuv420p"),
    "4:2:2": (Clip(pixel_format="yuv422p"), "mp4", QUICK, "libx264", "yuv422p"),
    "full range": (Clip(pixel_format="yuvj420p"), "mp4", QUICK, "libx264", "yuvj420p"),
    "10 bits": (TEN_BITS, "mp4", QUICK, "libx265", "yuv420p10le"),
    "10 bits, AV1": (TEN_BITS, "mp4", EncodeOptions("av1", speed="fastest"), "libsvtav1", "yuv420p10le"),
    "10 bits 4:2:2": (replace(IN_MKV, pixel_format="yuv422p10le"), "mp4", QUICK, "libx265", "yuv422p10le"),
    "12 bits 4:4:4": (replace(IN_MKV, pixel_format="yuv444p12le"), "mp4", QUICK, "libx265", "yuv444p12le"),
    "4:1:1": (replace(IN_MKV, pixel_format="yuv411p"), "mp4", QUICK, "libx264", "yuv422p"),
    "RGB": (replace(IN_MKV, pixel_format="bgr0"), "mp4", QUICK, "libx264rgb", "bgr0"),
    "RGB of 10 bits": (replace(IN_MKV, pixel_format="gbrp10le"), "mp4", QUICK, "libx265", "gbrp10le"),
    "grey": (replace(IN_MKV, pixel_format="gray"), "mp4", QUICK, "libx264", "gray"),
    "AVI": (
        Clip(codec="mjpeg", pixel_format="yuvj422p", format="avi", time_base=Fraction(1, 25), step=1),
        "mp4",
        QUICK,
        "libx264",
        "yuvj422p",
    ),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_pixels_keep_their_size_bits_and_chroma(tmp_path: Path, kind: str) -> None:
    clip, container, options, encoder, pixel_format = CLIPS[kind]
    made = rewrite(make(tmp_path / "source", clip), tmp_path / "out", container, options)
    assert made.problems == []
    assert (made.written.encoder, made.written.pixel_format) == (encoder, pixel_format)
    assert made.written.frames_encoded == clip.frames
    raw = made.path.read_bytes()
    for trace in (b"Lavc", b"Lavf6", b"x264", b"x265", b"SVT", b"options:"):
        assert trace not in raw
    with av.open(str(made.path)) as file:
        frame = next(file.decode(video=0))
    assert (frame.width, frame.height) == clip.size


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
@pytest.mark.parametrize("container", ["mp4", "mov", "mkv"])
def test_each_codec_goes_into_each_container_or_is_refused(tmp_path: Path, codec: str, container: Container) -> None:
    options = EncodeOptions(codec, speed="fastest")  # type: ignore[arg-type]
    source = make(tmp_path / "source.mp4", Clip(frames=4))
    if (codec, container) == ("av1", "mov"):
        with pytest.raises(SettingsError, match="MOV cannot hold AV1"):
            rewrite(source, tmp_path / "out", container, options)
    else:
        assert rewrite(source, tmp_path / "out", container, options).problems == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([1, 1, 1, 6, 6], 0, Fraction(1, 24), "hevc")
@given(
    st.lists(st.integers(1, 5000), min_size=2, max_size=16),
    st.integers(0, 200_000),
    st.sampled_from([Fraction(1, 90000), Fraction(1, 600), Fraction(1, 24), MILLISECOND, Fraction(1, 1_000_000)]),
    st.sampled_from(["h264", "hevc"]),
)
def test_times_of_a_variable_frame_rate_are_the_same(
    tmp_path: Path, steps: list[int], start: int, time_base: Fraction, codec: str
) -> None:
    times = (np.cumsum(steps) + start).tolist()
    source = make(tmp_path / "source.mov", Clip(size=(32, 32), pts=times, time_base=time_base, format="mov"))
    made = rewrite(source, tmp_path / "out.mp4", options=EncodeOptions(codec, speed="fastest"))  # type: ignore[arg-type]
    assert made.problems == []
    assert list(hashes(made.path)) == list(hashes(source))


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_clips_of_so_few_frames_that_x265_does_not_know_its_delay_keep_their_times(tmp_path: Path, frames: int) -> None:
    source = make(tmp_path / "source.mov", Clip(size=(32, 32), frames=frames, format="mov"))
    for _ in range(10):  # what it gives instead depends on what lay in memory before
        made = rewrite(source, tmp_path / "out.mp4", options=EncodeOptions("hevc", speed="fastest"))
        assert made.problems == []
        assert list(hashes(made.path)) == list(hashes(source))


def test_times_that_a_container_cannot_keep_are_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(step=511))
    with pytest.raises(OutputError, match="cannot be kept in this container") as caught:
        rewrite(source, tmp_path / "out.mkv", "mkv")
    assert caught.value.hint == "Write to .mp4"
    with pytest.raises(OutputError, match="as finely"):
        rewrite_like(tmp_path, replace(LIKE, time_base=Fraction(1, 2**32)))


def rewrite_like(folder: Path, like: VideoInfo) -> None:
    with open_writer(folder / "out.mp4", "mp4", like):
        pass


def test_aspect_and_colour_stand_in_the_container_too(tmp_path: Path) -> None:
    attributes = {"sample_aspect_ratio": Fraction(8, 9), "color_primaries": 5, "color_trc": 6, "colorspace": 5}
    clip = Clip(attributes={**attributes, "color_range": 1})
    made = rewrite(make(tmp_path / "source.mp4", clip), tmp_path / "out.mp4")
    assert made.info.colour == Colour(5, 6, 5, False)
    assert made.problems == []
    raw = made.path.read_bytes()
    assert b"colrnclx" + bytes([0, 5, 0, 6, 0, 5, 0]) in raw
    assert b"pasp" + (8).to_bytes(4, "big") + (9).to_bytes(4, "big") in raw


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_what_hdr_screens_want_to_know_stays(tmp_path: Path, codec: str) -> None:
    options = EncodeOptions(codec, speed="fastest")  # type: ignore[arg-type]
    source = make(tmp_path / "source.mp4", TEN_BITS)
    made = rewrite(source, tmp_path / "out.mp4", options=options)
    assert made.info.colour == Colour(9, 16, 9, False)
    assert made.written.stated == f"10-bit kept through {'HEVC' if codec == 'hevc' else 'AV1'}"
    assert made.problems == []
    names = ["CONTENT_LIGHT_LEVEL", "MASTERING_DISPLAY_METADATA"]
    assert sorted(side_data(made.path)) == names
    for name in names:
        before, after = (np.frombuffer(side_data(path)[name], np.int32).astype(float) for path in (source, made.path))
        if name.startswith("MASTERING"):
            before, after = before[:20:2] / before[1:20:2], after[:20:2] / after[1:20:2]
        assert after == pytest.approx(before, rel=0.01, abs=1e-3)


def side_data(path: Path) -> dict[str, bytes]:
    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
        every: Any = frame.side_data
        return {data.type.name: bytes(data) for data in every}


def test_interlaced_frames_stay_interlaced_with_their_field_order(tmp_path: Path) -> None:
    flags = Flags.interlaced_dct | Flags.interlaced_me
    for order in ("tff", "bff"):
        clip = Clip(flags=flags, settings={"x264-params": f"{order}=1"})
        made = rewrite(make(tmp_path / "source.mp4", clip), tmp_path / "out.mp4")
        assert made.info.interlaced
        assert made.problems == []
        with av.open(str(made.path)) as file:
            assert all(frame.interlaced_frame for frame in file.decode(video=0))


def test_interlaced_frames_that_become_whole_ones_are_stated() -> None:
    like = replace(LIKE, interlaced=True)
    assert "interlaced" in (choose_encoding(like, EncodeOptions("av1"), "mp4").stated or "")
    assert choose_encoding(like, QUICK, "mp4").stated is None
    assert choose_encoding(replace(like, height=50), QUICK, "mp4").interlaced is False


def test_a_better_quality_is_a_larger_file(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(size=(320, 192)))
    words = get_args(Quality)
    sizes = [rewrite(source, tmp_path / w, options=EncodeOptions(quality=w)).written.size_bytes for w in words]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


@pytest.mark.parametrize(
    ("like", "options", "container", "error", "why", "hint"),
    [
        (
            replace(LIKE, pixel_format="yuv420p10le", bits=10),
            EncodeOptions("h264"),
            "mp4",
            OutputError,
            "H.264",
            "hevc",
        ),
        (replace(LIKE, width=853), EncodeOptions("h264"), "mp4", OutputError, "853x48 yuv420p", "av1"),
        (replace(LIKE, width=853), EncodeOptions("hevc"), "mp4", OutputError, "853x48 yuv420p", "av1"),
        (replace(LIKE, width=853), QUICK, "mov", OutputError, "MOV with any codec", "av1"),
        (replace(LIKE, pixel_format="yuva420p"), QUICK, "mp4", OutputError, "yuva420p", "Convert"),
        (replace(LIKE, pixel_format="yuv420p16le", bits=16), QUICK, "mp4", OutputError, "16le", "Convert"),
        (replace(LIKE, pixel_format="yuv444p"), QUICK, "webm", OutputError, "WEBM", "h264"),
        (LIKE, EncodeOptions("h264"), "webm", SettingsError, "WEBM cannot hold H.264", "av1"),
        (LIKE, EncodeOptions("vp9"), "mp4", SettingsError, "no codec 'vp9'", "av1"),  # type: ignore[arg-type]
        (LIKE, EncodeOptions(quality="best"), "mp4", SettingsError, "no quality", "small"),  # type: ignore[arg-type]
        (LIKE, EncodeOptions(speed="9"), "mp4", SettingsError, "no speed", "fastest"),  # type: ignore[arg-type]
        (LIKE, EncodeOptions(hardware="gpu"), "mp4", SettingsError, "no hardware encoder", "nvenc"),
        (LIKE, EncodeOptions(), "avi", SettingsError, "no container", "mkv"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_hint(
    like: VideoInfo, options: EncodeOptions, container: Container, error: type[PasserbyError], why: str, hint: str
) -> None:
    with pytest.raises(error, match=why) as caught:
        choose_encoding(like, options, container)
    assert hint in (caught.value.hint or "")
    assert not caught.value.message.endswith(".")


@pytest.mark.parametrize("name", ["nvenc", "qsv", "amf", "videotoolbox", "vaapi"])
def test_a_hardware_encoder_is_used_or_refused_with_its_name(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "source.mp4", Clip(frames=2))
    message = name
    try:
        made = rewrite(source, tmp_path / "out.mp4", options=EncodeOptions(hardware=name))
        assert made.problems == []
        message = made.written.encoder
    except (SettingsError, OutputError) as refused:
        message = refused.message
    assert name in message

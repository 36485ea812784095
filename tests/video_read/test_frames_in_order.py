from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import SourceDamaged, SourceTooLarge, SourceUnreadable
from passerby.media import Orientation
from passerby.read.video import VideoLimits, is_video, open_video

from .clips import STEP, X264, Clip, again, make, plain_pts, read, replace_box

CODECS = {
    "h264 in mov": Clip(format="mov"),
    "h264 with field order": Clip(frames=20, settings=X264 | {"flags": "+ildct+ilme", "x264-params": "tff=1"}),
    "h264 open gop": Clip(settings=X264 | {"preset": "veryfast", "x264-params": "open-gop=1:b-adapt=0"}),
    "hevc 10 bit": Clip(
        "libx265",
        pixel_format="yuv420p10le",
        settings={"preset": "ultrafast", "x265-params": "log-level=none:keyint=10"},
    ),
    "mpeg-2 in ts": Clip("mpeg2video", format="mpegts", tick=Fraction(1, 25), settings={"bf": "2", "g": "10"}),
    "h264 in ts": Clip(format="mpegts"),
    "h264 in matroska": Clip(format="matroska"),
    "h264 in avi": Clip(format="avi"),
    "h264 in asf": Clip(format="asf"),
    "mpeg-4 in avi": Clip("mpeg4", format="avi", settings={"g": "10"}),
    "vp8": Clip("libvpx", format="webm", settings={"deadline": "realtime", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "vp9": Clip("libvpx-vp9", format="webm", settings={"deadline": "realtime", "cpu-used": "8", "g": "10"}),
    "mjpeg": Clip("mjpeg", pixel_format="yuvj420p", format="mov", settings={}),
    "odd size": Clip(size=(107, 61), pixel_format="yuv444p"),
}


@pytest.mark.parametrize("clip", CODECS.values(), ids=CODECS.keys())
def test_every_frame_comes_once_in_presentation_order_in_both_passes(clip: Clip, tmp_path: Path) -> None:
    path = make(tmp_path / "clip", clip)
    got = read(path)
    assert len(got.pts) == len(clip.pts())
    assert not any(got.damaged)
    assert got.source.damage.whole
    assert again(got.source) == got.pts
    assert again(got.source, copy=True) == got.pts
    if clip.format not in ("avi", "asf"):
        assert got.pts == plain_pts(path)
        # WebM and Matroska count milliseconds and begin at 0 or later.
        gaps_s = np.diff(got.pts) * float(got.source.info.time_base)
        assert np.allclose(gaps_s, 0.04, atol=0.0011)


def test_the_size_is_the_one_shown_and_not_rounded_to_macroblocks(tmp_path: Path) -> None:
    source = open_video(make(tmp_path / "odd.mp4", Clip(size=(182, 98), frames=3)))
    assert (source.info.width, source.info.height) == (182, 98)
    frame = next(iter(source.frames()))
    assert [plane.shape for plane in frame.planes] == [(98, 182), (49, 91), (49, 91)]


@pytest.mark.parametrize("kind", ["mp4", "matroska", "mpegts"])
def test_a_variable_frame_rate_stays_variable(kind: str, tmp_path: Path) -> None:
    gaps = np.random.default_rng(3).integers(1, 6, 30) * STEP
    times = np.cumsum(gaps).tolist()
    got = read(make(tmp_path / "vfr", Clip(times=times, format=kind)))
    seconds = np.diff(got.pts) * float(got.source.info.time_base)
    assert np.allclose(seconds, np.diff(times) * STEP / (STEP * 12800), atol=0.0011)


def test_a_gap_in_the_times_stays(tmp_path: Path) -> None:
    times = [*range(0, 20 * STEP, STEP), *range(500 * STEP, 520 * STEP, STEP)]
    got = read(make(tmp_path / "gap.mp4", Clip(times=times)))
    assert got.pts == times


@pytest.mark.parametrize("start", [900 * STEP, -7 * STEP])
def test_a_late_or_negative_start_is_kept(start: int, tmp_path: Path) -> None:
    kind = "mpegts" if start < 0 else "mp4"
    clip = Clip(start=start, format=kind, muxer={"avoid_negative_ts": "disabled"})
    path = make(tmp_path / "start", clip)
    got = read(path)
    assert clip.frames == len(got.pts)
    assert got.pts == plain_pts(path)
    # MPEG-TS counts in units of 1/90000 s.
    assert got.pts[0] == (start if kind == "mp4" else start // STEP * 3600)


def test_times_that_are_missing_are_repaired_and_counted(tmp_path: Path) -> None:
    raw = read(make(tmp_path / "clip.h264", Clip(format="h264")))
    assert len(raw.pts) == 40
    assert raw.source.damage.times_repaired == 40
    assert any("no usable time" in note for note in raw.source.damage.notes)
    assert not any(gop.copyable for gop in raw.source.gops)


def test_recordings_joined_end_to_end_go_on_rising(tmp_path: Path) -> None:
    part = make(tmp_path / "part.ts", Clip(format="mpegts", start=100 * STEP)).read_bytes()
    whole = tmp_path / "whole.ts"
    whole.write_bytes(part + part)
    got = read(whole)
    assert len(got.pts) == 80
    assert np.allclose(np.diff(got.pts) / 90000, 0.04, atol=0.001)
    assert any("jump back" in note for note in got.source.damage.notes)
    assert again(got.source) == got.pts


def test_a_change_of_size_on_the_way_is_refused_with_a_clear_sentence(tmp_path: Path) -> None:
    one = make(tmp_path / "one.ts", Clip(format="mpegts")).read_bytes()
    other = make(tmp_path / "other.ts", Clip(format="mpegts", size=(128, 80), start=4000 * STEP)).read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(one + other)
    source = open_video(path)
    with pytest.raises(SourceDamaged, match=r"both\.ts changes from 160x96 .* to 128x80 .* nothing was written"):
        list(source.frames())


def test_frames_before_the_first_keyframe_are_left_out_and_counted(tmp_path: Path) -> None:
    path = make(
        tmp_path / "late.ts", Clip(format="mpegts", change=lambda number, packet: packet if number > 5 else None)
    )
    got = read(path)
    assert len(got.pts) == 30
    assert got.source.damage.lead_in_packets == 4
    assert again(got.source) == got.pts


def test_frames_that_an_edit_list_hides_are_neither_shown_nor_copied(tmp_path: Path) -> None:
    path = make(tmp_path / "edited.mp4", Clip(settings=X264 | {"bf": "0"}))
    shown_from = 14
    # One entry of version 0: duration in units of the movie (1/1000 s), time to start at, rate 1.
    entry = (0).to_bytes(4, "big") + (1).to_bytes(4, "big")
    entry += (26 * 40).to_bytes(4, "big") + (shown_from * STEP).to_bytes(4, "big") + (1 << 16).to_bytes(4, "big")
    path.write_bytes(replace_box(path.read_bytes(), "moov/trak/edts/elst", lambda _: entry))
    got = read(path)
    assert len(got.pts) == 26
    assert got.pts == plain_pts(path)
    assert [gop.copyable for gop in got.source.gops] == [False, True, True]
    assert got.source.gops[0].why_not == "hidden by an edit list"
    assert again(got.source, copy=True) == got.pts


MATRICES = {
    Orientation.UPRIGHT: (1, 0, 0, 1),
    Orientation.MIRRORED: (-1, 0, 0, 1),
    Orientation.UPSIDE_DOWN: (-1, 0, 0, -1),
    Orientation.UPSIDE_DOWN_MIRRORED: (1, 0, 0, -1),
    Orientation.TRANSPOSED: (0, 1, 1, 0),
    Orientation.QUARTER_RIGHT: (0, 1, -1, 0),
    Orientation.TRANSVERSED: (0, -1, -1, 0),
    Orientation.QUARTER_LEFT: (0, -1, 1, 0),
}


@pytest.mark.parametrize("orientation", MATRICES, ids=lambda value: value.name.lower())
def test_the_display_matrix_is_kept_and_read_as_a_turn(orientation: Orientation, tmp_path: Path) -> None:
    a, b, c, d = (value << 16 for value in MATRICES[orientation])
    matrix = (a, b, 0, c, d, 0, 160 << 16, 96 << 16, 1 << 30)
    source = open_video(make(tmp_path / "turned.mp4", Clip(frames=2, matrix=matrix)))
    assert source.info.orientation == orientation
    if orientation != Orientation.UPRIGHT:
        assert source.info.display_matrix == matrix
    assert source.info.upright_size == ((96, 160) if orientation.swaps_sides else (160, 96))
    assert all(frame.orientation == orientation for frame in source.frames())


@pytest.mark.parametrize("orientation", MATRICES, ids=lambda value: value.name.lower())
def test_the_turn_moves_every_corner_to_where_the_matrix_says(orientation: Orientation) -> None:
    a, b, c, d = MATRICES[orientation]
    stored = np.arange(6).reshape(2, 3)
    upright = orientation.turn(stored)
    rows, columns = np.indices(stored.shape)
    across, down = a * columns + c * rows, b * columns + d * rows
    shown = np.empty_like(upright)
    shown[down - down.min(), across - across.min()] = stored
    assert np.array_equal(upright, shown)


def test_colour_sample_aspect_and_interlacing_are_told(tmp_path: Path) -> None:
    hdr = {"preset": "ultrafast", "x265-params": "log-level=none:colorprim=9:transfer=16:colormatrix=9:range=limited"}
    attributes = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    clip = Clip("libx265", pixel_format="yuv420p10le", frames=5, settings=hdr, attributes=attributes)
    info = open_video(make(tmp_path / "hdr.mp4", clip)).info
    assert (info.bits, info.pixel_format, info.codec) == (10, "yuv420p10le", "hevc")
    assert (info.colour.primaries, info.colour.transfer, info.colour.matrix, info.colour.full_range) == (
        9,
        16,
        9,
        False,
    )
    wide = Clip(frames=3, attributes={"sample_aspect_ratio": Fraction(4, 3)})
    assert open_video(make(tmp_path / "wide.mp4", wide)).info.sample_aspect == Fraction(4, 3)
    fields = open_video(make(tmp_path / "fields.mp4", CODECS["h264 with field order"])).info
    assert fields.interlaced


def test_a_video_over_a_limit_is_refused_with_the_option_that_raises_it(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(frames=5))
    with pytest.raises(SourceTooLarge, match=r"clip\.mp4 has frames of 160x96") as large:
        open_video(path, limits=VideoLimits(max_megapixels=0.01))
    assert large.value.hint is not None
    assert "--max-megapixels" in large.value.hint
    with pytest.raises(SourceTooLarge, match=r"clip\.mp4 lasts") as long:
        open_video(path, limits=VideoLimits(max_hours=0.0000001))
    assert long.value.hint is not None
    assert "--max-hours" in long.value.hint


def test_a_video_that_does_not_say_how_long_it_is_is_stopped_at_the_limit(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.h264", Clip(format="h264"))
    source = open_video(path, limits=VideoLimits(max_hours=1 / 3600))
    with pytest.raises(SourceTooLarge, match="over the limit"):
        list(source.frames())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"it\.mp4 is empty \(0 bytes\)"),
        (b"just some words\n" * 40, r"it\.mp4 cannot be opened as a video"),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n", r"it\.mp4 cannot be opened as a video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_sentence(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "it.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=sentence):
        open_video(path)
    assert not is_video(path)


def test_a_file_that_does_not_exist_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"no\.mp4 does not exist"):
        open_video(tmp_path / "no.mp4")
    with pytest.raises(SourceUnreadable, match="is a folder"):
        open_video(tmp_path)


def test_a_photo_is_no_video(tmp_path: Path) -> None:
    from PIL import Image

    for name in ("photo.jpg", "photo.png", "photo.gif", "photo.webp", "photo.mp4.png"):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
        assert not is_video(tmp_path / name)
    assert is_video(make(tmp_path / "clip.jpg", Clip(frames=2)))


def test_a_name_that_looks_like_a_protocol_is_a_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = make(tmp_path / "concat:a.mp4", Clip(frames=3))
    assert len(read(Path(path.name)).pts) == 3


def test_a_file_that_changes_between_the_passes_is_noticed(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4")
    source = read(path).source
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    with pytest.raises(SourceDamaged, match=r"clip\.mp4 was changed"):
        list(source.runs(lambda gop: True))


def test_the_file_is_closed_and_can_be_read_with_a_context_manager(tmp_path: Path) -> None:
    with open_video(make(tmp_path / "clip.mp4", Clip(frames=4)), name="the clip") as source:
        frames = source.frames()
        next(frames)
        assert source.info.name == "the clip"
        with pytest.raises(RuntimeError, match="read to its end"):
            _ = source.gops
    # What is left of the iterator is harmless.
    del frames
    with open_video(make(tmp_path / "clip.mp4", Clip(frames=40))) as source:
        pts = [frame.pts for frame in source.frames()]
        run = next(source.runs(lambda gop: False))
        assert run.frames is not None
        assert next(run.frames).pts == pts[0]
    assert len(pts) == 40

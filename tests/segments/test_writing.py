"""Whatever is copied and whatever is encoded: the segments hold all of it, exactly, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby import nal
from passerby.errors import OutputError, RedactionIncomplete, SettingsError
from passerby.live import CoveredSecond
from passerby.media import Frame, RedactedFrame
from passerby.read.video import open_video
from passerby.write.segments import SegmentOptions, SegmentWriter
from passerby.write.units import annex_b
from tests.video_write.test_splice import CAPTIONS, CLOCK, FILLER, GPS, MARKER, RECOVERY
from tests.video_write.video_clips import Clip, picture

from .live_clips import (
    BEGINS_AT,
    SMALL,
    STEP_S,
    CameraClip,
    Recorded,
    arrival,
    camera_clip,
    feed,
    like,
    pictures,
    problems,
    quiet_hashes,
    record,
    writer_for,
)

SHORT = SegmentOptions(segment_s=0.4, part_s=0.1)


@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    copied=st.sets(st.integers(0, 7)),
    gop=st.sampled_from([1, 3, 4, 12]),
    start_codes=st.booleans(),
    start=st.sampled_from([0, 70001]),
    options=st.builds(SegmentOptions, segment_s=st.sampled_from([0.1, 0.3, 9.0]), part_s=st.sampled_from([0.04, 0.2])),
)
def test_segments_hold_every_picture_at_its_time_and_copied_ones_unaltered(
    tmp_path: Path, copied: set[int], gop: int, start_codes: bool, start: int, options: SegmentOptions
) -> None:
    clip = camera_clip(tmp_path / "camera.mp4", replace(SMALL, gop=gop, start=start), start_codes=start_codes)
    before = list(pictures(clip.path))
    hashes_before = quiet_hashes(clip.path)
    recorded = record(tmp_path / "archive", clip, lambda number: number in copied, options)

    shown: list[Fraction] = []
    for info, path in recorded.segments:
        stored = list(pictures(path))
        starts = Fraction(round(info.media_start_s * 12800), 12800)
        times = [time for time, _ in stored]
        ticks = [int(time * 12800) for time in times]
        assert problems(path, clip.info, ticks, Fraction(1, 12800), info.duration_s) == []
        assert stored[0][1][0][0] & 0x1F == nal.IDR
        assert (times[0], len(times)) == (Fraction(0), info.frames)
        hashes_after = quiet_hashes(path)
        for time, units in stored:
            at = starts + time + before[0][0]
            number = len(shown)
            assert before[number][0] == at
            if number // gop in copied:
                assert units == [unit for unit in before[number][1] if unit[0] & 0x1F in (nal.SLICE, nal.IDR)]
                assert hashes_after[time] == hashes_before[at]
            shown.append(at)
    assert shown == [time for time, _ in before]
    assert sum(info.copied_frames for info, _ in recorded.segments) == sum(
        len(packets) for number, packets in enumerate(clip.gops) if number in copied
    )
    for _, path in recorded.segments:
        path.unlink()


def test_the_live_parts_are_the_segments_with_times_that_go_on(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = record(tmp_path, clip, lambda gop: gop % 2 == 0, SHORT)
    live = tmp_path / "live.mp4"
    live.write_bytes(recorded.live)
    assert list(quiet_hashes(live)) == [time - next(iter(quiet_hashes(clip.path))) for time in quiet_hashes(clip.path)]
    assert [units for _, units in pictures(live)] == [units for path in recorded.paths for _, units in pictures(path)]
    init, *parts = recorded.parts
    assert (init.kind, {part.kind for part in parts}) == ("init", {"part"})
    assert {part.recording for part in recorded.parts} == {info.recording for info, _ in recorded.segments}
    assert all(path.read_bytes().startswith(init.data) for path in recorded.paths)
    assert init.codec == recorded.segments[0][0].codec == f"avc1.{_avcc(live)[1:4].hex()}"


def _avcc(path: Path) -> bytes:
    with av.open(str(path)) as file:
        return bytes(file.streams.video[0].codec_context.extradata or b"")


@pytest.mark.parametrize("gop", [1, 3, 24])
def test_parts_are_short_and_who_starts_at_a_keyframe_sees_pictures_at_once(tmp_path: Path, gop: int) -> None:
    clip = camera_clip(tmp_path / "camera.mp4", replace(SMALL, gop=gop))
    recorded = record(tmp_path, clip, lambda gop: gop % 2 == 0, SegmentOptions(part_s=0.2))
    init, *parts = recorded.parts
    starts = [part.media_s for part in parts] + [24 * STEP_S]
    assert all(0 < after - before <= 0.2 + 1e-9 for before, after in pairwise(starts))
    assert sum(part.keyframe for part in parts) >= len(clip.gops) / 5
    for number, part in enumerate(parts):
        assert part.at == BEGINS_AT + timedelta(seconds=part.media_s)
        if part.keyframe:
            joined = tmp_path / "joined.mp4"
            joined.write_bytes(init.data + b"".join(later.data for later in parts[number:]))
            assert float(next(iter(quiet_hashes(joined)))) == pytest.approx(part.media_s)
            assert len(quiet_hashes(joined)) == round((24 * STEP_S - part.media_s) / STEP_S)


def test_a_part_is_on_disk_when_it_is_told_of_and_follows_its_pictures_at_once(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")
    stored: list[int] = []

    writer = SegmentWriter(
        recorded.folder,
        "gate",
        clip.info,
        clip.extradata,
        options=SegmentOptions(part_s=0.2),
        on_part=lambda part: stored.append(sum(path.stat().st_size for path in recorded.folder.rglob("*.mp4.part"))),
        on_segment=recorded.segment,
        begins_at=BEGINS_AT,
    )
    told = []
    for number, (pts, frame) in enumerate(clip.redacted().items()):
        writer.encode(frame, arrival(clip, pts), 0.0)
        told.append((number, len(stored)))
    writer.close()
    assert stored[1:] == sorted(set(stored[1:]))
    assert stored[-1] > stored[1] > len(recorded.paths)
    # Five pictures make a part; it goes out with the one after, which says how long the fifth is shown.
    assert [count for number, count in told if number in (4, 5, 9, 10)] == [0, 2, 2, 3]


def test_a_segment_has_no_final_name_before_it_is_finished_and_says_what_is_in_it(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded, SegmentOptions(part_s=0.1))
    feed(writer, clip, lambda gop: gop == 1, share=0.5)
    assert [path.suffix for path in sorted(recorded.folder.rglob("*")) if path.is_file()] == [".part", ".part"]
    writer.close()
    writer.close()
    ((info, path),) = recorded.segments
    assert [file for file in recorded.folder.rglob("*") if file.is_file()] == [path]
    assert path.relative_to(recorded.folder).as_posix() == info.path
    assert info.path == f"gate/2026/11/23/14/20261123T140530.123Z-{info.recording[:8]}-0.mp4"
    assert (info.begins_at, info.ends_at) == (BEGINS_AT, BEGINS_AT + timedelta(seconds=0.96))
    assert (info.frames, info.copied_frames, info.duration_s, info.media_start_s) == (24, 6, 0.96, 0.0)
    assert info.covered == (CoveredSecond(0.0, 0.375),)
    assert info.covered_share == 0.375
    assert (info.size_bytes, info.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    assert (info.camera, info.width, info.height) == ("gate", 64, 48)


def test_segments_are_cut_at_the_first_keyframe_when_their_time_is_over(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4", replace(SMALL, frames=60, gop=10))
    encoded = record(tmp_path / "encoded", clip, options=SHORT)
    assert [info.frames for info, _ in encoded.segments] == [10] * 6  # 0.4 s are 10 frames
    copied = record(tmp_path / "copied", clip, lambda gop: True, SegmentOptions(segment_s=0.5, part_s=0.1))
    assert [info.frames for info, _ in copied.segments] == [20, 20, 20]
    longer = record(tmp_path / "longer", clip, options=SegmentOptions(segment_s=0.5, part_s=0.1))
    assert [info.frames for info, _ in longer.segments] == [13, 7 + 6, 14 - 1, 13, 8]
    starts = [info.media_start_s for info, _ in longer.segments]
    assert starts == pytest.approx(np.cumsum([0, *(info.duration_s for info, _ in longer.segments)])[:-1].tolist())


@pytest.mark.parametrize("step", [256, 6400, 38400], ids=["50 fps", "2 fps", "a picture in 3 s"])
def test_there_is_a_keyframe_at_least_every_two_seconds_however_slow_the_camera_is(tmp_path: Path, step: int) -> None:
    clip = camera_clip(tmp_path / "camera.mp4", replace(SMALL, frames=24, step=step, gop=24))
    clip = replace(clip, info=replace(clip.info, rate_fps=None))
    ((_, path),) = record(tmp_path / "archive", clip, options=SegmentOptions(segment_s=999)).segments
    keyframes = [float(time) for time, units in pictures(path) if units[0][0] & 0x1F == nal.IDR]
    assert keyframes == [number * step / 12800 for number in range(0, 24, {256: 24, 6400: 4, 38400: 1}[step])]


def test_only_redacted_frames_and_packets_are_taken(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    writer = writer_for(clip, Recorded(tmp_path / "archive"))
    with open_video(clip.path) as video:
        frame = next(iter(video.frames()))
    assert isinstance(frame, Frame)
    private: Any
    for private in (frame, frame.carrier):
        with pytest.raises(TypeError, match="only redacted frames"):
            writer.encode(private, BEGINS_AT, 0.0)
        with pytest.raises(TypeError, match="only packets"):
            writer.copy([private], BEGINS_AT)
    writer.close()
    assert not (tmp_path / "archive").exists()


def test_type_checkers_know_what_may_be_written() -> None:
    """So that nobody can hand over a private frame unnoticed: the two types share nothing."""
    assert get_type_hints(SegmentWriter.encode)["frame"] is RedactedFrame
    assert SegmentWriter.copy.__annotations__["packets"] == "Sequence[av.Packet[Any]]"
    assert not issubclass(Frame, RedactedFrame)
    assert not issubclass(RedactedFrame, Frame)


def plant(*units: bytes) -> Callable[[int, av.Packet[Any]], av.Packet[Any]]:
    def change(_: int, packet: av.Packet[Any]) -> av.Packet[Any]:
        planted = like(packet, annex_b([*units, *nal.annex_b_units(bytes(packet))]))
        planted.stream = packet.stream
        return planted

    return change


@pytest.mark.parametrize("start_codes", [False, True], ids=["avcC", "annex B"])
def test_what_a_camera_says_beside_its_pictures_goes_nowhere(tmp_path: Path, start_codes: bool) -> None:
    messages = replace(SMALL, change=plant(GPS, CAPTIONS, CLOCK, RECOVERY, FILLER))
    clip = camera_clip(tmp_path / "camera.mp4", messages, start_codes=start_codes)
    assert clip.path.read_bytes().count(MARKER) == 24
    recorded = record(tmp_path / "archive", clip, lambda gop: gop != 1, SHORT)
    everything = recorded.live + b"".join(path.read_bytes() for path in recorded.paths)
    for trace in (MARKER, b"GA94", b"x264", b"options", b"Lav", FILLER, b"gate"):
        assert trace not in everything
    assert everything.count(RECOVERY) == 2 * 18
    for path in recorded.paths:
        quiet_hashes(path)
        for _, units in pictures(path):
            assert {unit[0] & 0x1F for unit in units} <= {nal.SLICE, nal.IDR, nal.SEI}


PIXELS: dict[str, dict[str, Any]] = {
    "odd size": {"codec": "ffv1", "size": (65, 49), "pixel_format": "yuv420p", "format": "matroska"},
    "odd 4:4:4": {"size": (65, 49), "pixel_format": "yuv444p"},
    "4:2:2": {"pixel_format": "yuv422p"},
    "4:4:4": {"pixel_format": "yuv444p"},
    "10 bits": {"pixel_format": "yuv420p10le"},
    "full range": {"pixel_format": "yuvj420p"},
    "full range 4:2:2": {"codec": "mjpeg", "pixel_format": "yuvj422p"},
    "gray": {"codec": "ffv1", "pixel_format": "gray", "format": "matroska"},
    "RGB": {"codec": "ffv1", "pixel_format": "bgr0", "format": "matroska"},
    "HEVC": {"codec": "libx265"},
}


@pytest.mark.parametrize("kind", PIXELS)
def test_what_browsers_do_not_play_is_encoded_as_what_they_do(tmp_path: Path, kind: str) -> None:
    codec = PIXELS[kind].get("codec", "libx264")
    settings = {"libx264": {"bf": "0"}, "libx265": {"x265-params": "log-level=none:bframes=0:keyint=6"}}.get(codec, {})
    timing = {"time_base": Fraction(1, 1000), "step": 40} if "format" in PIXELS[kind] else {}
    shape = replace(SMALL, frames=6, **{"settings": settings, **timing, **PIXELS[kind]})
    clip = camera_clip(tmp_path / "camera.mkv", shape)
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded, SegmentOptions(quality="near-lossless"))
    if kind != "full range":
        assert writer.why_not_copied
        with pytest.raises(RedactionIncomplete, match="packets cannot be copied"):
            writer.copy(clip.packets, BEGINS_AT)
    with av.open(str(clip.path)) as file:
        before = [frame.to_ndarray(format="rgb24").astype(int) for frame in file.decode(video=0)]
    feed(writer, clip, lambda gop: False)
    writer.close()
    ((info, path),) = recorded.segments
    assert (info.width, info.height) == (64, 48)
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    assert {frame.format.name for frame in frames} <= {"yuv420p", "yuvj420p"}
    assert len(frames) == len(before) == 6
    for frame, original in zip(frames, before, strict=True):
        assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - original[:48, :64]).mean() < 6
    quiet_hashes(path)


def test_rotation_and_pixel_shape_stay(tmp_path: Path) -> None:
    shape = replace(
        SMALL, matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30), attributes={"sample_aspect_ratio": Fraction(4, 3)}
    )
    clip = camera_clip(tmp_path / "camera.mp4", shape)
    assert clip.info.sample_aspect == Fraction(4, 3)
    assert clip.info.upright_size == (48, 64)
    ((info, path),) = record(tmp_path / "archive", clip, lambda gop: gop == 0).segments
    times = [int(time * 12800) for time, _ in pictures(path)]
    assert problems(path, clip.info, times, Fraction(1, 12800)) == []
    assert (info.width, info.height) == (48, 64)


def test_pictures_at_uneven_times_keep_them(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(3).integers(1, 40000, 40)).tolist()
    clip = camera_clip(tmp_path / "camera.mp4", replace(SMALL, frames=40, pts=times, time_base=Fraction(1, 90000)))
    recorded = record(tmp_path / "archive", clip, lambda gop: gop % 2 == 1, SegmentOptions(segment_s=2, part_s=0.5))
    shown = [info.media_start_s + float(time) for info, path in recorded.segments for time, _ in pictures(path)]
    assert shown == pytest.approx([(time - times[0]) / 90000 for time in times])
    starts = [part.media_s for part in recorded.parts[1:]]
    assert all(min(abs(start - time) for time in shown) < 1e-9 for start in starts)


@pytest.fixture
def clip(tmp_path: Path) -> CameraClip:
    return camera_clip(tmp_path / "camera.mp4")


def test_other_parameter_sets_end_the_recording_and_what_came_before_plays(tmp_path: Path, clip: CameraClip) -> None:
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded)
    writer.copy(clip.gops[0], BEGINS_AT)
    changed = [like(packet, b"\0\0\0\x03\x68\xff\xff" + bytes(packet)) for packet in clip.gops[1]]
    with pytest.raises(OutputError, match=r"gate: the camera changed its H\.264 parameters"):
        writer.copy(changed, BEGINS_AT)
    writer.close()
    assert [len(quiet_hashes(path)) for path in recorded.paths] == [6]


def test_a_gop_that_may_not_be_copied_leaves_no_trace_and_can_be_encoded(tmp_path: Path, clip: CameraClip) -> None:
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded)
    first = clip.gops[0]
    reordered = [first[0], first[2], first[1], *first[3:]]
    cut = [*first[:5], like(first[5], bytes(first[5])[:-3])]
    for packets, why in ((first[1:], "IDR"), ([], "IDR"), (reordered, "order"), (cut, "over the end of its packet")):
        with pytest.raises(RedactionIncomplete, match=why):
            writer.copy(packets, BEGINS_AT)
    feed(writer, clip, lambda gop: False)
    writer.close()
    ((info, path),) = recorded.segments
    assert (len(quiet_hashes(path)), info.copied_frames) == (24, 0)


def test_a_gop_may_be_copied_packet_by_packet_and_go_on_encoded(tmp_path: Path, clip: CameraClip) -> None:
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded)
    frames = list(clip.redacted().values())
    for packet in clip.packets[:4]:
        writer.copy([packet], arrival(clip, packet.pts or 0))
    writer.encode(frames[4], arrival(clip, frames[4].pts), 0.5)
    with pytest.raises(RedactionIncomplete, match="IDR"):
        writer.copy([clip.packets[5]], BEGINS_AT)
    writer.encode(frames[5], arrival(clip, frames[5].pts), 0.5)
    writer.copy(clip.gops[1][:3], BEGINS_AT)
    writer.end_gop()
    with pytest.raises(RedactionIncomplete, match="IDR"):
        writer.copy(clip.gops[1][3:], BEGINS_AT)
    writer.close()
    ((info, path),) = recorded.segments
    assert (len(quiet_hashes(path)), info.copied_frames) == (9, 7)
    keyframes = [number for number, (_, units) in enumerate(pictures(path)) if units[0][0] & 0x1F == nal.IDR]
    assert keyframes == [0, 4, 6]


def test_times_that_do_not_rise_are_an_error(tmp_path: Path, clip: CameraClip) -> None:
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded)
    frames = list(clip.redacted().values())
    writer.encode(frames[2], BEGINS_AT, 0.0)
    writer.encode(frames[3], BEGINS_AT, 0.0)
    for frame in (frames[3], frames[1]):
        with pytest.raises(OutputError, match="gate: the times of its frames jump"):
            writer.encode(frame, BEGINS_AT, 0.0)
    with pytest.raises(OutputError, match="times of its frames jump"):
        writer.copy(clip.gops[0], BEGINS_AT)
    writer.close()
    assert recorded.segments[0][0].frames == 2
    with pytest.raises(OutputError, match="has ended"):
        writer.encode(frames[4], BEGINS_AT, 0.0)


def test_another_size_is_an_error(tmp_path: Path, clip: CameraClip) -> None:
    writer = writer_for(clip, Recorded(tmp_path / "archive"))
    frame = next(iter(clip.redacted().values()))
    with pytest.raises(OutputError, match="size of the picture changes"):
        writer.encode(replace(frame, carrier=picture(0, (80, 48), "yuv420p")), BEGINS_AT, 0.0)


@pytest.mark.parametrize("name", ["", "..", "../gate", "a/b", ".hidden", "gate\n", "täter"])
def test_a_camera_whose_name_is_no_folder_is_refused(tmp_path: Path, clip: CameraClip, name: str) -> None:
    nothing = Recorded(tmp_path / "archive")
    with pytest.raises(SettingsError, match="no name for a camera"):
        SegmentWriter(
            nothing.folder, name, clip.info, b"", on_part=nothing.parts.append, on_segment=nothing.segment,
            begins_at=BEGINS_AT,
        )  # fmt: skip


def test_a_picture_that_stays_long_is_a_part_of_its_own_and_covered_for_as_long(tmp_path: Path) -> None:
    times = [0, 12800, 51200, 51712]
    clip = camera_clip(tmp_path / "camera.mp4", Clip(size=(64, 48), frames=4, pts=times, settings={"bf": "0"}))
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded)
    for (pts, frame), share in zip(clip.redacted().items(), (0.0, 1.0, 0.5, 0.25), strict=True):
        writer.encode(frame, arrival(clip, pts), share)
    writer.close()
    ((info, _),) = recorded.segments
    assert [part.media_s for part in recorded.parts[1:]] == [0.0, 1.0, 4.0]
    shares = [(second.at_s, second.share) for second in info.covered]
    assert shares == [(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 0.375)]
    assert info.covered_share == pytest.approx((3 + 0.08 * 0.375) / 4.08, abs=1e-4)

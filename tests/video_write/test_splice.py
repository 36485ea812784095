from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby import nal
from passerby.errors import RedactionIncomplete
from passerby.media import Gop, VideoInfo
from passerby.read.video import open_video
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.splice import Splicer, obstacle_in
from passerby.write.units import annex_b, prefixed
from passerby.write.video import EncodeOptions, VideoWriter, open_writer, splice_obstacle

from .video_clips import QUICK, Clip, Made, hashes, make, rewrite

MARKER = b"GPS+51.5007-000.1246"
GPS = b"\x06\x05" + bytes([16 + len(MARKER)]) + b"0123456789abcdef" + MARKER + b"\x80"
CAPTIONS = b"\x06\x04\x0a\xb5\x00\x31GA94\x03ca\x80"
CLOCK = b"\x06\x01\x04time\x80"
RECOVERY = b"\x06\x06\x01\xc4\x80"
FILLER = b"\x0c\xff\xff\x80"
SETTINGS = {
    "B-frames": {"bf": "3"},
    "no B-frames": {"bf": "0"},
    "baseline": {"profile": "baseline"},
    "its sets numbered 1": {"x264-params": "sps-id=1"},
    "one frame per GOP": {"x264-params": "keyint=1"},
}


def assert_spliced_well(source: Path, made: Made) -> None:
    """Copied frames are bit-identical, all have their times, and a strict decoder has nothing to say."""
    assert made.problems == []
    assert made.written.frames_copied + made.written.frames_encoded == len(made.pts)
    assert made.written.gops_copied + made.written.gops_encoded == len(made.gops)
    before = hashes(source)
    av.logging.set_level(av.logging.VERBOSE)
    try:
        with av.logging.Capture() as said:
            after = hashes(made.path, strict=True)
    finally:
        av.logging.set_level(None)
    assert [entry for entry in said if entry[0] <= av.logging.WARNING] == []
    assert list(after) == list(before)
    for pts in made.copied:
        time = pts * made.info.time_base
        assert after[time] == before[time]


def slices(path: Path) -> dict[int | None, list[bytes]]:
    found: dict[int | None, list[bytes]] = {}
    with av.open(str(path)) as file:
        for packet in file.demux(video=0):
            units = nal.prefixed_units(bytes(packet), 4)
            found[packet.pts] = [unit for unit in units if unit[0] & 0x1F in (1, 5)]
    return found


@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 4)), st.sampled_from(sorted(SETTINGS)), st.sampled_from([0, 12800, 70001]))
def test_whichever_gops_are_clear_the_rest_is_encoded_and_all_frames_are_there(
    tmp_path: Path, clear: set[int], kind: str, start: int
) -> None:
    clip = Clip(size=(64, 48), frames=20, gop=4, start=start, settings=SETTINGS[kind])
    source = make(tmp_path / "source.mp4", clip)
    made = rewrite(source, tmp_path / "spliced.mp4", clear=lambda gop: gop.index % 5 in clear)
    assert_spliced_well(source, made)
    assert made.written.gops_copied == sum(gop.index % 5 in clear for gop in made.gops)


def test_slices_of_copied_gops_are_the_sources_byte_by_byte(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(settings={"slices": "3"}))
    made = rewrite(source, tmp_path / "spliced.mp4", clear=lambda gop: gop.index != 1)
    before, after = slices(source), slices(made.path)
    assert len(made.copied) == 16
    assert all(before[pts] == after[pts] and len(before[pts]) == 3 for pts in made.copied)


def test_encoded_gops_are_reordered_where_the_source_leaves_room(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(frames=32, settings={"bf": "2"}))
    made = rewrite(source, tmp_path / "spliced.mp4", clear=lambda gop: gop.index == 0, options=EncodeOptions())
    with av.open(str(made.path)) as file:
        late = [packet.pts for packet in file.demux(video=0) if packet.pts is not None]
    encoded = late[8:]
    assert encoded != sorted(encoded)


def test_what_was_spliced_can_be_spliced_again(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(frames=40, settings=SETTINGS["its sets numbered 1"]))
    once = rewrite(source, tmp_path / "once.mp4", clear=lambda gop: gop.index % 2 == 0)
    twice = rewrite(once.path, tmp_path / "twice.mp4", clear=lambda gop: gop.index % 3 != 0)
    assert_spliced_well(once.path, twice)
    with av.open(str(twice.path)) as file:
        sets = nal.read_avcc(file.streams.video[0].codec_context.extradata or b"")
    assert sets is not None
    assert len(sets.sps) == len(sets.pps) == 5


def test_variable_frame_rate_rotation_aspect_and_colour_stay_in_a_spliced_mov(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(3).integers(1, 2000, 40)).tolist()
    colour = {"color_primaries": 9, "color_trc": 14, "colorspace": 9, "color_range": 1}
    clip = Clip(
        frames=40,
        pts=times,
        time_base=Fraction(1, 90000),
        format="mov",
        matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
        attributes={"sample_aspect_ratio": Fraction(4, 3), **colour},
    )
    source = make(tmp_path / "source.mov", clip)
    made = rewrite(source, tmp_path / "spliced.mov", "mov", clear=lambda gop: gop.index in (1, 2))
    assert made.info.sample_aspect == Fraction(4, 3)
    assert made.written.gops_copied == 2
    assert_spliced_well(source, made)


def plant(*units: bytes) -> Callable[[int, av.Packet[Any]], av.Packet[Any]]:
    """Puts NAL units before the pictures of every packet."""

    def change(_: int, packet: av.Packet[Any]) -> av.Packet[Any]:
        planted = av.Packet(annex_b([*units, *nal.annex_b_units(bytes(packet))]))
        planted.pts, planted.dts, planted.time_base = packet.pts, packet.dts, packet.time_base
        planted.duration, planted.is_keyframe, planted.stream = packet.duration, packet.is_keyframe, packet.stream
        return planted

    return change


def test_messages_of_the_camera_do_not_survive_copying_and_the_recovery_point_does(tmp_path: Path) -> None:
    clip = Clip(change=plant(GPS, CAPTIONS, CLOCK, RECOVERY, FILLER))
    source = make(tmp_path / "source.mp4", clip)
    assert source.read_bytes().count(MARKER) == 24
    made = rewrite(source, tmp_path / "spliced.mp4", clear=lambda gop: gop.index != 1)
    raw = made.path.read_bytes()
    for trace in (MARKER, b"GA94", b"x264", b"options", b"Lav", FILLER):
        assert trace not in raw
    assert raw.count(RECOVERY) == made.written.frames_copied == 16
    assert_spliced_well(source, made)


def info_of(path: Path) -> VideoInfo:
    with open_video(path) as video:
        return video.info


def test_files_that_cannot_be_spliced_say_why(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip())
    info = info_of(source)
    assert splice_obstacle(source, info, QUICK, "mp4") is None
    for other, options, container, why in [
        (replace(info, codec="hevc"), QUICK, "mp4", "hevc"),
        (info, QUICK, "mkv", "only MP4"),
        (replace(info, container="matroska,webm"), QUICK, "mp4", "only MP4"),
        (replace(info, interlaced=True), QUICK, "mp4", "interlaced"),
        (info, EncodeOptions(codec="hevc"), "mp4", "another codec"),
    ]:
        assert why in (splice_obstacle(source, other, options, container) or "")  # type: ignore[arg-type]


def test_parameter_sets_that_leave_no_room_for_others_are_an_obstacle(tmp_path: Path) -> None:
    source = make(tmp_path / "source.mp4", Clip(frames=4))
    with av.open(str(source)) as file:
        sets = nal.read_avcc(file.streams.video[0].codec_context.extradata or b"")
    assert sets is not None
    splicer = Splicer(info_of(source), sets)
    assert (splicer.plain_id, splicer.reordered_id) == (1, 2)
    assert obstacle_in(sets) is None
    for crowded in (replace(sets, sps=sets.sps * 30), replace(sets, pps=sets.pps * 254), replace(sets, pps=())):
        assert obstacle_in(crowded)


class Reading:
    """A source, its GOPs and packets, and a writer for it."""

    def __init__(self, folder: Path) -> None:
        self.source = make(folder / "source.mp4", Clip())
        with open_video(self.source) as video:
            self.info = video.info
            list(video.frames())
            self.gops = video.gops
        with av.open(str(self.source)) as file:
            self.packets = [packet for packet in file.demux(video=0) if packet.size]

    def writer(self, folder: Path) -> VideoWriter:
        return open_writer(folder / "out.mp4", "mp4", self.info, QUICK, source=self.source, splice=True)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path)


def test_a_gop_that_may_not_be_copied_is_not(reading: Reading, tmp_path: Path) -> None:
    gop = replace(reading.gops[0], copyable=False, why_not="hidden by an edit list")
    with pytest.raises(RedactionIncomplete, match="hidden by an edit list"), reading.writer(tmp_path) as writer:
        writer.copy(reading.packets[:8], gop)


@pytest.mark.parametrize("which", [slice(7), slice(9), slice(1, 9), slice(0)])
def test_other_packets_than_those_of_the_gop_are_not_copied(reading: Reading, tmp_path: Path, which: slice) -> None:
    with pytest.raises(RedactionIncomplete, match="not those that were examined"), reading.writer(tmp_path) as writer:
        writer.copy(reading.packets[which], reading.gops[0])


def test_a_packet_with_other_parameter_sets_is_not_copied(reading: Reading, tmp_path: Path) -> None:
    other = reading.packets[0]
    packet = av.Packet(prefixed([b"\x68\xff\xff"], 4) + bytes(other))
    packet.pts, packet.dts, packet.is_keyframe = other.pts, other.dts, True
    with pytest.raises(RedactionIncomplete, match="parameters change"), reading.writer(tmp_path) as writer:
        writer.copy([packet, *reading.packets[1:8]], reading.gops[0])


def test_a_gop_that_does_not_start_with_an_idr_picture_is_not_copied(reading: Reading, tmp_path: Path) -> None:
    pts = np.array(sorted(packet.pts for packet in reading.packets[1:8] if packet.pts is not None), np.int64)
    gop = Gop(0, pts, pts, True)
    with pytest.raises(RedactionIncomplete, match="IDR"), reading.writer(tmp_path) as writer:
        writer.copy(reading.packets[1:8], gop)


@pytest.mark.parametrize(
    ("which", "why"), [(slice(7), "missing"), (slice(9), "not in the plan"), (slice(1, 8), "not in")]
)
def test_frames_that_are_not_those_of_their_gops_are_an_error(
    reading: Reading, tmp_path: Path, which: slice, why: str
) -> None:
    painter = Painter("black")
    with open_video(reading.source) as video:
        list(video.frames())
        run = next(iter(video.runs(lambda gop: False)))
        assert run.frames is not None
        frames = [painter.cover(frame, Regions()) for frame in run.frames]
    with pytest.raises(RedactionIncomplete, match=why), reading.writer(tmp_path) as writer:
        writer.encode(frames[which], reading.gops[:1])


def test_copying_without_the_source_or_without_splicing_is_refused(reading: Reading, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="source"):
        open_writer(tmp_path / "out.mp4", "mp4", reading.info, QUICK, splice=True)
    with (
        pytest.raises(ValueError, match="not opened for copying"),
        open_writer(tmp_path / "out.mp4", "mp4", reading.info, QUICK) as writer,
    ):
        writer.copy(reading.packets[:8], reading.gops[0])

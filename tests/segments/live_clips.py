"""Small clips that come as a camera's packets do, their frames redacted by nothing, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from passerby import nal
from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.live import LivePart, SegmentInfo
from passerby.media import RedactedFrame, VideoInfo
from passerby.read.video import open_video
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.segments import SegmentOptions, SegmentWriter
from passerby.write.units import annex_b
from tests.video_write.video_clips import Clip, hashes, make

BEGINS_AT = datetime(2026, 11, 23, 14, 5, 30, 123456, tzinfo=UTC)
SMALL = Clip(size=(64, 48), frames=24, gop=6, settings={"bf": "0"})
TICKS = 12800
STEP_S = 512 / TICKS
USUAL = SegmentOptions()


@dataclass(frozen=True)
class CameraClip:
    """What a camera sends."""

    info: VideoInfo
    extradata: bytes
    packets: list[av.Packet[Any]]
    path: Path

    @property
    def gops(self) -> list[list[av.Packet[Any]]]:
        """Its packets, cut before each IDR picture; those of other codecs are one."""
        found: list[list[av.Packet[Any]]] = []
        if self.info.codec != "h264":
            return [self.packets]
        for packet in self.packets:
            if _is_idr(packet) or not found:
                found.append([])
            found[-1].append(packet)
        return found

    def redacted(self) -> dict[int, RedactedFrame]:
        """Its frames by PTS, with nothing painted."""
        painter = Painter("black")
        frames: dict[int, RedactedFrame] = {}
        with open_video(self.path) as video:
            list(video.frames())
            for run in video.runs(lambda gop: False):
                assert run.frames is not None
                for frame in run.frames:
                    frames[frame.pts] = painter.cover(frame, Regions())
        return frames


def camera_clip(path: Path, clip: Clip = SMALL, *, start_codes: bool = False) -> CameraClip:
    """Make a clip; with `start_codes` its packets are as RTSP gives them."""
    make(path, clip)
    with open_video(path) as video:
        info = replace(video.info, name="gate")
    with av.open(str(path)) as file:
        extradata = bytes(file.streams.video[0].codec_context.extradata or b"")
        packets = [packet for packet in file.demux(video=0) if packet.size]
    if start_codes:
        sets = nal.read_avcc(extradata)
        assert sets is not None
        extradata = annex_b([*sets.sps, *sets.pps])
        packets = [_with_start_codes(packet, extradata) for packet in packets]
    return CameraClip(info, extradata, packets, path)


def _is_idr(packet: av.Packet[Any]) -> bool:
    data = bytes(packet)
    units = nal.annex_b_units(data) if data.startswith(b"\0\0\0\1") else nal.prefixed_units(data, 4)
    return any(nal.unit_type(unit) == nal.IDR for unit in units)


def _with_start_codes(packet: av.Packet[Any], sets: bytes) -> av.Packet[Any]:
    lead = b"\0\0\0\1\x09\xf0" + (sets if _is_idr(packet) else b"")
    return like(packet, lead + annex_b(nal.prefixed_units(bytes(packet), 4)))


def like(packet: av.Packet[Any], data: bytes) -> av.Packet[Any]:
    """The same packet with other bytes."""
    other = av.Packet(data)
    other.pts, other.dts, other.time_base = packet.pts, packet.dts, packet.time_base
    other.duration, other.is_keyframe = packet.duration, packet.is_keyframe
    return other


@dataclass
class Recorded:
    """What a recording left behind.

    Attributes:
        folder: of the archive.
        parts: as they went to who watches, the init first.
        segments: in order.
    """

    folder: Path
    parts: list[LivePart] = field(default_factory=list)
    segments: list[tuple[SegmentInfo, Path]] = field(default_factory=list)

    def segment(self, info: SegmentInfo, path: Path) -> None:
        self.segments.append((info, path))

    @property
    def paths(self) -> list[Path]:
        return [path for _, path in self.segments]

    @property
    def live(self) -> bytes:
        """What somebody has got who watched from the start."""
        return b"".join(part.data for part in self.parts)


def writer_for(
    clip: CameraClip, recorded: Recorded, options: SegmentOptions = USUAL, begins_at: datetime = BEGINS_AT
) -> SegmentWriter:
    return SegmentWriter(
        recorded.folder,
        "gate",
        clip.info,
        clip.extradata,
        options=options,
        on_part=recorded.parts.append,
        on_segment=recorded.segment,
        begins_at=begins_at,
    )


def record(
    folder: Path,
    clip: CameraClip,
    copied: Callable[[int], bool] = lambda gop: False,
    options: SegmentOptions = USUAL,
    *,
    share: float = 0.0,
    begins_at: datetime = BEGINS_AT,
) -> Recorded:
    """Record the whole clip; GOPs that `copied` says are copied, by their number."""
    recorded = Recorded(folder)
    writer = writer_for(clip, recorded, options, begins_at)
    feed(writer, clip, copied, share=share, begins_at=begins_at)
    writer.close()
    return recorded


def feed(
    writer: SegmentWriter,
    clip: CameraClip,
    copied: Callable[[int], bool],
    *,
    share: float = 0.0,
    begins_at: datetime = BEGINS_AT,
) -> None:
    frames = clip.redacted()
    for number, packets in enumerate(clip.gops):
        if copied(number):
            writer.copy(packets, arrival(clip, packets[0].pts or 0, begins_at))
        else:
            for packet in packets:
                pts = packet.pts or 0
                writer.encode(frames[pts], arrival(clip, pts, begins_at), share)
            writer.end_gop()


def arrival(clip: CameraClip, pts: int, begins_at: datetime = BEGINS_AT) -> datetime:
    first = clip.packets[0].pts or 0
    return begins_at + timedelta(seconds=float((pts - first) * clip.info.time_base))


def problems(
    path: Path, like: VideoInfo, pts: Sequence[int], time_base: Fraction, duration_s: float | None = None
) -> list[str]:
    """What the check of finished files says of a segment or an export whose pictures are shown at these times."""
    expected = ExpectedVideo.copy_of(
        like, container="mp4", codec="h264", pts=np.array(pts, np.int64), duration_tolerance_s=0.001
    )
    return read_back_video(path, replace(expected, time_base=time_base, duration_s=duration_s))


def quiet_hashes(path: Path) -> dict[Fraction, str]:
    """A digest of each frame by its time; a strict decoder has nothing to say."""
    av.logging.set_level(av.logging.VERBOSE)
    try:
        with av.logging.Capture() as said:
            found = hashes(path, strict=True)
    finally:
        av.logging.set_level(None)
    assert [entry for entry in said if entry[0] <= av.logging.WARNING] == []
    return found


def pictures(path: Path) -> Iterator[tuple[Fraction, list[bytes]]]:
    """Time and NAL units of each packet."""
    with av.open(str(path)) as file:
        for packet in file.demux(video=0):
            if packet.size:
                assert packet.pts is not None
                yield packet.pts * Fraction(packet.time_base or 0), list(nal.prefixed_units(bytes(packet), 4))

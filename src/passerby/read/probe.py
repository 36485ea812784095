"""What is in a video file, for people: from its container and packets, without decoding more than one frame."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from passerby.media import VideoInfo
from passerby.read.copying import PacketJudge, judge_of
from passerby.read.cut import CutOff, cut_off
from passerby.read.gops import GopList
from passerby.read.messages import MessageKinds
from passerby.read.packets import PacketReader
from passerby.read.streams import VideoLimits, describe, is_attached_picture, open_container
from passerby.read.video import open_video

_NO_LIMITS = VideoLimits(max_hours=float("inf"))


@dataclass(frozen=True, slots=True)
class GopSummary:
    """The closed GOPs of a video.

    Attributes:
        count: how many.
        shortest: frames in the shortest one.
        longest: frames in the longest one.
        copyable: those whose packets show nothing that speaks against copying; decoding may still find damage.
        reasons: why the others cannot be copied, in words, each once.
    """

    count: int
    shortest: int
    longest: int
    copyable: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """When frames are shown.

    Attributes:
        start_s: PTS of the first frame, in seconds.
        end_s: end of the last frame, in seconds.
        shortest_s: the least time between two frames; None with fewer than two frames or without PTS.
        longest_s: the most time between two frames, likewise.
        variable: frames do not come at even intervals, rounding to the time base aside.
        hidden_packets: packets that an edit list hides.
        lead_in_packets: packets before the first keyframe.
    """

    start_s: float | None
    end_s: float | None
    shortest_s: float | None
    longest_s: float | None
    variable: bool
    hidden_packets: int
    lead_in_packets: int


@dataclass(frozen=True, slots=True)
class Probe:
    """What is in a video file.

    Attributes:
        info: the chosen stream; `info.dropped` and `info.metadata` name what would go.
        streams: every stream of the container in words, in its order.
        chosen_because: why this stream is the video.
        gops: its GOPs.
        timing: when its frames are shown.
        messages: kinds of SEI messages that would go, in words.
        cut: whether the file ends before its content.
        size_bytes: of the file.
    """

    info: VideoInfo
    streams: tuple[str, ...]
    chosen_because: str
    gops: GopSummary
    timing: Timing
    messages: tuple[str, ...]
    cut: CutOff
    size_bytes: int


def probe(path: Path) -> Probe:
    """Reads the container and every packet of the video stream.

    Raises:
        SourceUnreadable: as `open_video`.
        SourceTooLarge: the frames are over the default limit of megapixels.
    """
    info = open_video(path, limits=_NO_LIMITS).info
    with closing(open_container(path, info.name)) as container:
        stream = container.streams[info.stream_index]
        assert isinstance(stream, VideoStream)
        walk = _Walk(judge_of(stream, info.container, info.pixel_format), MessageKinds(info.codec, stream))
        reader = PacketReader(container, stream)
        for tag, packet in reader:
            walk.add(tag, packet)
        return Probe(
            info=info,
            streams=tuple(describe(other) for other in container.streams),
            chosen_because=_reason_of_choice(container, info),
            gops=walk.gops(),
            timing=walk.timing(info, reader.lead_in),
            messages=walk.messages.names(),
            cut=cut_off(path, container, stream),
            size_bytes=path.stat().st_size,
        )


class _Walk:
    def __init__(self, judge: PacketJudge, messages: MessageKinds) -> None:
        self.messages = messages
        self._judge = judge
        self._gops = GopList()
        self._pts: list[int] = []
        self._hidden = 0
        self._end: int | None = None

    def add(self, tag: int, packet: Packet[VideoStream]) -> None:
        self.messages.add(packet)
        why_not = "hidden by an edit list" if packet.is_discard else self._judge.why_not(packet)
        starts = self._judge.starts_closed(packet) and self._judge.splits
        draft = self._gops.add_packet(tag, packet.dts, starts=starts, why_not=why_not)
        if packet.is_discard:
            self._hidden += 1
            return
        self._gops.add_frame(draft, tag, packet.pts or 0, damaged=False)
        if packet.pts is not None:
            self._pts.append(packet.pts)
            self._end = max(self._end or packet.pts, packet.pts + (packet.duration or 0))

    def gops(self) -> GopSummary:
        self._gops.finish(cut_off=False)
        gops = [record.gop for record in self._gops.records]
        lengths = [len(gop.pts) for gop in gops] or [0]
        reasons = dict.fromkeys(gop.why_not for gop in gops if gop.why_not)
        copyable = sum(gop.copyable for gop in gops)
        return GopSummary(len(gops), min(lengths), max(lengths), copyable, tuple(reasons))

    def timing(self, info: VideoInfo, lead_in: int) -> Timing:
        pts = np.sort(np.array(self._pts, np.int64))
        gaps = np.diff(pts)
        unit_s = float(info.time_base)
        even = len(gaps) == 0 or int(gaps.max() - gaps.min()) <= max(1, round(0.0015 / unit_s))
        return Timing(
            start_s=float(pts[0]) * unit_s if len(pts) else None,
            end_s=self._end * unit_s if self._end is not None else None,
            shortest_s=float(gaps.min()) * unit_s if len(gaps) else None,
            longest_s=float(gaps.max()) * unit_s if len(gaps) else None,
            variable=not even,
            hidden_packets=self._hidden,
            lead_in_packets=lead_in,
        )


def _reason_of_choice(container: InputContainer, info: VideoInfo) -> str:
    others = [other for other in container.streams.video if other.index != info.stream_index]
    if not others:
        return "the only video stream"
    if all(is_attached_picture(other) for other in others):
        return "the only video stream that is no attached picture"
    return "the video stream with most pixels; of equal ones the default, then the first"

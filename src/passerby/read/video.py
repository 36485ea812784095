"""A video in: every frame once to look at, then again only those to be painted, and the packets of the others.

Both passes open the file anew and walk the same packets by number, so that the second gives exactly the frames and PTS
of the first, whatever is damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import SourceDamaged, SourceUnreadable
from passerby.media import Frame, Gop, VideoInfo
from passerby.read.damage import Damage
from passerby.read.first_pass import FirstPass
from passerby.read.gops import GopRecord
from passerby.read.info import video_info
from passerby.read.layouts import shown_format
from passerby.read.packets import Decoder, PacketReader
from passerby.read.picture import Sample, picture_of
from passerby.read.second_pass import PacketWalk, Replay, copied
from passerby.read.streams import VideoLimits, check_limits, choose_stream, is_video, open_container

__all__ = ["VIDEO_SUFFIXES", "Run", "VideoLimits", "VideoSource", "is_video", "open_video", "picture_of"]

_SUFFIXES = """
.mp4 .m4v .mov .qt .3gp .3g2 .insv .lrv .mkv .webm .avi .wmv .asf .flv .ogv .mxf .dv .mod .tod .y4m .ivf .mjpeg .mjpg
.ts .m2ts .mts .mpg .mpeg .vob .h264 .264 .h265 .265 .hevc
"""
VIDEO_SUFFIXES = frozenset(_SUFFIXES.split())
"""How names of video files usually end, in lower case. What a file is, its content says: `is_video`."""
DEFAULT_LIMITS = VideoLimits()
_PACKETS_TO_TRY = 1000


@dataclass(slots=True, eq=False)
class Run:
    """Neighbouring GOPs with one fate: exactly one of `packets` and `frames` is there.

    Attributes:
        gops: one GOP to copy, or a maximal stretch of them to decode, in order.
        packets: the GOP's packets in decoding order, as they are in the file.
        frames: every frame of the stretch in presentation order, each with planes of its own that may be painted.
    """

    gops: tuple[Gop, ...]
    packets: Iterator[Packet[VideoStream]] | None = field(default=None, repr=False)
    frames: Iterator[Frame] | None = field(default=None, repr=False)


class VideoSource:
    """An opened video. A context manager; iterate `frames()` to the end before anything else.

    Attributes:
        info: what is known before the frames are decoded.
    """

    def __init__(self, path: Path, info: VideoInfo, first: VideoFrame, limits: VideoLimits) -> None:
        self.info = info
        self._path = path
        self._limits = limits
        self._sample = Sample.of(first)
        self._identity = _identity(path)
        self._containers: list[InputContainer] = []
        self._records: list[GopRecord] | None = None
        self._damage: Damage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        while self._containers:
            self._containers.pop().close()

    def _open(self) -> tuple[InputContainer, VideoStream]:
        if _identity(self._path) != self._identity:
            raise SourceDamaged(f"{self.info.name} was changed while it was being read; nothing was written")
        container = open_container(self._path, self.info.name)
        self._containers.append(container)
        stream = container.streams[self.info.stream_index]
        assert isinstance(stream, VideoStream)
        return container, stream

    def frames(self) -> Iterator[Frame]:
        """Every frame of the video in presentation order; PTS strictly rise. The planes are read-only.

        A frame that the decoder reported errors for, or that never came out and was replaced by black, is `damaged`.

        Raises:
            SourceDamaged: the pictures change their size or format on the way, or the file is changed meanwhile.
            SourceTooLarge: the video turns out longer than the limit.
        """
        container, stream = self._open()
        reading = FirstPass(self._path, self.info, self._sample, container, stream, self._limits)
        yield from reading.frames()
        self._records, self._damage = reading.records, reading.damage()
        self.close()

    @property
    def gops(self) -> tuple[Gop, ...]:
        """The GOPs, in order: together they hold every frame once."""
        return tuple(record.gop for record in self._known_records())

    def _known_records(self) -> list[GopRecord]:
        if self._records is None:
            raise RuntimeError("frames() must be read to its end first")
        return self._records

    @property
    def damage(self) -> Damage:
        """What is wrong with the file."""
        if self._damage is None:
            raise RuntimeError("frames() must be read to its end first")
        return self._damage

    def runs(self, is_clear: Callable[[Gop], bool]) -> Iterator[Run]:
        """Reads the file again. Each run must be used up before the next is asked for; what is left is skipped.

        Args:
            is_clear: whether this GOP may be copied; asked for copyable GOPs only, ahead of reading them.

        Raises:
            SourceDamaged: the file is not what it was in the first pass.
        """
        records = self._known_records()
        container, stream = self._open()
        walk = PacketWalk(iter(PacketReader(container, stream)), self.info.name)
        decoder = Decoder(stream)
        try:
            for stretch, clear in _stretches(records, is_clear):
                gops, packets = tuple(record.gop for record in stretch), walk.stretch(stretch)
                if clear:
                    yield Run(gops, packets=copied(packets, stretch[0], self.info.name))
                else:
                    yield Run(gops, frames=Replay(self.info, stretch, decoder, self._sample).frames(packets))
        finally:
            decoder.reset()
        self.close()
        if _identity(self._path) != self._identity:
            raise SourceDamaged(f"{self.info.name} was changed while it was being read; nothing was written")


def _identity(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _stretches(records: list[GopRecord], is_clear: Callable[[Gop], bool]) -> Iterator[tuple[list[GopRecord], bool]]:
    dirty: list[GopRecord] = []
    for record in records:
        if not (record.gop.copyable and is_clear(record.gop)):
            dirty.append(record)
            continue
        if dirty:
            yield dirty, False
            dirty = []
        yield [record], True
    if dirty:
        yield dirty, False


def open_video(path: Path, *, name: str | None = None, limits: VideoLimits = DEFAULT_LIMITS) -> VideoSource:
    """Opens a video and decodes its first frame, to know what it is like.

    Args:
        path: a local file.
        name: what messages call it; its file name by default.
        limits: what is refused.

    Raises:
        SourceUnreadable: no video, none of its frames can be decoded, or cut off before its index.
        SourceTooLarge: over a limit.
    """
    label = name or path.name
    with closing(open_container(path, label)) as container:
        stream = choose_stream(container, label)
        duration_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None
        check_limits(label, stream.width, stream.height, duration_s, limits)
        first = _first_frame(container, stream, label)
        info = video_info(container, stream, first, shown_format(first.format.name), label)
    check_limits(label, info.width, info.height, info.duration_s, limits)
    return VideoSource(path, info, first, limits)


def _first_frame(container: InputContainer, stream: VideoStream, name: str) -> VideoFrame:
    decoder = Decoder(stream)
    reader = PacketReader(container, stream)
    tries = 0
    try:
        for tag, packet in reader:
            for _, frame in decoder.decode(tag, packet):
                return frame
            tries += 1
            if tries >= _PACKETS_TO_TRY:
                break
        for _, frame in decoder.drain():
            return frame
    finally:
        decoder.reset()
    if reader.lead_in and not tries:
        raise SourceUnreadable(f"{name} has no keyframe, so none of its frames can be decoded")
    raise SourceUnreadable(f"{name} holds no frame that can be decoded ({tries} packets tried)")

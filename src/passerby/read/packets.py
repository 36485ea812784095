"""Packets of one stream, numbered, and the decoder they go through; neither stops at the first error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av
from av.codec.context import CodecContext, Flags
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.read.streams import THREADS

_FAILED_READS_IN_A_ROW = 50


class PacketReader:
    """The packets of the stream from the first keyframe on, each with its number, in the order of the file."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        # FFmpeg looks at the packet to say whether it is a keyframe; when its first bytes are damaged, the index knows.
        self._at_once = _index_starts_with_keyframe(container, stream)
        self.lead_in = 0
        self.failed_reads = 0

    def __iter__(self) -> Iterator[tuple[int, Packet[VideoStream]]]:
        tag = -1
        for packet in self._all():
            tag += 1
            if self.lead_in == tag and not packet.is_keyframe and not self._at_once:
                self.lead_in += 1
                continue
            yield tag, packet

    def _all(self) -> Iterator[Packet[VideoStream]]:
        in_a_row = 0
        while in_a_row < _FAILED_READS_IN_A_ROW:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:
                        in_a_row = 0
                        yield packet
                return
            except av.error.FFmpegError:
                self.failed_reads += 1
                in_a_row += 1


def _index_starts_with_keyframe(container: InputContainer, stream: VideoStream) -> bool:
    entries = stream.index_entries
    return container.format.name.startswith("mov") and len(entries) > 0 and entries[0].is_keyframe


class Decoder:
    """Decodes numbered packets; says which number each frame is of, and that an error was met.

    More than one of `threads` delays each frame by that many others. With `strict` a JPEG that is cut off is an error,
    not a picture with a gray end. With `beside` it is another one than that of the stream, for H.264.
    """

    def __init__(
        self, stream: VideoStream, threads: int = THREADS, *, strict: bool = False, beside: bool = False
    ) -> None:
        self._context = _another_context(stream) if beside else stream.codec_context
        self._context.thread_type = "AUTO"
        self._context.thread_count = threads
        # A damaged picture is wanted, flagged: leaving it out would change the frame count.
        self._context.flags |= Flags.output_corrupt
        codec = self._context.codec.canonical_name
        if codec == "hevc" or (strict and codec == "mjpeg"):
            # It keeps quiet about a damaged slice otherwise, and flags nothing.
            self._context.options = {"err_detect": "explode"}
        self.failed = False

    def decode(self, tag: int, packet: Packet[VideoStream]) -> list[tuple[int | None, VideoFrame]]:
        """Frames that are finished with this packet. Sets `failed` when the decoder reported an error.

        The packet's PTS and DTS are overwritten: the number travels in them.
        """
        packet.pts = packet.dts = tag
        return self._numbered(packet)

    def drain(self) -> list[tuple[int | None, VideoFrame]]:
        """The last frames; afterwards the decoder can start anew at a closed GOP."""
        frames = self._numbered(None)
        self._context.flush_buffers()
        return frames

    def reset(self) -> None:
        """Forgets everything that was sent."""
        self._context.flush_buffers()

    def _numbered(self, packet: Packet[Any] | None) -> list[tuple[int | None, VideoFrame]]:
        self.failed = False
        try:
            frames = self._context.decode(packet)
        except av.error.FFmpegError:
            self.failed = True
            return []
        return [(frame.pts, frame) for frame in frames]


def _another_context(stream: VideoStream) -> VideoCodecContext:
    own = stream.codec_context
    context = CodecContext.create(own.codec.canonical_name, "r")
    assert isinstance(context, VideoCodecContext)
    context.extradata = own.extradata
    return context

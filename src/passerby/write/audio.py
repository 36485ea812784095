"""Sound, copied packet by packet beside the pictures, its tags left out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.stream import Discard

from passerby.errors import OutputError


class AudioCopy:
    """The sound of one file on its way into another.

    Attributes:
        kept: the codecs of the streams that are copied.
    """

    def __init__(self, source: Path, name: str, target: OutputContainer) -> None:
        """Prepare a stream in `target` for each stream of sound in `source`; `name` is the file's label in messages.

        Raises:
            OutputError: the container cannot hold this sound.
        """
        self._file: InputContainer = av.open(f"file:{source}")
        streams = self._file.streams.audio
        for other in self._file.streams:
            if other.type != "audio":
                other.discard = Discard.all
        self.kept = tuple(stream.codec_context.name for stream in streams)
        self._streams = {stream.index: _like(target, stream, name, self.kept[i]) for i, stream in enumerate(streams)}
        self._packets: Iterator[av.Packet[Any]] = self._file.demux(*streams) if streams else iter(())
        self._next: av.Packet[Any] | None = None
        self._advance()

    def until(self, time_s: Fraction | None) -> Iterator[av.Packet[Any]]:
        """The packets that are due before that time, or all that are left."""
        while self._next is not None and (time_s is None or _due(self._next) <= time_s):
            packet = self._next
            index = packet.stream_index
            copy = av.Packet(bytes(packet))
            copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
            copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
            if packet.has_sidedata("skip_samples"):
                copy.set_sidedata(packet.get_sidedata("skip_samples"))
            copy.stream = self._streams[index]
            self._advance()
            yield copy

    def close(self) -> None:
        """Let go of the source."""
        self._file.close()

    def _advance(self) -> None:
        self._next = next((packet for packet in self._packets if packet.size and packet.dts is not None), None)


def _due(packet: av.Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _like(target: OutputContainer, stream: Any, name: str, codec: str) -> Any:
    try:
        if codec not in target.supported_codecs:
            raise ValueError(codec)
        return target.add_stream_from_template(stream)
    except ValueError as error:
        raise OutputError(
            f"{name}: its sound ({codec}) cannot be kept in {target.format.name.upper()}; nothing was written",
            hint="Write to .mkv, or leave the sound out",
        ) from error

"""The second pass over a video: the packets and frames of the first, by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import SourceDamaged
from passerby.media import Frame, VideoInfo
from passerby.read.gops import GopRecord
from passerby.read.packets import Decoder
from passerby.read.picture import Sample, frame_of

_WINDOW = 64
"""How far ahead a frame may be, in frames; what is skipped is replaced by black."""

Numbered: TypeAlias = "Iterator[tuple[int, Packet[VideoStream]]]"


class PacketWalk:
    """Goes through the numbered packets once, stretch by stretch."""

    def __init__(self, packets: Numbered, name: str) -> None:
        self._packets = packets
        self._name = name
        self._kept: tuple[int, Packet[VideoStream]] | None = None

    def stretch(self, records: list[GopRecord]) -> Numbered:
        """The packets of these GOPs.

        Raises:
            SourceDamaged: the file holds fewer packets than in the first pass.
        """
        first, last = records[0].first_packet, records[-1].last_packet
        while (numbered := self._next()) is not None:
            tag = numbered[0]
            if tag > last:
                self._kept = numbered
                return
            if tag >= first:
                yield numbered
            if tag == last:
                return
        raise SourceDamaged(f"{self._name} was changed while it was being read; nothing was written")

    def _next(self) -> tuple[int, Packet[VideoStream]] | None:
        kept, self._kept = self._kept, None
        return kept or next(self._packets, None)


def copied(packets: Numbered, record: GopRecord, name: str) -> Iterator[Packet[VideoStream]]:
    """The packets of a GOP to copy.

    Raises:
        SourceDamaged: a DTS is not the one that the first pass met.
    """
    dts = record.gop.dts
    for index, (_, packet) in enumerate(packets):
        if index >= len(dts) or packet.dts != dts[index]:
            raise SourceDamaged(f"{name} was changed while it was being read; nothing was written")
        yield packet


class Replay:
    """Decodes a stretch again and gives exactly the frames that the first pass gave, at the same PTS.

    A frame that was replaced in the first pass, and so never looked at, is replaced again.
    """

    def __init__(self, info: VideoInfo, records: list[GopRecord], decoder: Decoder, sample: Sample) -> None:
        self._info, self._decoder, self._sample = info, decoder, sample
        self._tags = np.concatenate([record.tags for record in records])
        self._pts = np.concatenate([record.gop.pts for record in records])
        self._damaged = np.concatenate([record.damaged for record in records])
        self._place = 0

    def frames(self, packets: Numbered) -> Iterator[Frame]:
        """Every frame of the stretch, in presentation order."""
        self._decoder.reset()
        for tag, packet in packets:
            yield from self._shown(self._decoder.decode(tag, packet))
        yield from self._shown(self._decoder.drain())
        yield from self._replaced(len(self._tags))

    def _shown(self, decoded: list[tuple[int | None, VideoFrame]]) -> Iterator[Frame]:
        for tag, picture in decoded:
            place = self._place_of(tag)
            if place is not None:
                yield from self._replaced(place)
                yield self._frame(picture if self._sample.fits(picture) else None)

    def _place_of(self, tag: int | None) -> int | None:
        if tag is None:
            return self._place if self._place < len(self._tags) else None
        found = np.flatnonzero(self._tags[self._place : self._place + _WINDOW] == tag)
        return self._place + int(found[0]) if len(found) else None

    def _replaced(self, until: int) -> Iterator[Frame]:
        while self._place < until:
            yield self._frame(None)

    def _frame(self, picture: VideoFrame | None) -> Frame:
        place = self._place
        self._place += 1
        damaged = picture is None or picture.is_corrupt or bool(self._damaged[place])
        carrier = self._sample.black() if picture is None else picture
        pts, info = int(self._pts[place]), self._info
        return frame_of(carrier, pts, info.time_base, info.orientation, damaged=damaged, writable=True)

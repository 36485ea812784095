"""A file played as a camera: in real time, over and over."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from passerby.errors import CameraUnusable
from passerby.read.camera_address import CameraAddress
from passerby.read.camera_source import choose_live_stream, connect

_NOMINAL_S = 0.04
"""Between packets that have no usable times."""


class FilePlayer:
    """Gives the packets of a file when they are due, and begins again at its end.

    Args:
        address: of the file.
        speed: how many seconds are played in one; infinity is as fast as it can be read.
        closed: ends the waiting.
        began_s: when its first packet was due, by `time.monotonic()`; files that play together began together.

    Attributes:
        due_s: when the latest packet was due, in seconds of the file, from the start of the first round on.
    """

    def __init__(self, address: CameraAddress, speed: float, closed: threading.Event, began_s: float) -> None:
        self._address, self._speed, self._closed = address, speed, closed
        self._started_s = began_s
        self._begun = False
        self._last_s: float | None = None
        self._shift: int | None = 0
        self._end: int | None = None
        self.due_s = 0.0

    def packets(self, first: InputContainer) -> Iterator[Packet[VideoStream]]:
        """Packets with PTS and DTS that go on from round to round. Opens the file anew after the first round."""
        yield from self._round(first)
        while not self._closed.is_set():
            self._shift = None if self._end is not None else 0
            self._last_s = None
            with closing(connect(self._address)) as container:
                yield from self._round(container)

    def _round(self, container: InputContainer) -> Iterator[Packet[VideoStream]]:
        stream = choose_live_stream(container, self._address)
        played = False
        for packet in container.demux(stream):
            if packet.size:
                played = True
                self._place(packet)
                if self._closed.wait(self._ahead_s()):
                    return
                yield packet
        if not played:
            raise CameraUnusable(f"the file of camera {self._address.name} holds no pictures")

    def _place(self, packet: Packet[VideoStream]) -> None:
        stands = packet.dts if packet.dts is not None else packet.pts
        base = float(packet.time_base or 0) or 1 / av.time_base
        self._advance(None if stands is None else stands * base)
        if packet.pts is None:
            return
        if self._shift is None and self._end is not None:
            self._shift = self._end - packet.pts
        packet.pts += self._shift or 0
        packet.dts = None if packet.dts is None else packet.dts + (self._shift or 0)
        end = packet.pts + (packet.duration or max(1, round(_NOMINAL_S / base)))
        self._end = end if self._end is None else max(self._end, end)

    def _advance(self, stands_s: float | None) -> None:
        """Sets `due_s`. Times that fall back, and gaps longer than a camera may be silent, count as one frame."""
        step_s = _NOMINAL_S if self._begun else 0.0
        self._begun = True
        if stands_s is not None and self._last_s is not None and 0 < stands_s - self._last_s < self._address.timeout_s:
            step_s = stands_s - self._last_s
        self._last_s = stands_s
        self.due_s += step_s

    def _ahead_s(self) -> float:
        if math.isinf(self._speed):
            return 0.0
        return max(0.0, self._started_s + self.due_s / self._speed - time.monotonic())

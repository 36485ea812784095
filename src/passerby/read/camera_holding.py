"""From packets as they arrive to pictures that are decoded when they are wanted, where that is safe.

A GOP is held undecoded if nothing spoke against copying the one before it. So streams that are never copied (HEVC,
MJPEG, reordered frames), the first GOP and one after a damaged one are decoded at once, as they are without this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from passerby.read.camera_checks import PacketChecks
from passerby.read.camera_clock import LiveClock
from passerby.read.camera_held import HeldDecoder, HeldGop, HeldPicture
from passerby.read.camera_opening import Opened
from passerby.read.camera_packets import Arrival
from passerby.read.camera_pictures import LivePicture, LivePictures


class HoldingPictures:
    """Makes pictures of the packets of one connection, as `LivePictures` does, and decodes as few as it can."""

    def __init__(self, opened: Opened, patience_s: float) -> None:
        self._time_base = opened.info.time_base
        self._clock = LiveClock(self._time_base, patience_s)
        self._checks = PacketChecks(opened)
        self._at_once = LivePictures(opened, self._clock)
        self._decoder = HeldDecoder(opened)
        self._decoded_at_once = 0
        self._gop: HeldGop | None = None
        self._why_not = "nothing is known of it"

    @property
    def decoded(self) -> int:
        """Packets that were decoded so far."""
        return self._decoded_at_once + self._decoder.decoded

    def push(self, arrival: Arrival) -> Iterator[LivePicture | HeldPicture]:
        """The pictures that are finished with this packet.

        Raises:
            CameraLost: the camera changes to pictures of another size, format or kind.
        """
        checked = self._checks.check(arrival)
        if checked.starts_closed:
            yield from self._begin_gop()
        if self._gop is None:
            self._decoded_at_once += 1
            yield from self._noted(self._at_once.push(arrival))
        else:
            self._why_not = self._why_not or checked.why_not_copied or checked.damage
            yield self._held(self._gop, arrival, starts=checked.starts_closed)

    def finish(self) -> Iterator[LivePicture | HeldPicture]:
        """The last pictures."""
        if self._gop is None:
            yield from self._at_once.finish()

    def _begin_gop(self) -> Iterator[LivePicture]:
        holds = not self._why_not
        if holds and self._gop is None:
            yield from self._at_once.finish()
        self._gop = HeldGop(self._decoder) if holds else None
        self._why_not = ""

    def _noted(self, pictures: Iterator[LivePicture]) -> Iterator[LivePicture]:
        for picture in pictures:
            self._why_not = self._why_not or picture.why_not_copied
            yield picture

    def _held(self, gop: HeldGop, arrival: Arrival, *, starts: bool) -> HeldPicture:
        pts, repaired = self._clock.of_frame(arrival.pts, arrival.due_s)
        self._why_not = self._why_not or ("times had to be repaired" if repaired else "")
        packet = arrival.packet
        packet.pts = packet.dts = pts
        gop.add(replace(arrival, pts=pts))
        return HeldPicture(
            pts, self._time_base, packet, starts, self._why_not, arrival.at, arrival.at_s, arrival.taken_s, gop
        )

"""The last packet of a track, held back until it is known to be the last."""

from __future__ import annotations

from typing import Any

import av


class HeldBack:
    """Lengthens the last packet so that the track lasts as long as its frames are shown.

    MP4 adds up the durations of packets in decoding order. Where frames are reordered and come at uneven times, the
    last packet to be decoded need not be the last to be shown, and the sum would end before the last frame does.
    """

    def __init__(self) -> None:
        self._packet: av.Packet[Any] | None = None
        self._first_dts = 0
        self._start: int | None = None
        self._end = 0

    def swap(self, packet: av.Packet[Any]) -> av.Packet[Any] | None:
        """Hold this one back, and hand out the one before it, None the first time."""
        pts, dts = packet.pts or 0, packet.dts or 0
        if self._start is None:
            self._start, self._first_dts, self._end = pts, dts, pts
        self._start = min(self._start, pts)
        self._end = max(self._end, pts + (packet.duration or 0))
        before, self._packet = self._packet, packet
        return before

    def last(self) -> av.Packet[Any] | None:
        """The last packet, as long as it has to be; None if there was none."""
        packet, self._packet = self._packet, None
        if packet is not None and self._start is not None:
            shown, decoded = self._end - self._start, (packet.dts or 0) - self._first_dts
            packet.duration = max(packet.duration or 0, shown - decoded)
        return packet

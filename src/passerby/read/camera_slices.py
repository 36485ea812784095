"""IDR pictures of H.264 that arrive in pieces, put together again.

Some senders (`rtph264pay config-interval=-1` of GStreamer) repeat the parameter sets before each slice of an IDR
picture. By ITU-T H.264 (08/2021) clause 7.4.1.2.3 parameter sets behind a slice begin another picture, so each slice
comes as a packet of its own, which decodes to a damaged picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from av.packet import Packet

from passerby import nal
from passerby.read.camera_packets import Arrival

_START_CODE = b"\0\0\0\1"
_SETS = (nal.SPS, nal.PPS)
_MOST_PIECES = 200
"""A picture of 1080p has 68 rows of macroblocks, and no sender makes a slice of less."""


def whole_pictures(arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
    """The same packets, in annex B; those that are pieces of one IDR picture as one.

    It takes the next packet to know that a picture is whole. So of a camera that sends its pictures in one piece only
    the first IDR picture waits for it.
    """
    held = _Held()
    try:
        for arrival in arrivals:
            yield from held.push(arrival)
    except Exception:
        yield from held.release()
        raise
    yield from held.release()


class _Held:
    """The picture that may not be whole yet."""

    def __init__(self) -> None:
        self._begun: Arrival | None = None
        self._passed: Arrival | None = None
        self._pieces = 0
        self._waits = True

    def push(self, arrival: Arrival) -> Iterator[Arrival]:
        """What is whole by now."""
        slices = _further_slices(self._begun or self._passed, arrival)
        if slices and self._begun is not None and self._pieces < _MOST_PIECES:
            self._begun, self._pieces = _joined(self._begun, arrival, slices), self._pieces + 1
            return
        if self._begun is not None:
            self._waits = self._pieces > 1
            yield from self.release()
        self._waits = self._waits or bool(slices)
        if self._waits and _is_idr(arrival):
            self._begun, self._pieces = arrival, 1
        else:
            self._passed = arrival
            yield arrival

    def release(self) -> Iterator[Arrival]:
        """What is held, as it is."""
        if self._begun is not None:
            self._passed, self._begun = self._begun, None
            yield self._passed


def _is_idr(arrival: Arrival) -> bool:
    units = nal.annex_b_units(bytes(arrival.packet)) if arrival.packet.is_keyframe else ()
    return any(nal.unit_type(unit) == nal.IDR for unit in units)


def _further_slices(begun: Arrival | None, arrival: Arrival) -> list[bytes]:
    """Those of `arrival`, if all that it brings is more of the picture that has begun."""
    if begun is None or begun.pts not in (None, arrival.pts) or not arrival.packet.is_keyframe:
        return []
    known = {unit for unit in nal.annex_b_units(bytes(begun.packet)) if nal.unit_type(unit) in _SETS}
    new = [unit for unit in nal.annex_b_units(bytes(arrival.packet)) if unit not in known]
    return new if all(nal.unit_type(unit) == nal.IDR and not nal.starts_picture(unit) for unit in new) else []


def _joined(begun: Arrival, arrival: Arrival, slices: list[bytes]) -> Arrival:
    """Arrived when the last piece had."""
    packet: Packet[Any] = Packet(bytes(begun.packet) + b"".join(_START_CODE + unit for unit in slices))
    packet.stream, packet.time_base = begun.packet.stream, begun.packet.time_base
    packet.pts, packet.dts, packet.duration = arrival.packet.pts, arrival.packet.dts, arrival.packet.duration
    packet.is_keyframe, packet.is_corrupt = True, begun.packet.is_corrupt or arrival.packet.is_corrupt
    return replace(arrival, packet=packet)

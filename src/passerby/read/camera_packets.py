"""Packets as they arrive, and the bounded queue that they wait in."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from av.packet import Packet
from av.video.stream import VideoStream

_POLL_S = 0.1
_MOST_WAITING_BYTES = 64 << 20
_LONGEST_WAIT_S = 10.0
_MOST_READ_AHEAD = 8
"""Packets of a file, which can wait."""


@dataclass(slots=True, eq=False)
class Arrival:
    """A packet as it came.

    Attributes:
        packet: itself.
        pts: in stream units, or None.
        duration: likewise, 0 if unknown.
        at: wall clock, UTC.
        at_s: `time.monotonic()`.
        due_s: what PTS are judged by: `at_s`, or of a file the second that it is due.
        taken_s: when its picture was taken, in seconds of a clock that all streams of the camera share; None where it
            does not tell.
        after_gap: packets before it were left out, because nobody took them.
    """

    packet: Packet[VideoStream]
    pts: int | None
    duration: int
    at: datetime
    at_s: float
    due_s: float
    taken_s: float | None = None
    after_gap: bool = False


class Waiting:
    """Packets that arrived and were not taken yet. What does not fit is left out, up to the next keyframe.

    Where the oldest has waited for too long, all are left out: whoever takes them has fallen behind for good, and would
    get nothing any more but what comes too late.

    Attributes:
        dropped: packets that were left out.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._gap = False
        self.dropped = 0

    def put(self, arrival: Arrival) -> None:
        """Adds a packet, or leaves it out; never blocks."""
        with self._changed:
            self._leave_out_late(arrival.at_s)
            if self._is_full(arrival) or (self._gap and not arrival.packet.is_keyframe):
                self._gap = True
                self.dropped += 1
                return
            arrival.after_gap, self._gap = self._gap, False
            self._arrivals.append(arrival)
            self._bytes += arrival.packet.size
            self._changed.notify_all()

    def _leave_out_late(self, now_s: float) -> None:
        if self._arrivals and now_s - self._arrivals[0].at_s > _LONGEST_WAIT_S:
            self.dropped += len(self._arrivals)
            self._arrivals.clear()
            self._bytes, self._gap = 0, True

    def _is_full(self, arrival: Arrival) -> bool:
        return bool(self._arrivals) and self._bytes + arrival.packet.size > _MOST_WAITING_BYTES

    def take(self, timeout_s: float) -> Arrival | None:
        """The oldest packet, or None if there is none in time."""
        with self._changed:
            if not self._arrivals:
                self._changed.wait(timeout_s)
            if not self._arrivals:
                return None
            arrival = self._arrivals.popleft()
            self._bytes -= arrival.packet.size
            self._changed.notify_all()
            return arrival

    def wait_for_room(self, closed: threading.Event) -> None:
        """Until few packets wait, or `closed` is set: for what can wait itself."""
        with self._changed:
            while len(self._arrivals) >= _MOST_READ_AHEAD and not closed.is_set():
                self._changed.wait(_POLL_S)

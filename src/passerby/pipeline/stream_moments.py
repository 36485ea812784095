"""When the pictures of a camera's two streams were taken, as far as that can be told.

Two streams have two clocks, and nobody knows how they are set. A camera may tell its own time with both (RTSP in RTCP
sender reports); besides, both come over the same network. Neither is believed alone: a moment is known within bounds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from passerby.read.camera import HeldPicture, LivePicture

_WINDOW_S = 10.0
_ARRIVAL_S = 0.15
"""By so much one stream may come later than the other: its pictures take longer to encode and to send."""
_MOST_APART_S = 1.0
"""What a camera tells is not believed if the pictures came at times that differ from it by more."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Of one picture.

    Attributes:
        arrived_s: when it would have come, had it been on its way as short as the fastest lately; `time.monotonic()`.
        taken_s: when it was taken, by a clock that both streams share; None where that is not told.
    """

    arrived_s: float
    taken_s: float | None

    def later_than(self, other: Moment) -> tuple[float, float]:
        """By how many seconds this one, of another stream, was taken later: at least, and at most."""
        arrived_s = self.arrived_s - other.arrived_s
        if self.taken_s is not None and other.taken_s is not None:
            taken_s = self.taken_s - other.taken_s
            if abs(taken_s - arrived_s) <= _MOST_APART_S:
                return min(taken_s, arrived_s), max(taken_s, arrived_s)
        return arrived_s - _ARRIVAL_S, arrived_s + _ARRIVAL_S


class Moments:
    """Tells the moments of one stream's pictures, in order."""

    def __init__(self) -> None:
        self._ways: deque[tuple[float, float]] = deque()

    def of(self, picture: LivePicture | HeldPicture) -> Moment:
        """Of the next picture. What jitters on its way comes late, and never early."""
        at_s = float(picture.pts * picture.time_base)
        self._ways.append((picture.arrived_s, picture.arrived_s - at_s))
        while self._ways[0][0] < picture.arrived_s - _WINDOW_S:
            self._ways.popleft()
        return Moment(at_s + min(way_s for _, way_s in self._ways), picture.taken_s)

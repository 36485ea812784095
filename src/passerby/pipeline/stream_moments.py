"""When the pictures of a camera's two streams were taken, as far as that can be told.

Two streams have two clocks, and nobody knows how they are set. A camera may tell its own time with both (RTSP in RTCP
sender reports); besides, both come over the same network. Neither is believed alone: a moment is known within bounds.

Measured with GStreamer's RTSP server, two streams of one clip and marks in the pictures: by what is told both differ by
at most one frame, 0.07 s. By arrival they differ by as much as one of them is sent later, and by up to 0.9 s in the
first second, when all that waited on the way comes at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from passerby.read.camera import HeldPicture, LivePicture

_SETTLED_S = 1.5
"""Before a stream has run for so long, nothing is known of its way."""
_DRIFT = 1e-4
"""Share of time by which the clock of a stream may run slower than ours. What is held up for longer is no drift."""
_ARRIVAL_S = 0.15
"""By so much one stream may come later than the other: its pictures take longer to encode and to send."""
_MOST_APART_S = 1.0
"""If what is told and what arrives differ by more, nothing is known: one of the two is wrong."""
_NONSENSE_S = 60.0
"""If they differ by more, the camera's clocks were never set, and arrival tells."""


class Moments:
    """Tells the moments of one stream's pictures; one thread adds pictures, others may ask.

    Attributes:
        way_s: from the stream's own clock to arrival, the least so far: what jitters on its way is late, never early.
        settled: it is known.
    """

    def __init__(self) -> None:
        self.way_s = math.inf
        self.settled = False
        self._began_s: float | None = None
        self._last_s = 0.0

    def of(self, picture: LivePicture | HeldPicture) -> Moment:
        """Of the next picture."""
        at_s, arrived_s = float(picture.pts * picture.time_base), picture.arrived_s
        if self._began_s is None:
            self._began_s = self._last_s = arrived_s
        self.way_s = min(self.way_s + _DRIFT * (arrived_s - self._last_s), arrived_s - at_s)
        self._last_s = arrived_s
        self.settled = arrived_s - self._began_s >= _SETTLED_S
        return Moment(at_s, picture.taken_s, self)


@dataclass(frozen=True, slots=True)
class Moment:
    """Of one picture.

    Attributes:
        at_s: by the clock of its stream.
        taken_s: by a clock that both streams share; None where that is not told.
        stream: what is known of the other pictures; the more of them have come, the better this moment is known.
    """

    at_s: float
    taken_s: float | None
    stream: Moments = field(repr=False)

    def later_than(self, other: Moment) -> tuple[float, float]:
        """By how many seconds this one, of another stream, was taken later: at least, and at most."""
        if not (self.stream.settled and other.stream.settled):
            return -math.inf, math.inf
        arrived_s = self.at_s + self.stream.way_s - other.at_s - other.stream.way_s
        taken_s = math.inf
        if self.taken_s is not None and other.taken_s is not None:
            taken_s = self.taken_s - other.taken_s
        apart_s = abs(taken_s - arrived_s)
        if apart_s > _NONSENSE_S:
            return arrived_s - _ARRIVAL_S, arrived_s + _ARRIVAL_S
        if apart_s > _MOST_APART_S:
            return -math.inf, math.inf
        return min(taken_s, arrived_s), max(taken_s, arrived_s)

"""One head, face or plate of a live camera: where it was seen, or carried to, and for how long it is covered."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from passerby.track.motion import end_velocity
from passerby.track.smoother import END_WINDOW_S

_KEPT = 8
"""So many of the latest places are kept, however old, to know the motion by."""

Corners = list[float]
Knot = list[float]
"""A place: its time in seconds, then the box's centre, width and height."""
Velocity = npt.NDArray[np.float64]


@dataclass(slots=True, eq=False)
class LiveTrack:
    """What is known of one of them. Times are seconds, boxes are pixels of the upright frame.

    Attributes:
        label: index into `regions.LABELS`.
        begins_s: nothing of it is covered before this: its scene began then.
        ends_s: looks found its place empty then; nothing of it is covered from there on.
        times: of its places, rising.
        boxes: its places, four corners each.
        sightings: the times at which a detection stands behind its place, rising; at the others it was carried there.
        empty: looks in a row that found nothing at its place.
    """

    label: int
    begins_s: float
    ends_s: float = math.inf
    times: list[float] = field(default_factory=list)
    boxes: list[Corners] = field(default_factory=list)
    sightings: list[float] = field(default_factory=list)
    empty: int = 0
    _knots: list[Knot] = field(default_factory=list)
    _velocities: list[Velocity | None] = field(default_factory=lambda: [None, None])  # at its first and its last place

    def add(self, at_s: float, box: Corners, *, seen: bool) -> None:
        """It was found, or carried, here; later than everything so far."""
        self._insert(len(self.times), at_s, box)
        if seen:
            self.sightings.append(at_s)
            self.empty = 0

    def add_before(self, at_s: float, box: Corners) -> None:
        """It was found here before everything so far."""
        self._insert(0, at_s, box)
        self.sightings.insert(0, at_s)

    def _insert(self, index: int, at_s: float, box: Corners) -> None:
        x1, y1, x2, y2 = box
        self.times.insert(index, at_s)
        self.boxes.insert(index, box)
        self._knots.insert(index, [at_s, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
        self._velocities = [None, None]

    @property
    def last_s(self) -> float:
        """When its latest place was known."""
        return self.times[-1]

    @property
    def last_seen_s(self) -> float:
        """When a detection last stood behind its place."""
        return self.sightings[-1]

    def covered_from_s(self, reach_s: float) -> float:
        """When it is first covered, `reach_s` before its first place."""
        return max(self.times[0] - reach_s, self.begins_s)

    def box_at(self, at_s: float) -> Corners | None:
        """Its place at exactly this time, if it was found or carried there then."""
        index = bisect_left(self.times, at_s)
        return self.boxes[index] if index < len(self.times) and self.times[index] == at_s else None

    def unseen_for(self, at_s: float) -> float:
        """Seconds from a time to the nearest sighting."""
        index = bisect_left(self.sightings, at_s)
        return min(abs(at_s - seen_s) for seen_s in self.sightings[max(0, index - 1) : index + 1])

    def first_knot(self) -> Knot:
        """Its first place."""
        return self._knots[0]

    def last_knot(self) -> Knot:
        """Its latest place."""
        return self._knots[-1]

    def knots_around(self, at_s: float) -> list[Knot]:
        """The four places around a time between its first and its latest one, two before and two after.

        Where there is none, it is as if it had moved, or will move, evenly.
        """
        last = len(self._knots) - 1
        if not last:
            only_s, *state = self._knots[0]
            return [[only_s + step, *state] for step in (-1, 0, 1, 2)]
        left = max(0, min(bisect_right(self.times, at_s) - 1, last - 1))
        around = self._knots[max(0, left - 1) : left + 3]
        if left == 0:
            around.insert(0, _evenly(around[1], around[0]))
        if left + 1 == last:
            around.append(_evenly(around[-2], around[-1]))
        return around

    def first_velocity(self) -> Velocity:
        """How its first place moves, float64, shape (4,), per second."""
        first = self._velocities[0]
        if first is None:
            count = max(2, bisect_right(self.times, self.times[0] + END_WINDOW_S))
            first = self._velocities[0] = _velocity(self._knots[:count])
        return first

    def last_velocity(self) -> Velocity:
        """How its latest place moves."""
        last = self._velocities[1]
        if last is None:
            count = max(2, len(self.times) - bisect_left(self.times, self.times[-1] - END_WINDOW_S))
            last = self._velocities[1] = _velocity(self._knots[: -count - 1 : -1])
        return last

    def forget_before(self, at_s: float) -> None:
        """Places that no frame needs any more; the latest few are kept, and the last one that was seen."""
        spare = min(len(self.times) - _KEPT, bisect_left(self.times, at_s) - 1)
        spare = min(spare, bisect_left(self.times, self.last_seen_s))
        if spare > 0:
            del self.times[:spare], self.boxes[:spare], self._knots[:spare]
            del self.sightings[: bisect_left(self.sightings, self.times[0])]
            self._velocities[0] = None


def _evenly(before: Knot, at: Knot) -> Knot:
    return [2 * here - there for there, here in zip(before, at, strict=True)]


def _velocity(end_first: list[Knot]) -> Velocity:
    knots = np.array(end_first)
    return end_velocity(knots[:, 0], knots[:, 1:], END_WINDOW_S)

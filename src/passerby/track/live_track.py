"""One head, face or plate of a live camera: where it was seen, and what is covered for it at any time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from passerby.regions import Boxes
from passerby.track.association import FADE_S
from passerby.track.motion import (
    Seconds,
    States,
    between,
    end_velocity,
    predict,
    to_boxes,
    to_states,
    union,
)
from passerby.track.smoother import DRIFT_AT_MOST, END_FADE_S, END_WINDOW_S, beyond, widened

_KEPT = 8
"""So many of the latest places are kept, however old, to know the motion by."""


@dataclass(slots=True, eq=False)
class LiveTrack:
    """What is known of one of them. Times are seconds, boxes are pixels of the upright frame.

    Attributes:
        label: index into `regions.LABELS`.
        begins_s: nothing of it is covered before this: its scene began then.
        ends_s: looks found its place empty then; nothing of it is covered from there on.
        times: of its places, rising.
        boxes: its places, four corners each.
        seen: whether a detection stands behind each place; else it was carried there.
        empty: looks in a row that found nothing at its place.
    """

    label: int
    begins_s: float
    ends_s: float = math.inf
    times: list[float] = field(default_factory=list)
    boxes: list[list[float]] = field(default_factory=list)
    seen: list[bool] = field(default_factory=list)
    empty: int = 0

    def add(self, at_s: float, box: list[float], *, seen: bool) -> None:
        """It was found, or carried, here; later than everything so far."""
        self._insert(len(self.times), at_s, box, seen=seen)
        if seen:
            self.empty = 0

    def add_before(self, at_s: float, box: list[float]) -> None:
        """It was found here before everything so far."""
        self._insert(0, at_s, box, seen=True)

    def _insert(self, index: int, at_s: float, box: list[float], *, seen: bool) -> None:
        self.times.insert(index, at_s)
        self.boxes.insert(index, box)
        self.seen.insert(index, seen)

    @property
    def last_s(self) -> float:
        """When its latest place was known."""
        return self.times[-1]

    @property
    def last_seen_s(self) -> float:
        """When a detection last stood behind its place."""
        return next(at_s for at_s, seen in zip(reversed(self.times), reversed(self.seen), strict=True) if seen)

    def forget_before(self, at_s: float) -> None:
        """Places that no frame needs any more; the latest few are kept, and the last one that was seen."""
        spare = min(len(self.times) - _KEPT, int(np.searchsorted(self.times, at_s)) - 1)
        spare = min(spare, max(index for index, seen in enumerate(self.seen) if seen))
        if spare > 0:
            del self.times[:spare], self.boxes[:spare], self.seen[:spare]

    def expected(self, at_s: float) -> States:
        """Where it is looked for at a time after its latest place: float64, shape (1, 4)."""
        seconds, states = self._newest_first()
        velocity = end_velocity(seconds, states, END_WINDOW_S)
        return predict(states[:1], velocity[None], np.array([at_s - seconds[0]]), FADE_S)

    def covered(self, at_s: float, reach_s: float, steady_s: float, drift: float) -> Boxes:
        """What is covered for it at a time: float32, shape (0 or 1, 4).

        Args:
            at_s: the time.
            reach_s: how long before its first place it is covered.
            steady_s: the box is as large as those so long before and after, too.
            drift: as in `smoother.TrackOptions`.
        """
        first_s = max(self.times[0] - reach_s, self.begins_s)
        if not first_s <= at_s < self.ends_s:
            return np.zeros((0, 4), np.float32)
        around = np.clip([at_s - steady_s, at_s, at_s + steady_s], first_s, None)
        boxes = self._at(around, drift)
        if at_s in self.times:
            found = np.array([box for time, box in zip(self.times, self.boxes, strict=True) if time == at_s])
            boxes = np.concatenate([boxes, found.astype(np.float32)])
        return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None].astype(np.float32)

    def held(self, at_s: float, drift: float) -> Boxes:
        """Where it may be after it was lost, at a time after its latest place: float32, shape (1, 4).

        It holds the place where it was last, and where its motion led; over time it only grows.
        """
        return self._at(np.array([at_s]), drift)

    def _at(self, times: Seconds, drift: float) -> Boxes:
        known = np.array(self.times)
        states = to_states(np.array(self.boxes, np.float32))
        before, after = times < known[0], times > known[-1]
        boxes = np.zeros((len(times), 4), np.float32)
        within = ~before & ~after
        boxes[within] = to_boxes(between(times[within], known, states))
        boxes[before] = beyond(known, states, times[before])
        boxes[after] = _lost(known[::-1], states[::-1], times[after])
        spread = np.minimum(drift * self._unseen_for(times), DRIFT_AT_MOST)
        return widened(boxes, spread)

    def _unseen_for(self, times: Seconds) -> Seconds:
        """Seconds from each time to the nearest sighting."""
        sightings = np.array(self.times)[np.array(self.seen)]
        return np.asarray(np.abs(times[:, None] - sightings[None]).min(axis=1), np.float64)

    def _newest_first(self) -> tuple[Seconds, States]:
        newest = slice(None, -_KEPT - 1, -1)
        return np.array(self.times[newest]), to_states(np.array(self.boxes[newest], np.float32))


def _lost(seen_at: Seconds, states: States, times: Seconds) -> Boxes:
    """Boxes after the end of a track, where `states[0]` is its end: from where it was last to where it went."""
    velocity = end_velocity(seen_at, states, END_WINDOW_S)
    ends = np.repeat(states[:1], len(times), axis=0)
    gone = predict(ends, np.repeat(velocity[None], len(times), axis=0), times - seen_at[0], END_FADE_S)
    gone[:, 2:] = np.maximum(gone[:, 2:], ends[:, 2:])
    return union(to_boxes(ends), to_boxes(gone))

"""Which detections are the same face or plate: one sweep forward through time, one back.

Both sweeps are greedy: of all pairs of a detection and a track that are near enough, the closest is taken first, and
detections at or above the start threshold come before the others. Detections below it start nothing; they count where
a track that already exists, earlier or later, supports them (Zhang et al., ByteTrack, 2022, both ways through time).
Hints, with score 0, come last.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.regions import Boxes, iou
from passerby.track.motion import Seconds, States, predict, to_boxes, to_states

NOBODY = -1
START_THRESHOLD = 0.35
"""The start threshold unless somebody chooses another, of videos and of live cameras."""
FADE_S = 1.0
"""A velocity that nothing confirms fades with this time constant."""
TRUST = 0.6
"""How far a new sighting moves the velocity, from 0 to 1."""
SAME_SIZE = 2.0
"""A face does not grow or shrink by more than this factor between two sightings in a row."""
WEAK_NEARNESS = 0.7
"""A detection below the start threshold must be nearer than others, by this factor: it is often no face at all."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Nearness:
    """How far a sighting may be from where a track expects it, in sizes (the square root of the box's area).

    Attributes:
        at_once: with no time in between.
        per_second: added for each second since the track was last seen.
        at_most: whatever the time.
    """

    at_once: float = 0.7
    per_second: float = 3.0
    at_most: float = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """All detections of one label in one scene, in order of time.

    Attributes:
        frame: intp, shape (N,): index of the frame, rising.
        boxes: float32, shape (N, 4).
        scores: float32, shape (N,).
        times: float64, shape (frames,): seconds, of every frame of the scene.
    """

    frame: Indices
    boxes: Boxes
    scores: npt.NDArray[np.float32]
    times: Seconds


def associate(
    sightings: Sightings, *, start_threshold: float, gap_s: float, nearness: Nearness | None = None
) -> list[Indices]:
    """Sightings of each track, as indices in order of time; those that no track supports are left out."""
    forward = _Sweep(sightings, start_threshold, gap_s, nearness or Nearness())
    frames, starts = np.unique(sightings.frame, return_index=True)
    spans = list(zip(sightings.times[frames].tolist(), starts, [*starts[1:], len(sightings.frame)], strict=True))
    for at_s, first, end in spans:
        forward.visit(at_s, first, end, may_start=True)
    if (forward.owner == NOBODY).any():
        backward = _Sweep(sightings, start_threshold, gap_s, forward.nearness, forward.owner)
        for at_s, first, end in reversed(spans):
            backward.visit(at_s, first, end, may_start=False)
    order = np.argsort(forward.owner, kind="stable")
    owners = forward.owner[order]
    bounds = np.searchsorted(owners, np.arange(forward.count + 1))
    return [order[a:b] for a, b in itertools.pairwise(bounds)]


class _Sweep:
    """One pass over the sightings; `owner` says whose each one is, and is filled in on the way."""

    def __init__(
        self,
        sightings: Sightings,
        start_threshold: float,
        gap_s: float,
        nearness: Nearness,
        owner: Indices | None = None,
    ) -> None:
        n = len(sightings.frame)
        self.boxes = sightings.boxes
        self.states = to_states(sightings.boxes)
        self.high = sightings.scores >= start_threshold
        self.rank = 2.0 * self.high + (sightings.scores > 0)
        self.gap_s = gap_s
        self.nearness = nearness
        self.owner: Indices = np.full(n, NOBODY, np.intp) if owner is None else owner
        self.count = 0 if owner is None else int(owner.max(initial=NOBODY)) + 1
        self.active: Indices = np.zeros(0, np.intp)
        tracks = n if owner is None else self.count
        self.is_active = np.zeros(tracks, np.bool_)
        self.last = np.zeros((tracks, 4))
        self.velocity = np.zeros((tracks, 4))
        self.last_s = np.full(tracks, np.nan)

    def visit(self, at_s: float, first: int, end: int, *, may_start: bool) -> None:
        """Give the sightings `first` to `end`, all of one frame, to tracks."""
        here = np.arange(first, end)
        is_free = self.owner[here] == NOBODY
        free = here[is_free]
        if len(free):
            self._forget(at_s)
            self._match(at_s, free, self._waiting(self.owner[here[~is_free]]))
        if may_start:
            fresh = free[(self.owner[free] == NOBODY) & self.high[free]]
            self.owner[fresh] = np.arange(self.count, self.count + len(fresh))
            self.count += len(fresh)
        self._move(at_s, here[self.owner[here] != NOBODY])

    def _forget(self, at_s: float) -> None:
        lost = np.abs(at_s - self.last_s[self.active]) > self.gap_s
        self.is_active[self.active[lost]] = False
        self.active = self.active[~lost]

    def _waiting(self, served: Indices) -> Indices:
        """Tracks that have no sighting in this frame yet."""
        if not len(served):
            return self.active
        self.is_active[served] = False
        waiting = self.active[self.is_active[self.active]]
        self.is_active[served] = np.isin(served, self.active)
        return waiting

    def _match(self, at_s: float, free: Indices, waiting: Indices) -> None:
        if not len(waiting):
            return
        expected = self._expected(at_s, waiting)
        elapsed = np.abs(at_s - self.last_s[waiting])
        rows, columns, closeness = near_pairs(self.boxes[free], self.high[free], expected, elapsed, self.nearness)
        self._take(free[rows], waiting[columns], closeness + 2.0 * self.rank[free[rows]])

    def _take(self, sightings: Indices, tracks: Indices, closeness: npt.NDArray[np.float64]) -> None:
        taken: set[int] = set()
        for pair in np.argsort(-closeness, kind="stable"):
            sighting, track = sightings[pair], int(tracks[pair])
            if self.owner[sighting] == NOBODY and track not in taken:
                self.owner[sighting] = track
                taken.add(track)

    def _expected(self, at_s: float, tracks: Indices) -> States:
        elapsed = at_s - self.last_s[tracks]
        forwards = np.sign(elapsed)
        return predict(self.last[tracks], self.velocity[tracks] * forwards[:, None], np.abs(elapsed), FADE_S)

    def _move(self, at_s: float, owned: Indices) -> None:
        tracks = self.owner[owned]
        states = self.states[owned]
        elapsed = at_s - self.last_s[tracks]
        going = np.abs(elapsed) <= self.gap_s
        speed = np.zeros_like(states)
        speed[going] = (states[going] - self.last[tracks[going]]) / elapsed[going, None]
        first = going & ~self.velocity[tracks].any(axis=1)
        trust = np.where(first, 1.0, TRUST)[:, None]
        blended = self.velocity[tracks] * (1 - trust) + speed * trust
        self.velocity[tracks] = np.where(going[:, None], blended, 0.0)
        self.last[tracks] = states
        self.last_s[tracks] = at_s
        fresh = tracks[~self.is_active[tracks]]
        self.is_active[fresh] = True
        self.active = np.concatenate([self.active, fresh])


def near_pairs(
    found: Boxes, high: npt.NDArray[np.bool_], expected: States, elapsed_s: Seconds, nearness: Nearness
) -> tuple[Indices, Indices, npt.NDArray[np.float64]]:
    """Pairs of a sighting and a track that may be the same: index of each, and how close they are.

    Args:
        found: float32, shape (N, 4): sightings in one frame.
        high: bool, shape (N,): whether each may start a track.
        expected: float64, shape (M, 4): where tracks are expected.
        elapsed_s: float64, shape (M,): since each was last seen, from 0.
        nearness: how far they may be apart.
    """
    seen = to_states(found)
    gate = np.minimum(nearness.at_once + nearness.per_second * elapsed_s, nearness.at_most)
    sizes, expected_sizes = _size(seen)[:, None], _size(expected)[None, :]
    apart = np.hypot(seen[:, None, 0] - expected[None, :, 0], seen[:, None, 1] - expected[None, :, 1])
    apart /= (sizes + expected_sizes) / 2
    alike = (sizes < SAME_SIZE * expected_sizes) & (expected_sizes < SAME_SIZE * sizes)
    apart = np.where(high[:, None], apart, apart / WEAK_NEARNESS)
    rows, columns = np.nonzero((apart < gate) & alike)
    closeness = iou(found, to_boxes(expected))[rows, columns] - (apart / gate)[rows, columns]
    return rows, columns, closeness


def _size(states: States) -> npt.NDArray[np.float64]:
    return np.sqrt(np.maximum(states[:, 2] * states[:, 3], 1e-6))

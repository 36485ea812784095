"""Tracks that are one head after all: the end of one and the beginning of the next, and what lies between them.

A track breaks where a head was not found for long, or jumped: it turned, passed behind a pillar, or the camera gives
few frames. Both ends go on for a while, and what stays bare between them would flash into view. Where one leads to the
other in time and place, they are made one, and the gap is filled along the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from passerby.track.association import FADE_S, SAME_SIZE, Indices, Nearness, Sightings
from passerby.track.motion import Seconds, States, end_velocity, predict, to_states

END_WINDOW_S = 0.4
"""The motion at the ends of a track is measured over this time."""
FLASH_S = 1.0
"""Nothing is bare for less than this between two tracks that are one."""
NEARNESS = Nearness(at_once=0.7, per_second=3.0, at_most=3.5)
"""How far one track's beginning may be from where the end of another leads."""
ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """One end of each track: when, float64, shape (N,); where and how fast, float64, shape (N, 4)."""

    seconds: Seconds
    states: States
    velocities: States


def joined(runs: Sequence[Indices], sightings: Sightings, grow_s: float) -> list[Indices]:
    """The same tracks, those made one between which a head would be bare for less than `FLASH_S`.

    Args:
        runs: sightings of each track, as indices in order of time.
        sightings: of one label in one scene.
        grow_s: how long a track goes on at both ends, in seconds.
    """
    if len(runs) < 2:
        return list(runs)
    after: dict[int, int] = {}
    last_of: set[int] = set()
    for _, one, other in sorted(_pairs(runs, sightings, grow_s)):
        if one not in after and other not in last_of:
            after[one] = other
            last_of.add(other)
    return [
        np.concatenate([runs[i] for i in _chain(first, after)]) for first in range(len(runs)) if first not in last_of
    ]


def _chain(first: int, after: dict[int, int]) -> Iterator[int]:
    here: int | None = first
    while here is not None:
        yield here
        here = after.get(here)


def _pairs(runs: Sequence[Indices], sightings: Sightings, grow_s: float) -> Iterator[tuple[float, int, int]]:
    """How far apart, as a share of what may be, and which track leads to which."""
    ends, starts = _ends([run[::-1] for run in runs], sightings), _ends(runs, sightings)
    order = np.argsort(starts.seconds, kind="stable")
    sorted_starts = starts.seconds[order]
    # Beyond its end a track is covered up to a frame; the first bare one after it may be shown for long.
    bare_from, covered_from = _shown(sightings.times, ends.seconds + grow_s, starts.seconds - grow_s)
    for one in range(len(runs)):
        first = np.searchsorted(sorted_starts, ends.seconds[one], side="right")
        end = np.searchsorted(sorted_starts, bare_from[one] + FLASH_S + grow_s + ROUNDING_S, side="right")
        near = order[first:end]
        near = near[covered_from[near] - bare_from[one] < FLASH_S - ROUNDING_S]
        if len(near):
            apart = _apart(ends, one, starts, near)
            yield from ((float(apart[i]), one, int(near[i])) for i in np.flatnonzero(apart < 1))


def _shown(times: Seconds, ends: Seconds, starts: Seconds) -> tuple[Seconds, Seconds]:
    """When the first bare frame after each end is shown, and the first covered one before each start."""
    bare = np.searchsorted(times, ends + ROUNDING_S, side="right")
    covered = np.searchsorted(times, starts - ROUNDING_S)
    return np.append(times, np.inf)[bare], times[covered]


def _ends(runs: Sequence[Indices], sightings: Sightings) -> _Ends:
    """The ends at which the runs begin, which may be in falling order of time."""
    states, seconds = to_states(sightings.boxes), sightings.times[sightings.frame]
    first = np.array([run[0] for run in runs], np.intp)
    velocities = [end_velocity(seconds[run], states[run], END_WINDOW_S) for run in runs]
    return _Ends(seconds[first], states[first], np.array(velocities))


def _apart(ends: _Ends, one: int, starts: _Ends, near: Indices) -> Seconds:
    """How far each start is from where the end leads, or the end from where the start came from: 1 is too far."""
    elapsed = starts.seconds[near] - ends.seconds[one]
    here = np.repeat(ends.states[one : one + 1], len(near), axis=0)
    there = starts.states[near]
    ahead = predict(here, np.repeat(ends.velocities[one : one + 1], len(near), axis=0), elapsed, FADE_S)
    back = predict(there, -starts.velocities[near], elapsed, FADE_S)
    ways = [np.hypot(*(a - b)[:, :2].T) for a, b in ((ahead, there), (back, here), (here, there))]
    sizes, others = (np.sqrt(np.maximum(states[:, 2] * states[:, 3], 1e-6)) for states in (here, there))
    gate = np.minimum(NEARNESS.at_once + NEARNESS.per_second * elapsed, NEARNESS.at_most)
    alike = (sizes < SAME_SIZE * others) & (others < SAME_SIZE * sizes)
    return np.where(alike, np.min(ways, axis=0) / ((sizes + others) / 2) / gate, np.inf)

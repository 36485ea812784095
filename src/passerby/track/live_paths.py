"""Where the tracks of a live camera are at a time, all of them at once: one by one it would take as long as a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from passerby.regions import Boxes
from passerby.track.association import FADE_S
from passerby.track.live_track import LiveTrack
from passerby.track.motion import States, along, predict, to_boxes, union
from passerby.track.smoother import DRIFT_AT_MOST, END_FADE_S, swept, widened

Asked = tuple[LiveTrack, float]
"""A track, and a time in seconds."""


def places_at(asked: Sequence[Asked], drift: float) -> Boxes:
    """Where each track is at its time: float32, shape (N, 4), pixels of the upright frame.

    Between two of its places it is on the way; before its first one, where it may have come from. After its latest one
    it may be where it was last or where its motion led; over time that only grows. `drift` is as in
    `smoother.TrackOptions`.
    """
    boxes = np.zeros((len(asked), 4), np.float32)
    if not asked:
        return boxes
    for which, find in zip(_sides(asked), (_before, _within, _after), strict=True):
        if len(which):
            boxes[which] = find([asked[index] for index in which])
    unseen_s = np.array([track.unseen_for(at_s) for track, at_s in asked])
    return widened(boxes, np.minimum(drift * unseen_s, DRIFT_AT_MOST))


def expected_at(tracks: Sequence[LiveTrack], at_s: float) -> States:
    """Where tracks are looked for at a time after their latest places: float64, shape (N, 4)."""
    ends, velocities, elapsed = _moving(
        [(track, at_s) for track in tracks], LiveTrack.last_knot, LiveTrack.last_velocity
    )
    return predict(ends, velocities, elapsed, FADE_S)


def _sides(asked: Sequence[Asked]) -> tuple[list[int], list[int], list[int]]:
    """Those asked for before their first place, between two, and after the latest one."""
    before: list[int] = []
    within: list[int] = []
    after: list[int] = []
    for index, (track, at_s) in enumerate(asked):
        (before if at_s < track.times[0] else after if at_s > track.times[-1] else within).append(index)
    return before, within, after


def _before(asked: Sequence[Asked]) -> Boxes:
    return swept(*_moving(asked, LiveTrack.first_knot, LiveTrack.first_velocity))


def _within(asked: Sequence[Asked]) -> Boxes:
    knots = np.array([track.knots_around(at_s) for track, at_s in asked])
    times = np.array([at_s for _, at_s in asked])
    return to_boxes(along(times, knots[:, :, 0], knots[:, :, 1:]))


def _after(asked: Sequence[Asked]) -> Boxes:
    ends, velocities, elapsed = _moving(asked, LiveTrack.last_knot, LiveTrack.last_velocity)
    gone = predict(ends, velocities, elapsed, END_FADE_S)
    gone[:, 2:] = np.maximum(gone[:, 2:], ends[:, 2:])
    return union(to_boxes(ends), to_boxes(gone))


def _moving(
    asked: Sequence[Asked],
    knot: Callable[[LiveTrack], list[float]],
    velocity: Callable[[LiveTrack], npt.NDArray[np.float64]],
) -> tuple[States, States, npt.NDArray[np.float64]]:
    """Of one end of each track: its state, its velocity, and the seconds from it to the time, all float64."""
    knots = np.array([knot(track) for track, _ in asked])
    velocities = np.array([velocity(track) for track, _ in asked])
    return knots[:, 1:], velocities, np.array([at_s for _, at_s in asked]) - knots[:, 0]

"""How boxes move: constant velocity between two sightings and for a short time beyond them.

A box is handled here as its centre and size, `cx, cy, w, h`, float64, because a face that moves keeps its size: the
corners of a box are no independent things. Times are seconds, velocities are pixels per second.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from passerby.regions import Boxes

States = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.float64]

LEAST_SIDE = 1.0
"""No box gets thinner than this, in pixels, whatever its motion says."""


def to_states(boxes: Boxes) -> States:
    """Centres and sizes of boxes: float64, shape (N, 4)."""
    corners = boxes.astype(np.float64)
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)


def to_boxes(states: States) -> Boxes:
    """Boxes of centres and sizes: float32, shape (N, 4)."""
    half = states[:, 2:] / 2
    return np.concatenate([states[:, :2] - half, states[:, :2] + half], axis=1).astype(np.float32)


def union(a: Boxes, b: Boxes) -> Boxes:
    """The smallest boxes that hold both, pair by pair: float32, shape (N, 4)."""
    return np.concatenate([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])], axis=1)


def predict(states: States, velocities: States, elapsed_s: Seconds, fade_s: float) -> States:
    """Where they are after `elapsed_s`, shape (N,), when every velocity fades away with the time constant `fade_s`."""
    reach = fade_s * -np.expm1(-elapsed_s / fade_s)
    moved = states + velocities * reach[:, None]
    moved[:, 2:] = np.clip(moved[:, 2:], np.maximum(states[:, 2:] / 2, LEAST_SIDE), states[:, 2:] * 2)
    return moved


def end_velocity(times: Seconds, states: States, window_s: float) -> npt.NDArray[np.float64]:
    """Velocity at the first of these sightings, shape (4,): a least-squares line through those within `window_s`.

    `times` may fall or rise; a single sighting stands still.
    """
    near = np.abs(times - times[0]) <= window_s
    near[:2] = True
    elapsed = times[near] - times[near].mean()
    spread = float(elapsed @ elapsed)
    if spread <= 0:
        return np.zeros(4)
    return np.asarray(elapsed @ (states[near] - states[near].mean(axis=0)) / spread, np.float64)


def between(times: Seconds, seen_at: Seconds, states: States) -> States:
    """Where they were at `times`, all within the sightings at `seen_at`: a smooth curve through every sighting.

    Cubic Hermite with the tangents of Fritsch and Butland (1984): it never overshoots two neighbouring sightings.
    """
    if len(seen_at) == 1:
        return np.repeat(states, len(times), axis=0)
    tangents = _tangents(seen_at, states)
    left = np.clip(np.searchsorted(seen_at, times, side="right") - 1, 0, len(seen_at) - 2)
    right = left + 1
    return _curve(times, seen_at[left], seen_at[right], states[left], states[right], tangents[left], tangents[right])


def along(times: Seconds, seen_at: Seconds, states: States) -> States:
    """The same for many paths, each at one time between the second and the third of four sightings.

    Args:
        times: float64, shape (N,).
        seen_at: float64, shape (N, 4), rising.
        states: float64, shape (N, 4, 4): four sightings of each.
    """
    steps = np.diff(seen_at, axis=1)[:, :, None]
    slopes = np.diff(states, axis=1) / steps
    start = _tangent(slopes[:, 0], slopes[:, 1], steps[:, 0], steps[:, 1])
    end = _tangent(slopes[:, 1], slopes[:, 2], steps[:, 1], steps[:, 2])
    return _curve(times, seen_at[:, 1], seen_at[:, 2], states[:, 1], states[:, 2], start, end)


def _curve(
    times: Seconds, from_s: Seconds, to_s: Seconds, start: States, end: States, leaving: States, arriving: States
) -> States:
    step = (to_s - from_s)[:, None]
    u = (times - from_s)[:, None] / step
    rise = u * u * (3 - 2 * u)
    bend = leaving * (u * (1 - u) ** 2) - arriving * (u * u * (1 - u))
    return np.asarray(start * (1 - rise) + end * rise + step * bend, np.float64)


def _tangents(seen_at: Seconds, states: States) -> States:
    steps = np.diff(seen_at)[:, None]
    slopes = np.diff(states, axis=0) / steps
    inner = _tangent(slopes[:-1], slopes[1:], steps[:-1], steps[1:])
    return np.concatenate([slopes[:1], inner, slopes[-1:]])


def _tangent(before: States, after: States, step_before: Seconds, step_after: Seconds) -> States:
    """The slope at sightings, from the slopes before and after them, and how long those last, shape (N, 1)."""
    weight = (step_before + 2 * step_after) / (3 * (step_before + step_after))
    mixed = weight * after + (1 - weight) * before
    same_way = (before * after > 0) & (mixed != 0)
    return np.divide(before * after, mixed, out=np.zeros_like(mixed), where=same_way)

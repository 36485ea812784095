"""Tracks of a file, where everything that comes later is known already.

A track only adds. It starts from detections, fills the gaps between them, holds its boxes steady, and reaches over both
ends, so that a face is covered before it was first seen and after it was last seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from passerby.regions import LABELS, Boxes, Look, Track, clip
from passerby.track.association import START_THRESHOLD, Indices, Sightings, associate
from passerby.track.joining import joined
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


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """How faces and plates are followed.

    Attributes:
        start_threshold: a detection with at least this score starts a track, and is covered even if it stays alone;
            one below it counts where a track supports it.
        gap_s: the longest time between two sightings that is filled, in seconds.
        grow_s: how long before the first and after the last sighting a track goes on, in seconds.
        steady_s: boxes are held steady over this time before and after, in seconds.
        drift: by how much a box that no detection stands behind grows on each side, in widths and heights per second
            from the nearest sighting.
    """

    start_threshold: float = START_THRESHOLD
    gap_s: float = 2.0
    grow_s: float = 0.5
    steady_s: float = 0.08
    drift: float = 0.4


DRIFT_AT_MOST = 0.25
"""Unseen boxes grow by no more than this on each side, in widths and heights."""
SWEEP = 1.0
"""Beyond its ends a track covers where it may have stayed behind too, up to this many widths and heights."""
END_WINDOW_S = 0.4
"""The motion at the ends of a track is measured over this time."""
END_FADE_S = 0.6
"""Beyond its ends a track slows down with this time constant."""
STEADY_FRAMES = 8
"""The most frames before and after over which boxes are held steady."""
ROUNDING_S = 1e-9


def follow(
    looks: Sequence[Look],
    *,
    time_base: Fraction,
    frame_size: tuple[int, int],
    options: TrackOptions | None = None,
) -> list[Track]:
    """Tracks of all that was found, each within one scene.

    Every detection with at least `start_threshold` lies inside a box of some track at its PTS. Detections with score 0
    are hints where a track may have gone; nothing was seen there.

    Args:
        looks: one for each frame of the clip, PTS strictly rising.
        time_base: seconds per unit of PTS.
        frame_size: width and height of the upright frame, in pixels; boxes are cut at its edges.
        options: thresholds and times.
    """
    chosen = options or TrackOptions()
    tracks: list[Track] = []
    for scene in _scenes(looks):
        pts = np.array([look.pts for look in scene], np.int64)
        times = (pts - pts[0]) * float(time_base)
        for label in range(len(LABELS)):
            sightings = _sightings(scene, times, label)
            if len(sightings.frame):
                tracks += _tracks(sightings, pts, label, frame_size, chosen)
    return tracks


def _scenes(looks: Sequence[Look]) -> Iterator[Sequence[Look]]:
    starts = sorted({0, *(index for index, look in enumerate(looks) if look.cut)})
    for start, end in zip(starts, [*starts[1:], len(looks)], strict=True):
        if start < end:
            yield looks[start:end]


def _sightings(scene: Sequence[Look], times: Seconds, label: int) -> Sightings:
    kept = [(index, look.detections[look.detections.labels == label]) for index, look in enumerate(scene)]
    kept = [(index, found) for index, found in kept if len(found)]
    if not kept:
        return Sightings(np.zeros(0, np.intp), np.zeros((0, 4), np.float32), np.zeros(0, np.float32), times)
    return Sightings(
        np.repeat([index for index, _ in kept], [len(found) for _, found in kept]).astype(np.intp),
        np.concatenate([found.boxes for _, found in kept]).astype(np.float32),
        np.concatenate([found.scores for _, found in kept]).astype(np.float32),
        times,
    )


def _tracks(
    sightings: Sightings, pts: npt.NDArray[np.int64], label: int, frame_size: tuple[int, int], options: TrackOptions
) -> Iterator[Track]:
    runs = associate(sightings, start_threshold=options.start_threshold, gap_s=options.gap_s)
    runs = joined(runs, sightings, options.grow_s)
    for run in runs:
        frames = sightings.frame[run]
        boxes, first = _boxes(sightings.times, frames, sightings.boxes[run], frame_size, options)
        scores = np.zeros(len(boxes), np.float32)
        scores[frames - first] = sightings.scores[run]
        seen = np.zeros(len(boxes), np.bool_)
        seen[frames - first] = sightings.scores[run] > 0
        yield Track(label, pts[first : first + len(boxes)].copy(), boxes, scores, seen)


def _boxes(
    times: Seconds, frames: Indices, found: Boxes, frame_size: tuple[int, int], options: TrackOptions
) -> tuple[Boxes, int]:
    """Boxes of one track at every frame that it covers, and the index of the first of these frames."""
    first = int(np.searchsorted(times, times[frames[0]] - options.grow_s - ROUNDING_S))
    end = int(np.searchsorted(times, times[frames[-1]] + options.grow_s + ROUNDING_S, side="right"))
    seen_at, states = times[frames], to_states(found)
    within = times[frames[0] : frames[-1] + 1]
    boxes = np.concatenate(
        [
            beyond(seen_at, states, times[first : frames[0]]),
            to_boxes(between(within, seen_at, states)),
            beyond(seen_at[::-1], states[::-1], times[frames[-1] + 1 : end]),
        ]
    )
    spread = np.minimum(options.drift * _unseen_for(times[first:end], seen_at), DRIFT_AT_MOST)
    boxes = _steady(_within_reach(widened(boxes, spread), frame_size), times[first:end], options.steady_s)
    boxes[frames - first] = union(boxes[frames - first], found)
    return clip(boxes, *frame_size), first


def beyond(seen_at: Seconds, states: States, times: Seconds) -> Boxes:
    """Boxes before or after a track, where `states[0]` is its end: where it went, and where it may have stayed."""
    velocity = end_velocity(seen_at, states, END_WINDOW_S)
    ends = np.repeat(states[:1], len(times), axis=0)
    return swept(ends, np.repeat(velocity[None], len(times), axis=0), times - seen_at[0])


def swept(ends: States, velocities: States, elapsed: Seconds) -> Boxes:
    """The same for many ends, each with its velocity and the seconds from it, shape (N,), less than 0 before it."""
    gone = predict(ends, velocities * np.sign(elapsed)[:, None], np.abs(elapsed), END_FADE_S)
    gone[:, 2:] = np.maximum(gone[:, 2:], ends[:, 2:])
    reach = SWEEP * ends[:, 2:]
    behind = gone.copy()
    behind[:, :2] -= np.clip(gone[:, :2] - ends[:, :2], -reach, reach)
    return union(to_boxes(gone), to_boxes(behind))


def _unseen_for(times: Seconds, seen_at: Seconds) -> Seconds:
    """Seconds from each time to the nearest sighting."""
    after = np.clip(np.searchsorted(seen_at, times), 0, len(seen_at) - 1)
    before = np.maximum(after - 1, 0)
    return np.minimum(np.abs(times - seen_at[before]), np.abs(times - seen_at[after]))


def widened(boxes: Boxes, spread: Seconds) -> Boxes:
    """Boxes grown on each side by this share of their width and height, shape (N,)."""
    pad = (boxes[:, 2:] - boxes[:, :2]) * spread[:, None].astype(np.float32)
    return np.concatenate([boxes[:, :2] - pad, boxes[:, 2:] + pad], axis=1)


def _within_reach(boxes: Boxes, frame_size: tuple[int, int]) -> Boxes:
    """Boxes moved back so far that their middle is in the frame: who left it may still stand at its edge."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    shift = np.clip(middle, 0, np.array(frame_size, np.float32)) - middle
    return (boxes + np.tile(shift, 2)).astype(np.float32)


def _steady(boxes: Boxes, times: Seconds, steady_s: float) -> Boxes:
    """Boxes that neither jitter nor let go: along the path, the furthest that each side reaches within a short time."""
    if len(times) < 2:
        return boxes
    reach = min(round(steady_s / float(np.median(np.diff(times)))), STEADY_FRAMES, len(times))
    if reach < 1:
        return boxes
    middle = np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2, np.float32)
    path = np.tile(_windows(middle, reach).mean(-1), 2)
    beside = (boxes - path).astype(np.float32)
    outermost = np.concatenate([_windows(beside[:, :2], reach).min(-1), _windows(beside[:, 2:], reach).max(-1)], axis=1)
    return np.asarray(path + _windows(outermost, reach).mean(-1), np.float32)


def _windows(values: npt.NDArray[np.float32], reach: int) -> npt.NDArray[np.float32]:
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=0)

"""Tracks of a live camera, where what comes later is known only as far as the delay reaches.

Looks go in, in order of time; what is covered at any time that still waits comes out. A look changes the past, too:
what is found late is covered on the way from one sighting to the next, and for a while before the first. What is lost
stays covered where it was last seen until looks at that place find nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.regions import Boxes, Detections, clip, no_boxes, share_within
from passerby.track.association import START_THRESHOLD, Indices, Nearness, near_pairs
from passerby.track.live_paths import expected_at, places_at
from passerby.track.live_track import LiveTrack
from passerby.track.motion import to_states, union


@dataclass(frozen=True, slots=True)
class LiveTrackOptions:
    """How heads, faces and plates of a live camera are followed; what is not here is as in `smoother.TrackOptions`.

    Attributes:
        start_threshold: a detection with at least this score starts a track; one below it counts where a track
            supports it.
        gap_s: whoever is found again after so long, in seconds, is somebody else.
        reach_s: how long before its first sighting a track is covered, in seconds.
        hold_s: so long after its last sighting a track is covered in any case, in seconds.
        empty_looks: so many looks in a row have to find its place empty before a track ends.
        steady_s: boxes are held steady over this time before and after, in seconds.
        drift: by how much a box that no detection stands behind grows on each side, in widths and heights per second.
        keep_s: what happened so long ago is asked for no more, in seconds.
    """

    start_threshold: float = START_THRESHOLD
    gap_s: float = 2.0
    reach_s: float = 0.5
    hold_s: float = 0.5
    empty_looks: int = 2
    steady_s: float = 0.08
    drift: float = 0.4
    keep_s: float = 4.0


_IN_FULL = 0.98
"""A place was looked at if this share of it, as far as it is in the picture, lies in what was looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Unclaimed:
    """Weak detections of one frame that no track supports so far."""

    at_s: float
    found: Detections


class LiveTracker:
    """Follows what is found in the pictures of one camera. Not to be shared between threads."""

    def __init__(self, frame_size: tuple[int, int], options: LiveTrackOptions | None = None) -> None:
        """`frame_size` is the width and height of the upright frame, in pixels."""
        self._size = frame_size
        self._options = options or LiveTrackOptions()
        self._tracks: list[LiveTrack] = []
        self._unclaimed: deque[_Unclaimed] = deque()
        self._scene_s = -np.inf

    def take(self, at_s: float, found: Detections, looked_at: Boxes, *, cut: bool = False) -> None:
        """What is known of the next frame.

        Args:
            at_s: its time in seconds, later than that of the one before.
            found: all of it; what has score 0 is a hint, where a track may have gone.
            looked_at: what of the frame was looked at, float32, shape (N, 4), boxes that do not overlap; none where
                everything was carried from other frames.
            cut: a new scene begins with it.
        """
        if cut:
            self._begin_scene(at_s)
        for label in {*found.labels.tolist(), *(track.label for track in self._going(at_s))}:
            self._take_label(at_s, label, found[found.labels == label], looked_at)
        self._forget(at_s)

    def covered(self, at_s: float) -> tuple[Boxes, npt.NDArray[np.uint8]]:
        """What is to be covered at a time: boxes, cut at the edges of the frame, and the label of each."""
        reach_s = self._options.reach_s
        tracks = [track for track in self._tracks if track.covered_from_s(reach_s) <= at_s < track.ends_s]
        if not tracks:
            return no_boxes(), np.zeros(0, np.uint8)
        boxes = clip(self._steady(tracks, at_s), *self._size)
        labels = np.array([track.label for track in tracks], np.uint8)
        shown = _in_picture(boxes)
        return boxes[shown], labels[shown]

    def doubtful(self, at_s: float) -> Boxes:
        """Places of what is neither found nor carried any more; a look could find them empty: float32, shape (N, 4)."""
        lost = [track for track in self._going(at_s) if track.last_s < at_s]
        if not lost:
            return no_boxes()
        places = self._places(lost, at_s)
        return places[_in_picture(places)]

    def _begin_scene(self, at_s: float) -> None:
        for track in self._going(at_s):
            track.ends_s = at_s
        self._unclaimed.clear()
        self._scene_s = at_s

    def _going(self, at_s: float) -> list[LiveTrack]:
        return [track for track in self._tracks if track.ends_s > at_s]

    def _take_label(self, at_s: float, label: int, found: Detections, looked_at: Boxes) -> None:
        going = [track for track in self._going(at_s) if track.label == label]
        free = self._give(at_s, found, going)
        self._miss([track for track in going if track.last_s < at_s], at_s, looked_at)
        self._start(at_s, label, found[free])

    def _give(self, at_s: float, found: Detections, going: list[LiveTrack]) -> Indices:
        """Give detections to tracks, closest first; returns those that are left."""
        near = [track for track in going if at_s - track.last_s <= self._options.gap_s]
        left = np.ones(len(found), np.bool_)
        if near and len(found):
            expected = expected_at(near, at_s)
            elapsed = np.array([at_s - track.last_s for track in near])
            high = found.scores >= self._options.start_threshold
            rows, columns, closeness = near_pairs(found.boxes, high, expected, elapsed, Nearness())
            rank = closeness + 4.0 * high[rows] + 2.0 * (found.scores[rows] > 0)
            taken: set[int] = set()
            for pair in np.argsort(-rank, kind="stable"):
                one, other = int(rows[pair]), int(columns[pair])
                if left[one] and other not in taken:
                    near[other].add(at_s, found.boxes[one].tolist(), seen=bool(found.scores[one] > 0))
                    left[one] = False
                    taken.add(other)
        return np.flatnonzero(left)

    def _miss(self, missed: list[LiveTrack], at_s: float, looked_at: Boxes) -> None:
        """Tracks that were not found: each ends where looks at all of its place found nothing, not sooner."""
        places = self._places(missed, at_s)
        gone = ~_in_picture(places) | (share_within(places, looked_at) >= _IN_FULL)
        for track, is_empty in zip(missed, gone.tolist(), strict=True):
            track.empty += is_empty
            if track.empty >= self._options.empty_looks and at_s - track.last_seen_s >= self._options.hold_s:
                track.ends_s = at_s

    def _places(self, tracks: list[LiveTrack], at_s: float) -> Boxes:
        """Where lost tracks may be, cut at the edges of the picture; empty for those that left it."""
        return clip(places_at([(track, at_s) for track in tracks], self._options.drift), *self._size)

    def _steady(self, tracks: list[LiveTrack], at_s: float) -> Boxes:
        """What is covered for each track: as far as it reaches shortly before and after, and where it was found."""
        reach_s, steady_s = self._options.reach_s, self._options.steady_s
        times = (at_s - steady_s, at_s, at_s + steady_s)
        asked = [(track, max(time, track.covered_from_s(reach_s))) for track in tracks for time in times]
        boxes = places_at(asked, self._options.drift).reshape(len(tracks), len(times), 4)
        boxes = np.concatenate([boxes[:, :, :2].min(axis=1), boxes[:, :, 2:].max(axis=1)], axis=1)
        known = [track.box_at(at_s) for track in tracks]
        found = [index for index, box in enumerate(known) if box is not None]
        boxes[found] = union(boxes[found], np.array([known[index] for index in found], np.float32).reshape(-1, 4))
        return boxes

    def _start(self, at_s: float, label: int, found: Detections) -> None:
        strong = found.scores >= self._options.start_threshold
        for box in found.boxes[strong].tolist():
            track = LiveTrack(label, self._scene_s)
            track.add(at_s, box, seen=True)
            self._look_back(track)
            self._tracks.append(track)
        weak = found[~strong & (found.scores > 0)]
        if len(weak):
            self._unclaimed.append(_Unclaimed(at_s, weak))

    def _look_back(self, track: LiveTrack) -> None:
        """Weak detections before the first strong one, of the same head: they are sightings after all."""
        for index in range(len(self._unclaimed) - 1, -1, -1):
            unclaimed = self._unclaimed[index]
            elapsed = track.times[0] - unclaimed.at_s
            if elapsed <= 0 or elapsed > self._options.gap_s:
                continue
            same = np.flatnonzero(unclaimed.found.labels == track.label)
            first = to_states(np.array(track.boxes[:1], np.float32))
            boxes, low = unclaimed.found.boxes[same], np.zeros(len(same), np.bool_)
            rows, _, closeness = near_pairs(boxes, low, first, np.array([elapsed]), Nearness())
            if len(rows):
                best = int(same[rows[int(closeness.argmax())]])
                track.add_before(unclaimed.at_s, unclaimed.found.boxes[best].tolist())
                rest = np.arange(len(unclaimed.found)) != best
                self._unclaimed[index] = _Unclaimed(unclaimed.at_s, unclaimed.found[rest])

    def _forget(self, at_s: float) -> None:
        long_ago = at_s - self._options.keep_s
        self._tracks = [track for track in self._tracks if track.ends_s > long_ago]
        for track in self._tracks:
            track.forget_before(long_ago)
        while self._unclaimed and self._unclaimed[0].at_s < long_ago:
            self._unclaimed.popleft()


def _in_picture(boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Which boxes, cut at its edges, have anything left."""
    return np.asarray((boxes[:, 2:] > boxes[:, :2]).all(axis=1), np.bool_)

"""Tracks and looks in few words, for the report: who was followed, and which moments are worth a person's look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from passerby.check.report import MOMENTS_AT_MOST, Box, Corner, Gaps, LookCounts, Moment, TrackSummary, Why
from passerby.check.second_look import MOSTLY, Standing, covered_share
from passerby.regions import LABELS, Boxes, Look, Track, no_boxes

FAINT = 0.4
"""A track whose best detection scores less than this rests on weak grounds."""
DOUBTFUL = 0.15
"""A detection that no track supports is worth a look from this score on; below, nearly all are false."""
LONG_GAP_S = 1.0
"""A gap longer than this is worth a look."""
SAME_S, SAME_IOU = 1.0, 0.1
"""Two moments within this time whose boxes overlap by more than this are one."""
_CANDIDATES = 5000


class Moments(NamedTuple):
    """Moments worth a look in order of time, at most `MOMENTS_AT_MOST`, and how many there were."""

    listed: tuple[Moment, ...]
    found: int


def summarise_tracks(tracks: Iterable[Track], time_base: Fraction) -> tuple[TrackSummary, ...]:
    """Every track with a box, in the order in which they appear; `time_base` is seconds per unit of PTS."""
    summaries = [_summary(track, time_base) for track in tracks if len(track.pts)]
    return tuple(sorted(summaries, key=lambda summary: (summary.first.pts, summary.label, summary.first.box)))


def _summary(track: Track, time_base: Fraction) -> TrackSummary:
    scores = track.scores[track.seen]
    first, middle, last = (_corner(track, index, time_base) for index in (0, len(track.pts) // 2, -1))
    return TrackSummary(
        label=LABELS[track.label],
        first=first,
        middle=middle,
        last=last,
        seen=int(track.seen.sum()),
        filled=int((~track.seen).sum()),
        mean_score=_score(scores.mean()) if len(scores) else 0.0,
        best_score=_score(scores.max()) if len(scores) else 0.0,
    )


def _corner(track: Track, index: int, time_base: Fraction) -> Corner:
    pts = int(track.pts[index])
    return Corner(pts=pts, time_s=_seconds(pts, time_base), box=_box(track.boxes[index]))


def count_looks(looks: Iterable[Look]) -> LookCounts:
    """How many looks there were of each kind."""
    counts = Counter(look.how for look in looks)
    return LookCounts(whole=counts["whole"], part=counts["part"], carried=counts["carried"], unseen=counts["unseen"])


def gaps_filled(tracks: Iterable[Track], time_base: Fraction) -> Gaps:
    """The stretches between two sightings of a track."""
    gaps = [gap for track in tracks for gap in _gaps(track)]
    longest = max((after - before for before, after, _ in gaps), default=0)
    return Gaps(count=len(gaps), frames=sum(frames for *_, frames in gaps), longest_s=_seconds(longest, time_base))


def _gaps(track: Track) -> Iterator[tuple[int, int, int]]:
    """PTS of the sightings before and after each gap, and the frames between them."""
    seen = np.flatnonzero(track.seen)
    for at in np.flatnonzero(np.diff(seen) > 1):
        before, after = seen[at], seen[at + 1]
        yield int(track.pts[before]), int(track.pts[after]), int(after - before - 1)


def low_confidence(tracks: Sequence[Track], looks: Iterable[Look], time_base: Fraction) -> Moments:
    """Moments worth a person's look.

    Args:
        tracks: everything that was followed and is painted.
        looks: one for each frame.
        time_base: seconds per unit of PTS.
    """
    moments = [*_faint(tracks, time_base), *_long_gaps(tracks, time_base)]
    moments += _unsupported(tracks, looks, time_base)
    return _chosen(moments)


def moments_standing(standing: Iterable[Standing]) -> tuple[Moment, ...]:
    """What the second look found, as moments."""
    return tuple(
        Moment(
            time_s=round(s.time_s, 6),
            pts=s.pts,
            box=_box(np.array(s.box)),
            score=_score(s.score),
            why="through" if s.through else "second-look",
        )
        for s in standing
    )


def _faint(tracks: Iterable[Track], time_base: Fraction) -> Iterator[Moment]:
    for track in tracks:
        if len(track.pts) and float(track.scores.max()) < FAINT:
            best = int(np.argmax(track.scores))
            yield _moment(int(track.pts[best]), time_base, track.boxes[best], float(track.scores[best]), "faint")


def _long_gaps(tracks: Iterable[Track], time_base: Fraction) -> Iterator[Moment]:
    for track in tracks:
        for before, after, frames in _gaps(track):
            if (after - before) * time_base > LONG_GAP_S:
                middle = int(np.searchsorted(track.pts, before)) + 1 + frames // 2
                yield _moment(int(track.pts[middle]), time_base, track.boxes[middle], None, "gap")


def _unsupported(tracks: Sequence[Track], looks: Iterable[Look], time_base: Fraction) -> Iterator[Moment]:
    """Detections that no track covers, and the beginnings of stretches that nobody looked at."""
    painted = _BoxesByPts(tracks)
    unseen = False
    for look in looks:
        if look.how == "unseen" and not unseen:
            yield _moment(look.pts, time_base, None, None, "unseen")
        unseen = look.how == "unseen"
        for box, score in zip(look.detections.boxes, look.detections.scores, strict=True):
            if not unseen and score >= DOUBTFUL and covered_share(box, painted.at(look.pts)) <= MOSTLY:
                yield _moment(look.pts, time_base, box, float(score), "uncovered")


class _BoxesByPts:
    """The boxes of all tracks in order of time; a slice of them is cut out when it is asked for."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        pts = np.concatenate([np.zeros(0, np.int64), *(track.pts for track in tracks)])
        order = np.argsort(pts, kind="stable")
        self._pts = pts[order]
        self._boxes = np.concatenate([no_boxes(), *(track.boxes for track in tracks)])[order]

    def at(self, pts: int) -> Boxes:
        start, end = np.searchsorted(self._pts, [pts, pts + 1])
        return self._boxes[start:end]


def _chosen(moments: Sequence[Moment]) -> Moments:
    """The most telling ones: what nobody looked at, then what is not covered, best scores first; each only once."""
    rank: dict[Why, int] = {"through": 0, "unseen": 0, "second-look": 1, "uncovered": 1, "faint": 2, "gap": 3}
    ordered = sorted(moments, key=lambda moment: (rank[moment.why], -(moment.score or 0.0), moment.pts))
    kept: list[Moment] = []
    for moment in ordered[:_CANDIDATES]:
        if len(kept) < MOMENTS_AT_MOST and not any(_same(moment, other) for other in kept):
            kept.append(moment)
    return Moments(tuple(sorted(kept, key=lambda moment: moment.pts)), len(moments))


def _same(a: Moment, b: Moment) -> bool:
    if a.why != b.why or abs(a.time_s - b.time_s) > SAME_S or a.box is None or b.box is None:
        return False
    # For two boxes plain arithmetic is twenty times as fast as arrays.
    shared = _area((max(a.box[0], b.box[0]), max(a.box[1], b.box[1]), min(a.box[2], b.box[2]), min(a.box[3], b.box[3])))
    return shared > SAME_IOU * (_area(a.box) + _area(b.box) - shared)


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _moment(
    pts: int, time_base: Fraction, box: npt.NDArray[np.float32] | None, score: float | None, why: Why
) -> Moment:
    return Moment(
        time_s=_seconds(pts, time_base),
        pts=pts,
        box=None if box is None else _box(box),
        score=None if score is None else _score(score),
        why=why,
    )


def _seconds(pts: int, time_base: Fraction) -> float:
    return round(float(pts * time_base), 6)


def _score(score: float | np.floating) -> float:
    return round(min(max(float(score), 0.0), 1.0), 4)


def _box(box: npt.NDArray[np.floating]) -> Box:
    x1, y1, x2, y2 = (round(float(edge), 2) for edge in box)
    return x1, y1, x2, y2

"""Tracks of a live camera: what is found is covered, and what is lost stays covered until a look says otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.regions import LABELS, Boxes, Detections, clip, no_boxes
from passerby.track.tracker import LiveTracker, LiveTrackOptions

SIZE = (640, 360)
OPTIONS = LiveTrackOptions()
WHOLE = np.array([[0, 0, *SIZE]], np.float32)
STEP_S = 0.0625
HEAD = LABELS.index("head")


def found(*boxes: tuple[float, float, float, float], score: float = 0.9, label: int = HEAD) -> Detections:
    """Heads as x, y of the top left corner, width and height."""
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    return Detections(corners, np.full(len(boxes), score, np.float32), np.full(len(boxes), label, np.uint8))


def lies_in(box: Boxes, boxes: Boxes) -> bool:
    return bool(((boxes[:, :2] <= box[:2] + 1e-3) & (boxes[:, 2:] >= box[2:] - 1e-3)).all(axis=1).any())


def box_of(x: float, y: float, w: float, h: float) -> Boxes:
    return np.array([x, y, x + w, y + h], np.float32)


@st.composite
def frames(draw: st.DrawFn) -> list[tuple[float, Detections, Boxes, bool]]:
    """Frames in order: time, what was found, what was looked at, whether a scene begins."""
    at_s, drawn = 0.0, []
    for _ in range(draw(st.integers(1, 20))):
        at_s += STEP_S * draw(st.integers(1, 12))
        n = draw(st.integers(0, 4))
        numbers = st.floats(0, 1, width=32)
        places = np.array([[draw(numbers) for _ in range(4)] for _ in range(n)], np.float32).reshape(n, 4)
        corners = places[:, :2] * np.array(SIZE, np.float32) * 0.95
        boxes = clip(np.concatenate([corners, corners + 4 + places[:, 2:] * 100], axis=1), *SIZE)
        scores = np.array([draw(st.sampled_from([0, 0.1, 0.25, 0.3, 0.9])) for _ in range(n)], np.float32)
        labels = np.array([draw(st.integers(0, 2)) for _ in range(n)], np.uint8)
        looked_at = draw(st.sampled_from([WHOLE, no_boxes(), np.array([[0, 0, 320, 360]], np.float32)]))
        drawn.append((at_s, Detections(boxes, scores, labels), looked_at, draw(st.integers(0, 9)) == 0))
    return drawn


@settings(max_examples=60, deadline=None)
@given(frames())
def test_every_sighting_is_covered_at_its_time_whatever_comes_later(
    given_frames: list[tuple[float, Detections, Boxes, bool]],
) -> None:
    tracker = LiveTracker(SIZE, LiveTrackOptions(keep_s=1000))
    for at_s, detections, looked_at, cut in given_frames:
        tracker.take(at_s, detections, looked_at, cut=cut)
    for at_s, detections, _, _ in given_frames:
        boxes, labels = tracker.covered(at_s)
        for box, score, label in zip(detections.boxes, detections.scores, detections.labels, strict=True):
            if score >= OPTIONS.start_threshold:
                assert lies_in(box, boxes[labels == label])


@settings(max_examples=60, deadline=None)
@given(frames(), st.lists(st.integers(1, 10), min_size=2, max_size=8))
def test_what_is_covered_only_grows_while_nobody_looks(
    given_frames: list[tuple[float, Detections, Boxes, bool]], steps: list[int]
) -> None:
    tracker = LiveTracker(SIZE)
    for at_s, detections, looked_at, cut in given_frames:
        tracker.take(at_s, detections, looked_at, cut=cut)
    at_s = given_frames[-1][0] + OPTIONS.steady_s
    before, labels_before = tracker.covered(at_s)
    for step in steps:
        at_s += step * STEP_S
        tracker.take(at_s, Detections(), no_boxes())
        boxes, labels = tracker.covered(at_s)
        for box, label in zip(before, labels_before, strict=True):
            assert lies_in(box, boxes[labels == label])
        before, labels_before = boxes, labels


@settings(max_examples=60, deadline=None)
@given(frames())
def test_nothing_that_is_covered_lies_outside_of_the_picture_or_is_empty(
    given_frames: list[tuple[float, Detections, Boxes, bool]],
) -> None:
    tracker = LiveTracker(SIZE)
    for at_s, detections, looked_at, cut in given_frames:
        tracker.take(at_s, detections, looked_at, cut=cut)
        boxes, labels = tracker.covered(at_s)
        assert len(boxes) == len(labels)
        assert (boxes >= 0).all()
        assert (boxes[:, 2:] <= SIZE).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_a_head_found_late_is_covered_before_it_was_found() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(1.0, Detections(), WHOLE)
    tracker.take(2.0, found((100, 100, 30, 40)), WHOLE)
    assert lies_in(box_of(100, 100, 30, 40), tracker.covered(2.0 - OPTIONS.reach_s)[0])
    assert not len(tracker.covered(1.9 - OPTIONS.reach_s)[0])


def test_a_head_that_walks_is_covered_where_it_came_from() -> None:
    tracker = LiveTracker(SIZE)
    for step in range(4):
        tracker.take(1.0 + 0.1 * step, found((100 + 10 * step, 100, 30, 40)), WHOLE)
    assert lies_in(box_of(80, 100, 30, 40), tracker.covered(0.8)[0])


def test_a_gap_between_two_sightings_is_filled_along_the_way() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    tracker.take(0.5, Detections(), no_boxes())
    tracker.take(1.0, found((140, 100, 30, 40)), WHOLE)
    assert lies_in(box_of(120, 100, 30, 40), tracker.covered(0.5)[0])


def test_weak_sightings_before_the_first_strong_one_count() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40), score=0.15), WHOLE)
    tracker.take(1.5, found((110, 100, 30, 40)), WHOLE)
    assert lies_in(box_of(100, 100, 30, 40), tracker.covered(0.0)[0])


def test_weak_sightings_alone_count_for_nothing() -> None:
    tracker = LiveTracker(SIZE)
    for step in range(10):
        tracker.take(step * 0.1, found((100, 100, 30, 40), score=0.2), WHOLE)
    assert not len(tracker.covered(0.5)[0])


@pytest.mark.parametrize(
    "looked_at",
    [no_boxes(), np.array([[0, 0, 110, 360]], np.float32), np.array([[300, 0, 640, 360]], np.float32)],
    ids=["nowhere", "at half of it", "elsewhere"],
)
def test_what_was_lost_stays_covered_while_nobody_looks_at_all_of_its_place(looked_at: Boxes) -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    for step in range(1, 200):
        tracker.take(step * 0.25, Detections(), looked_at)
    assert lies_in(box_of(100, 100, 30, 40), tracker.covered(50.0)[0])
    assert lies_in(box_of(100, 100, 30, 40), tracker.doubtful(50.0))


def test_what_was_lost_is_bare_again_after_looks_that_found_its_place_empty() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    tracker.take(0.25, Detections(), WHOLE)
    assert len(tracker.covered(0.25)[0])
    tracker.take(0.5, Detections(), WHOLE)
    assert len(tracker.covered(0.4)[0])
    assert not len(tracker.covered(0.5)[0])
    assert not len(tracker.doubtful(0.5))


def test_a_sighting_between_empty_looks_starts_the_count_anew() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    tracker.take(0.5, Detections(), WHOLE)
    tracker.take(1.0, found((100, 100, 30, 40)), WHOLE)
    tracker.take(1.5, Detections(), WHOLE)
    assert len(tracker.covered(1.5)[0])


def test_a_hint_keeps_a_head_covered_through_looks_that_miss_it() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    for step in range(1, 10):
        tracker.take(step * 1.0, found((101, 100, 30, 40), score=0.0), WHOLE)
    assert lies_in(box_of(101, 100, 30, 40), tracker.covered(9.0)[0])
    assert not len(tracker.doubtful(9.0))


def test_no_track_reaches_over_a_cut() -> None:
    tracker = LiveTracker(SIZE)
    tracker.take(0.0, found((100, 100, 30, 40)), WHOLE)
    tracker.take(1.0, found((400, 100, 30, 40)), WHOLE, cut=True)
    assert lies_in(box_of(100, 100, 30, 40), tracker.covered(0.9)[0])
    assert not lies_in(box_of(400, 100, 30, 40), tracker.covered(0.9)[0])
    assert not lies_in(box_of(100, 100, 30, 40), tracker.covered(1.0)[0])


def test_a_day_of_tracks_takes_no_more_memory_than_a_minute() -> None:
    tracker = LiveTracker(SIZE)
    for step in range(3000):
        x = (step * 7) % 600
        tracker.take(step * 0.1, found((x, 100, 30, 40), (300, 200, 30, 40)), WHOLE)
    # What is kept is what the last seconds need.
    boxes, _ = tracker.covered(299.9)
    assert lies_in(box_of(300, 200, 30, 40), boxes)
    assert sum(len(track.times) for track in tracker._tracks) < 200

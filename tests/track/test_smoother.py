"""Tracks of a file: what they must hold, how far they reach, where they end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.regions import Boxes, Detections, Look, Track, clip
from passerby.track.smoother import TrackOptions, follow

SIZE = (640, 360)
MILLISECONDS = Fraction(1, 1000)
OPTIONS = TrackOptions()
UNSEEN: Literal["unseen"] = "unseen"
WHOLE: Literal["whole"] = "whole"


def detections(*faces: tuple[float, float, float, float], score: float = 0.9) -> Detections:
    """Faces as x, y of the top left corner, width and height."""
    corners = np.array(faces, np.float32).reshape(-1, 4)
    corners[:, 2:] += corners[:, :2]
    return Detections(corners, np.full(len(faces), score, np.float32), np.zeros(len(faces), np.uint8))


def clip_of(count: int, faces: dict[int, Detections], *, step: int = 40, cuts: Sequence[int] = ()) -> list[Look]:
    return [Look(i * step, faces.get(i, Detections()), cut=i in cuts) for i in range(count)]


def tracks_of(looks: Sequence[Look], options: TrackOptions = OPTIONS) -> list[Track]:
    return follow(looks, time_base=MILLISECONDS, frame_size=SIZE, options=options)


def box_at(tracks: Sequence[Track], pts: int) -> Boxes:
    return np.concatenate([np.zeros((0, 4), np.float32), *(t.boxes[t.pts == pts] for t in tracks)])


def is_covered(box: npt.NDArray[np.float32], by: Boxes) -> bool:
    return bool(((by[:, :2] <= box[:2]) & (by[:, 2:] >= box[2:])).all(axis=1).any())


@st.composite
def clips(draw: st.DrawFn) -> list[Look]:
    steps = draw(st.lists(st.integers(1, 700), min_size=1, max_size=25))
    looks = []
    for pts in np.cumsum(steps).tolist():
        n = draw(st.integers(0, 4))
        numbers = st.floats(0, 1, width=32)
        places = np.array([[draw(numbers) for _ in range(4)] for _ in range(n)], np.float32).reshape(n, 4)
        corners = places[:, :2] * np.array(SIZE, np.float32)
        found = np.concatenate([corners, corners + 2 + places[:, 2:] * 100], axis=1)
        scores = np.array([draw(st.sampled_from([0, 0.1, 0.2, 0.25, 0.6, 1])) for _ in range(n)], np.float32)
        labels = np.array([draw(st.integers(0, 1)) for _ in range(n)], np.uint8)
        how = UNSEEN if draw(st.booleans()) else WHOLE
        looks.append(Look(pts, Detections(clip(found, *SIZE), scores, labels), how, cut=draw(st.booleans())))
    return looks


@settings(max_examples=60, deadline=None)
@given(clips())
def test_every_detection_that_may_start_a_track_lies_in_one(looks: list[Look]) -> None:
    tracks = tracks_of(looks)
    for look in looks:
        for box, score, label in zip(
            look.detections.boxes, look.detections.scores, look.detections.labels, strict=True
        ):
            if score >= OPTIONS.start_threshold:
                assert is_covered(box, box_at([t for t in tracks if t.label == label], look.pts))


@settings(max_examples=60, deadline=None)
@given(clips())
def test_a_track_rises_in_time_and_stays_in_its_scene_and_its_frame(looks: list[Look]) -> None:
    pts = [look.pts for look in looks]
    scene = dict(zip(pts, np.cumsum([look.cut for look in looks]).tolist(), strict=True))
    for track in tracks_of(looks):
        first = pts.index(int(track.pts[0]))
        assert track.pts.tolist() == pts[first : first + len(track.pts)]
        assert len({scene[int(p)] for p in track.pts}) == 1
        assert (track.boxes >= 0).all()
        assert (track.boxes <= np.tile(SIZE, 2)).all()
        assert (track.boxes[:, 2:] >= track.boxes[:, :2]).all()
        assert (track.scores[~track.seen] == 0).all()
        assert (track.scores >= OPTIONS.start_threshold).any()


@settings(max_examples=60, deadline=None)
@given(clips())
def test_a_track_goes_on_before_it_was_first_seen_and_after_it_was_last_seen(looks: list[Look]) -> None:
    reach = OPTIONS.grow_s * 1000
    starts = [0, *(i for i, look in enumerate(looks) if look.cut and i), len(looks)]
    scenes = [[look.pts for look in looks[a:b]] for a, b in itertools.pairwise(starts)]
    for track in tracks_of(looks):
        scene = next(pts for pts in scenes if int(track.pts[0]) in pts)
        seen = track.pts[track.seen]
        due = [p for p in scene if seen[0] - reach <= p <= seen[-1] + reach]
        assert set(due) <= set(track.pts.tolist())


def test_a_lone_detection_is_covered_half_a_second_before_and_after() -> None:
    (track,) = tracks_of(clip_of(60, {30: detections((300, 100, 40, 50))}))
    assert track.pts.tolist() == [i * 40 for i in range(18, 43)]
    assert all(is_covered(np.array([300, 100, 340, 150], np.float32), box[None]) for box in track.boxes)
    assert track.seen.sum() == 1


def test_a_gap_is_filled_along_the_way() -> None:
    faces = {i: detections((100 + 4 * i, 100, 40, 50)) for i in range(60) if not 20 <= i < 50}
    (track,) = tracks_of(clip_of(60, faces))
    for i in range(20, 50):
        assert is_covered(np.array([100 + 4 * i, 100, 140 + 4 * i, 150], np.float32), box_at([track], i * 40))


def test_a_gap_over_the_limit_stays_open() -> None:
    faces = {0: detections((100, 100, 40, 50)), 99: detections((100, 100, 40, 50))}
    assert len(tracks_of(clip_of(100, faces))) == 2


def test_a_moving_face_is_covered_before_it_was_first_seen() -> None:
    faces = {i: detections((100 + 6 * i, 100, 40, 50)) for i in range(20, 40)}
    (track,) = tracks_of(clip_of(60, faces))
    for i in range(14, 46):
        assert is_covered(np.array([103 + 6 * i, 103, 137 + 6 * i, 147], np.float32), box_at([track], i * 40))


def test_a_cut_ends_a_track() -> None:
    face = detections((100, 100, 40, 50))
    before, after = tracks_of(clip_of(40, dict.fromkeys(range(10, 30), face), cuts=[20]))
    assert (before.pts[-1], after.pts[0]) == (19 * 40, 20 * 40)


def test_weak_detections_count_where_a_track_supports_them_later_too() -> None:
    faces = {i: detections((100, 100, 40, 50), score=0.12) for i in range(30)} | {30: detections((100, 100, 40, 50))}
    (track,) = tracks_of(clip_of(60, faces))
    assert track.pts[0] == 0
    assert track.seen.sum() == 31


def test_a_weak_detection_that_no_track_supports_is_left_out() -> None:
    assert tracks_of(clip_of(20, {10: detections((100, 100, 40, 50), score=0.2)})) == []


def test_hints_lead_a_track_but_are_not_seen() -> None:
    faces = {
        0: detections((100, 100, 40, 50)),
        1: detections((120, 100, 40, 50), score=0),
        2: detections((140, 100, 40, 50)),
    }
    (track,) = tracks_of(clip_of(3, faces))
    assert track.seen.tolist() == [True, False, True]
    assert is_covered(np.array([120, 100, 160, 150], np.float32), box_at([track], 40))


def test_two_faces_that_cross_stay_covered() -> None:
    faces = {i: detections((100 + 8 * i, 100, 40, 50), (400 - 8 * i, 120, 40, 50)) for i in range(0, 40, 5)}
    tracks = tracks_of(clip_of(40, faces))
    for i in range(36):
        for x, y in ((100 + 8 * i, 100), (400 - 8 * i, 120)):
            assert is_covered(np.array([x + 4, y + 4, x + 36, y + 46], np.float32), box_at(tracks, i * 40))


def test_jitter_is_calmed_without_letting_go() -> None:
    rng = np.random.default_rng(0)
    faces = {i: detections((100 + rng.normal(0, 2), 100 + rng.normal(0, 2), 40, 50)) for i in range(100)}
    (track,) = tracks_of(clip_of(100, faces))
    found = np.concatenate([faces[i].boxes for i in range(100)])
    assert np.abs(np.diff(track.boxes, axis=0)).mean() < np.abs(np.diff(found, axis=0)).mean() / 2


def test_time_is_taken_from_the_pts() -> None:
    pts = [0, 100, 110, 300, 320, 1000, 1010, 1500]
    looks = [Look(p, detections((100 + p / 10, 100, 40, 50)) if p in (100, 1000) else Detections()) for p in pts]
    (track,) = tracks_of(looks)
    assert track.pts.tolist() == pts
    assert is_covered(np.array([130, 100, 170, 150], np.float32), box_at([track], 300))


def test_frames_that_nobody_saw_are_bridged() -> None:
    face = detections((100, 100, 40, 50))
    looks = [Look(i * 40, Detections() if 5 <= i < 9 else face, UNSEEN if 5 <= i < 9 else WHOLE) for i in range(20)]
    (track,) = tracks_of(looks)
    assert len(track.pts) == 20


def test_no_looks_give_no_tracks() -> None:
    assert tracks_of([]) == []


@pytest.mark.parametrize("count", [3000])
def test_a_long_crowd_takes_seconds(count: int) -> None:
    rng = np.random.default_rng(1)
    places, speeds = rng.uniform(50, 300, (10, 2)), rng.normal(0, 1, (10, 2))
    looks = []
    for i in range(count):
        places = places + speeds
        speeds[(places < 0) | (places > 300)] *= -1
        looks.append(Look(i * 33, detections(*((x, y, 20, 25) for x, y in places))))
    started = time.process_time()
    tracks = tracks_of(looks)
    assert time.process_time() - started < 15
    assert sum(len(t.pts) for t in tracks) >= 10 * count

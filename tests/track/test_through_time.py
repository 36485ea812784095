"""A head that was covered does not flash into view: it turns, stands, is found once in a while, and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.detect.standing import Standing
from passerby.regions import LABELS, Detections, Look, Track
from passerby.track.smoother import follow

HEAD = LABELS.index("head")
MILLISECONDS = Fraction(1, 1000)
SIZE = (640, 360)
SHRINK = np.array([2, 2], np.float32)


def head(x: float = 200, y: float = 100, score: float = 0.6) -> Detections:
    return Detections(
        np.array([[x, y, x + 24, y + 30]], np.float32), np.array([score], np.float32), np.array([HEAD], np.uint8)
    )


def tracks_of(looks: Sequence[Look]) -> list[Track]:
    return follow(looks, time_base=MILLISECONDS, frame_size=SIZE)


def is_covered(tracks: Sequence[Track], pts: int, x: float = 200, y: float = 100) -> bool:
    """Whether the head at this place lies in the box of a track."""
    boxes = [box for track in tracks for box in track.boxes[track.pts == pts]]
    return any(b[0] <= x + 2 and b[1] <= y + 2 and b[2] >= x + 22 and b[3] >= y + 28 for b in boxes)


def test_a_head_that_turns_away_for_a_second_and_a_half_is_covered_throughout() -> None:
    turned = range(20, 58)  # of frames 40 ms apart
    looks = [Look(i * 40, Detections() if i in turned else head(200 + i)) for i in range(90)]
    tracks = tracks_of(looks)
    assert all(is_covered(tracks, i * 40, 200 + i) for i in range(90))


@settings(max_examples=80, deadline=None)
@given(
    steps=st.lists(st.integers(10, 700), min_size=2, max_size=60),
    scores=st.lists(st.sampled_from([None, None, None, 0.0, 0.12, 0.3, 0.8]), min_size=60, max_size=60),
)
def test_a_still_head_never_flashes_into_view(steps: list[int], scores: list[float | None]) -> None:
    pts = np.cumsum(steps).tolist()
    looks = [Look(p, Detections() if s is None else head(score=s)) for p, s in zip(pts, scores, strict=False)]
    tracks = tracks_of(looks)
    runs = [(c, list(g)) for c, g in groupby(range(len(pts)), key=lambda i: is_covered(tracks, pts[i]))]
    for (before, first), (covered, bare), (again, last) in zip(runs, runs[1:], runs[2:], strict=False):
        if before and not covered and again and pts[bare[0]] - pts[first[0]] >= 1000:
            assert pts[last[0]] - pts[bare[0]] >= 1000


def test_two_tracks_of_a_head_that_jumped_are_one_where_it_would_flash() -> None:
    looks = [Look(i * 333, head(200 if i < 6 else 255) if i < 6 or i > 9 else Detections()) for i in range(16)]
    (track,) = tracks_of(looks)
    assert track.pts.tolist() == [look.pts for look in looks]


def test_a_head_that_moved_on_leaves_no_cover_for_ever() -> None:
    tracks = tracks_of([Look(i * 100, head() if i < 20 else Detections()) for i in range(60)])
    assert is_covered(tracks, 2000)
    assert not any(is_covered(tracks, i * 100) for i in range(25, 60))


def test_no_track_is_joined_across_a_cut() -> None:
    looks = [Look(i * 100, head() if i % 7 == 0 else Detections(), cut=i == 10) for i in range(20)]
    assert {bool(track.pts[0] >= 1000) for track in tracks_of(looks)} == {False, True}
    assert all((track.pts < 1000).all() or (track.pts >= 1000).all() for track in tracks_of(looks))


@pytest.fixture
def street() -> np.ndarray:
    """A sketch with a head at 100, 50 (200, 100 in the frame): uint8, shape (180, 320)."""
    random = np.random.default_rng(0)
    sketch = random.integers(90, 150, (180, 320)).astype(np.uint8)
    sketch[50:65, 100:112] = random.integers(0, 60, (15, 12))
    return sketch


def test_a_head_that_stands_still_stays_known_without_being_found_again(street: np.ndarray) -> None:
    standing = Standing()
    standing.joined(head(), street, SHRINK)
    for seed in range(50):
        noise = np.random.default_rng(seed).integers(-2, 3, street.shape)
        known = standing.joined(Detections(), np.clip(street + noise, 0, 255).astype(np.uint8), SHRINK)
        assert known.boxes.tolist() == head().boxes.tolist()
        assert known.scores.tolist() == [0]


def test_a_head_that_sways_is_followed(street: np.ndarray) -> None:
    standing = Standing()
    standing.joined(head(), street, SHRINK)
    known = standing.joined(Detections(), np.roll(street, 2, axis=1), SHRINK)
    assert known.boxes.tolist() == head(204).boxes.tolist()


def test_a_head_that_left_is_forgotten(street: np.ndarray) -> None:
    empty = street.copy()
    empty[50:65, 100:112] = 120
    standing = Standing()
    standing.joined(head(), street, SHRINK)
    assert len(standing.joined(Detections(), empty, SHRINK)) == 0
    assert len(standing.joined(Detections(), street, SHRINK)) == 0


def test_a_weak_detection_is_not_held(street: np.ndarray) -> None:
    standing = Standing()
    standing.joined(head(score=0.15), street, SHRINK)
    assert len(standing.joined(Detections(), street, SHRINK)) == 0


def test_a_new_scene_forgets_who_stood(street: np.ndarray) -> None:
    standing = Standing()
    standing.joined(head(), street, SHRINK)
    standing.forget()
    assert len(standing.joined(Detections(), street, SHRINK)) == 0


def test_a_head_found_once_in_a_while_on_a_fixed_camera_is_covered_throughout(street: np.ndarray) -> None:
    standing = Standing()
    found = [standing.joined(head() if i % 60 == 0 else Detections(), street, SHRINK) for i in range(180)]
    tracks = tracks_of([Look(i * 100, here) for i, here in enumerate(found)])
    assert all(is_covered(tracks, i * 100) for i in range(180))

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.read.camera_clock import LiveClock

BASE = Fraction(1, 90000)
STEP = 3600


def steady(clock: LiveClock, count: int, *, first: int = 0, from_s: float = 0.0) -> list[tuple[int, bool]]:
    return [clock.of_frame(first + index * STEP, from_s + index * 0.04) for index in range(count)]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(1 << 40), 1 << 40), st.floats(0, 100)),
        min_size=1,
        max_size=60,
    )
)
def test_pts_strictly_rise_whatever_the_camera_says(frames: list[tuple[int | None, float]]) -> None:
    clock, at_s, given_out = LiveClock(BASE, 10), 0.0, []
    for pts, waited_s in frames:
        at_s += waited_s
        given_out.append(clock.of_frame(pts, at_s)[0])
    assert all(before < after for before, after in pairwise(given_out))


def test_what_a_camera_says_is_kept_while_it_can_be_true() -> None:
    assert steady(LiveClock(BASE, 10), 500, first=77) == [(77 + index * STEP, False) for index in range(500)]


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -0.04, -0.08, 5.0])
def test_after_a_jump_times_go_on_from_the_time_of_arrival(jump_s: float) -> None:
    clock = LiveClock(BASE, 10)
    steady(clock, 10)
    jumped = round(jump_s * 90000)
    (first, repaired), *later = steady(clock, 10, first=10 * STEP + jumped, from_s=0.4)
    assert repaired
    assert abs(first - 10 * STEP) <= 1
    assert later == [(first + index * STEP, False) for index in range(1, 10)]
    assert clock.jumps == 1


def test_equal_times_become_times_of_arrival() -> None:
    clock = LiveClock(BASE, 10)
    got = [clock.of_frame(5, 0.04 * index)[0] for index in range(50)]
    assert [value - 5 for value in got] == pytest.approx([STEP * index for index in range(50)], abs=2)


def test_missing_times_become_times_of_arrival_without_drifting_away() -> None:
    clock = LiveClock(BASE, 10)
    got = [clock.of_frame(None, index / 30.3)[0] for index in range(3000)]
    assert got[-1] == pytest.approx(2999 / 30.3 * 90000, abs=2)


def test_what_a_network_held_up_and_then_gave_at_once_keeps_its_times() -> None:
    clock = LiveClock(BASE, 10)
    steady(clock, 10)
    held_up = [clock.of_frame((10 + index) * STEP, 8.0 + index * 0.001) for index in range(200)]
    assert held_up == [((10 + index) * STEP, False) for index in range(200)]


def test_what_a_camera_had_kept_and_gives_at_once_keeps_its_times() -> None:
    clock = LiveClock(BASE, 10)
    assert not any(repaired for _, repaired in (clock.of_frame(index * STEP, index * 0.001) for index in range(250)))


def test_a_clock_that_is_a_little_fast_is_believed_for_ever() -> None:
    clock = LiveClock(BASE, 10)
    assert not any(clock.of_frame(round(index * 90000 * 1.0005), index * 1.0)[1] for index in range(100_000))


def test_a_clock_that_runs_at_another_rate_is_not_believed_for_long() -> None:
    clock = LiveClock(BASE, 10)
    got = [clock.of_frame(index * 2 * STEP, index * 0.04)[0] for index in range(20_000)]
    played_s = (got[-1] - got[-10_000]) * float(BASE)
    assert played_s == pytest.approx(9_999 * 0.04, rel=0.01)


def test_one_frame_a_minute_keeps_its_times() -> None:
    clock = LiveClock(BASE, 150)
    assert not any(clock.of_frame(index * 60 * 90000, index * 60.0 + index % 3)[1] for index in range(100))

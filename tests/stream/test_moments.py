"""When pictures of two streams were taken: as the camera tells where that can be true, by arrival else."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from passerby.pipeline.stream_moments import Moment, Moments

RATE = 10


def run(*, way_s: float, pts_s: float = 0.0, clock_s: float | None = None, lasts_s: float = 3.0) -> list[Moment]:
    """The moments of a stream that begins at 100 s, told by a clock that is so far from it, or not told."""
    moments, found = Moments(), []
    for index in range(round(lasts_s * RATE)):
        at_s = 100 + index / RATE
        # Of three pictures two are held up on their way.
        arrived_s = at_s + way_s + 0.08 * (index % 3)
        found.append(moments.of(arriving(pts_s + at_s, arrived_s, None if clock_s is None else at_s + clock_s)))
    return found


def arriving(pts_s: float, arrived_s: float, taken_s: float | None = None) -> Any:
    """What is asked of a picture."""
    return SimpleNamespace(pts=round(pts_s * 1000), time_base=0.001, arrived_s=arrived_s, taken_s=taken_s)


def test_what_was_taken_at_once_is_known_to_be_by_what_the_camera_tells() -> None:
    look, main = run(way_s=0.01, clock_s=5000), run(way_s=0.2, pts_s=77, clock_s=5000)
    least_s, most_s = look[20].later_than(main[20])
    assert least_s <= 0 <= most_s
    assert most_s - least_s == pytest.approx(0.19, abs=0.01)


def test_by_arrival_alone_jitter_does_not_count_and_what_is_left_is_bounded() -> None:
    look, main = run(way_s=0.05), run(way_s=0.05, pts_s=77)
    least_s, most_s = look[22].later_than(main[20])
    assert (least_s, most_s) == pytest.approx((0.2 - 0.15, 0.2 + 0.15), abs=0.01)


def test_a_clock_that_is_hours_off_is_not_believed() -> None:
    look, main = run(way_s=0.05, clock_s=0), run(way_s=0.05, clock_s=7200)
    assert look[20].later_than(main[20]) == pytest.approx((-0.15, 0.15), abs=0.01)


def test_of_a_clock_that_is_seconds_off_nobody_knows_whether_it_or_the_way_is_wrong() -> None:
    look, main = run(way_s=0.05, clock_s=0), run(way_s=0.05, clock_s=3)
    assert look[20].later_than(main[20]) == (-math.inf, math.inf)


def test_what_is_held_up_for_a_minute_was_taken_when_it_would_have_come() -> None:
    moments = Moments()
    for at_s in range(60):
        moments.of(arriving(at_s, at_s + (0.05 if at_s < 5 else 2)))
    assert moments.way_s == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("clock_s", [None, 5000])
def test_nothing_is_known_of_a_stream_that_has_just_begun(clock_s: float | None) -> None:
    look, main = run(way_s=0.05, clock_s=clock_s, lasts_s=1.2), run(way_s=0.05, clock_s=clock_s)
    assert look[5].later_than(main[5]) == (-math.inf, math.inf)

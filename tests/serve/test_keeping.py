"""When a camera's process is started anew, and how long that is waited for."""

from __future__ import annotations

import errno
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.live import CameraState
from passerby.serve.backoff import Backoff
from passerby.serve.defects import defect_in_words
from passerby.serve.job import CameraJob
from passerby.serve.keeper import Keeper, Surroundings, Turns
from passerby.serve.known import Known
from passerby.serve.watchdog import Watchdog, WatchRules

from .waiting import wait_for

RULES = WatchRules(watchdog_s=30, memory_bytes=1_000_000_000, restart_s=86_400, segment_s=30)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 60), st.floats(0, 1))
def test_waits_double_up_to_half_a_minute(failures: int, drawn: float) -> None:
    backoff = Backoff(draw=lambda: drawn)
    waits = [backoff.next() for _ in range(failures)]
    assert waits == sorted(waits)
    assert 0.5 <= waits[0] <= 1
    assert waits[-1] <= 30
    assert failures < 6 or waits[-1] >= 15


def test_after_a_good_while_waits_are_short_again() -> None:
    backoff = Backoff(draw=lambda: 0.0)
    assert [backoff.next() for _ in range(3)] == [1, 2, 4]
    backoff.reset()
    assert backoff.next() == 1


def test_who_would_lock_us_out_is_asked_seldom() -> None:
    assert Backoff(draw=lambda: 0.0).longest() == 30


def test_a_process_that_stores_nothing_is_ended_whatever_else_it_does() -> None:
    clock = Clock()
    watchdog = Watchdog(RULES, clock=clock)
    watchdog.started()
    clock.now += 29
    assert watchdog.judge(0).action == "leave"
    watchdog.fed()
    clock.now += 29
    assert watchdog.judge(0).action == "leave"
    clock.now += 2
    verdict = watchdog.judge(0)
    assert (verdict.action, verdict.why) == ("kill", "nothing that plays was stored for 30 s")


def test_a_process_that_waits_for_its_camera_is_given_that_time() -> None:
    clock = Clock()
    watchdog = Watchdog(RULES, clock=clock)
    watchdog.started()
    watchdog.fed(for_s=20)
    clock.now += 45
    assert watchdog.judge(0).action == "leave"
    clock.now += 6
    assert watchdog.judge(0).action == "kill"


def test_a_process_that_starts_slowly_is_given_two_minutes_and_no_more() -> None:
    clock = Clock()
    watchdog = Watchdog(RULES, clock=clock)
    clock.now += 119
    assert watchdog.judge(0).action == "leave"
    clock.now += 2
    assert watchdog.judge(0).action == "kill"


def test_much_memory_ends_it_at_a_segment_and_far_too_much_at_once() -> None:
    watchdog = Watchdog(RULES, clock=Clock())
    assert watchdog.judge(999_000_000).action == "leave"
    assert watchdog.judge(1_100_000_000).action == "recycle"
    assert watchdog.recycling
    assert watchdog.judge(1_100_000_000).action == "leave"
    assert watchdog.judge(1_600_000_000).action == "kill"


def test_a_day_ends_at_a_segment_or_else_where_it_is() -> None:
    clock = Clock()
    watchdog = Watchdog(RULES, clock=clock, draw=lambda: 0.0)
    clock.now += 86_399
    watchdog.fed()
    assert watchdog.judge(0).action == "leave"
    clock.now += 2
    assert watchdog.judge(0).action == "recycle"
    clock.now += 61
    watchdog.fed()
    assert watchdog.judge(0).action == "stop"


@given(st.floats(0, 1))
def test_cameras_do_not_all_start_anew_at_the_same_minute(drawn: float) -> None:
    clock = Clock()
    watchdog = Watchdog(RULES, clock=clock, draw=lambda: drawn)
    clock.now += 86_400 * (1 - 0.2 * drawn) + 1
    watchdog.fed()
    assert watchdog.judge(0).action == "recycle"


def test_a_log_says_once_what_is_wrong_and_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    known = Known("square")
    for _ in range(3):
        known.tell(CameraState.STARTING, "")
        known.tell(CameraState.LOST, "camera square broke off")
    for _ in range(3):
        known.tell(CameraState.LIVE, "")
        known.tell(CameraState.DEGRADED, "the machine does not keep up")
    assert caplog.messages == [
        "camera square: lost: camera square broke off",
        "camera square: live again",
        "camera square: degraded: the machine does not keep up",
    ]


def test_a_defect_is_told_by_its_place_and_not_in_its_own_words() -> None:
    try:
        raise ValueError("rtsp://ann:hunter2@192.0.2.7/live")
    except ValueError as defect:
        told = defect_in_words(defect)
    assert told.startswith("passerby has a defect (ValueError in test_keeping.py, line ")
    assert "hunter2" not in told


def test_why_no_process_could_be_started_is_told() -> None:
    def make_job() -> CameraJob:
        raise PermissionError(errno.EACCES, "Permission denied", "/srv/passerby/venv/bin/python")

    keeper = Keeper("square", make_job, Surroundings(86_400, lambda _: None, Turns(1)))
    keeper.start()
    said = wait_for(lambda: keeper.known.status.why)
    keeper.ask_to_stop()
    keeper.wait()
    assert said == "no process could be started: permission denied; it starts anew"

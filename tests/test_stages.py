"""Stages that run ahead: in order, bounded, and stopped by the first failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.stages import run_ahead


class Broke(Exception):
    pass


def counting(upto: int, *, breaks_at: int | None = None) -> Iterator[int]:
    for i in range(upto):
        if i == breaks_at:
            raise Broke(i)
        yield i


def threads_named(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


@given(upto=st.integers(0, 40), depth=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_everything_comes_through_in_order(upto: int, depth: int) -> None:
    with run_ahead(counting(upto), depth=depth, name="p1") as items:
        assert list(items) == list(range(upto))
    assert threads_named("p1") == 0


@pytest.mark.parametrize("breaks_at", [0, 5, 9])
def test_a_producer_that_fails_raises_its_error_in_place_of_the_item(breaks_at: int) -> None:
    got: list[int] = []
    with pytest.raises(Broke), run_ahead(counting(10, breaks_at=breaks_at), depth=2, name="p2") as items:
        got.extend(iter(items))  # raises after what came before the failure
    assert threads_named("p2") == 0


@pytest.mark.parametrize("breaks_at", [0, 5, 9])
def test_a_consumer_that_fails_stops_a_producer_whose_queue_is_full(breaks_at: int) -> None:
    with pytest.raises(Broke), run_ahead(counting(1_000_000), depth=1, name="p3") as items:
        for item in items:
            if item == breaks_at:
                raise Broke(item)
    assert threads_named("p3") == 0


def test_an_interruption_while_the_producer_is_being_started_waits_for_it_all_the_same() -> None:
    closed = threading.Event()
    begun = threading.Event()

    def reading() -> Iterator[int]:
        try:
            begun.set()
            time.sleep(0.2)
            yield 0
        finally:
            closed.set()

    class Interrupted(threading.Thread):
        def start(self) -> None:
            super().start()
            begun.wait()
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("passerby.stages.threading.Thread", Interrupted)
        with pytest.raises(KeyboardInterrupt), run_ahead(reading(), depth=1, name="interrupted"):
            pass
    assert closed.is_set()
    assert threads_named("interrupted") == 0


def test_a_producer_never_runs_further_ahead_than_its_depth() -> None:
    made: list[int] = []

    def note() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    with run_ahead(note(), depth=3, name="p4") as items:
        next(items)
        time.sleep(0.3)
        # One consumed, three in the queue, one in the producer's hand.
        assert len(made) <= 5


def test_a_generator_left_early_is_closed_in_its_own_thread() -> None:
    closed_in: list[str] = []

    def open_file() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed_in.append(threading.current_thread().name)

    with run_ahead(open_file(), depth=1, name="p5") as items:
        next(items)
    assert closed_in == ["p5"]


def test_the_first_of_two_chained_failures_is_the_one_raised() -> None:
    with (
        pytest.raises(Broke, match="3"),
        run_ahead(counting(9, breaks_at=3), depth=2, name="p6") as first,
        run_ahead((i * i for i in first), depth=2, name="p7") as second,
    ):
        list(second)
    assert threads_named("p6") == threads_named("p7") == 0

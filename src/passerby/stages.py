"""Stages that run at the same time: bounded, and the first failure stops all of them.

A stage is an iterator. `run_ahead` moves one into a thread of its own, a few items ahead of whoever consumes it.
Decoding, looking and encoding overlap by nothing more than that, because the libraries below release the GIL.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.1
"""How long a producer that waits for room goes without noticing that its consumer has left."""


class _End:
    """The last thing in a queue: how the producer ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def run_ahead(items: Iterable[T], *, depth: int, name: str) -> Generator[Iterator[T], None, None]:
    """Consume `items` in a thread of its own, at most `depth` items ahead.

    Leaving the block, by the end or by an exception, stops the producer, closes it if it is a generator, and waits for
    its thread: nothing runs on. An exception of the producer is raised in the consumer, in place of the item that
    failed. `name` is the thread's.
    """
    handed: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    left = threading.Event()
    ended = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, handed, left, ended), name=name, daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:
            ended.set()  # the system has no more threads: this one never ran
            raise
        with closing(_consume(handed)) as consumer:
            yield consumer
    finally:
        left.set()
        _outlast(ended)
        if thread.is_alive():
            thread.join()


def _outlast(ended: threading.Event) -> None:
    """Wait for the producer, whatever interrupts: what it reads from must not be closed under it.

    An interruption can come while its thread is being started. It cannot be joined then, and runs all the same.
    """
    interruption: KeyboardInterrupt | None = None
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt as again:
            interruption = again
    if interruption is not None:
        raise interruption


def _produce(items: Iterable[T], handed: queue.Queue[T | _End], left: threading.Event, ended: threading.Event) -> None:
    try:
        _hand_over_all(items, handed, left)
    finally:
        ended.set()


def _hand_over_all(items: Iterable[T], handed: queue.Queue[T | _End], left: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _hand_over(item, handed, left):
                break
    except BaseException as failure:
        error = failure
    finally:
        if isinstance(items, Generator):
            items.close()
    _hand_over(_End(error), handed, left)


def _hand_over(item: T | _End, handed: queue.Queue[T | _End], left: threading.Event) -> bool:
    while not left.is_set():
        try:
            handed.put(item, timeout=_POLL_S)
        except queue.Full:
            continue
        return True
    return False


def _consume(handed: queue.Queue[T | _End]) -> Generator[T, None, None]:
    while True:
        item = handed.get()
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return
        yield item

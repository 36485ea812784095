"""Threads of a live camera: each ends with the block that it was started for, and keeps what it failed with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

_ENDING_S = 5.0
"""How long a thread may take to end: a detector that hangs is left behind."""


class Beside:
    """A thread that runs beside the one that writes.

    Attributes:
        failure: what it ended with, if not well.
    """

    def __init__(self, name: str, run: Callable[[], None], at_end: Callable[[], None]) -> None:
        self.failure: BaseException | None = None
        self._run, self._at_end = run, at_end
        self.thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as failure:
            self.failure = failure
        finally:
            self._at_end()


@contextmanager
def running(name: str, run: Callable[[], None], at_end: Callable[[], None]) -> Generator[Beside]:
    """Run it in a thread while the block runs; `at_end` is called when it ends, however it does."""
    beside = Beside(name, run, at_end)
    beside.thread.start()
    try:
        yield beside
    finally:
        beside.thread.join(_ENDING_S)

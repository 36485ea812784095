"""How often cameras may be searched for, whoever asks, by page or by program."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from passerby.errors import SearchPaused

MOST = 20
WITHIN_S = 60.0
_BUSY_S = 5


class SearchTurns:
    """One search at a time, and so many in a minute: nobody tries out hosts or passwords through this server."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._began_s: deque[float] = deque(maxlen=MOST)

    @contextmanager
    def take(self) -> Generator[None]:
        """Hold the turn while the block runs.

        Raises:
            SearchPaused: others hold it, or there were too many.
        """
        if not self._turn.acquire(blocking=False):
            raise _paused("others are searching for cameras; nobody was asked", _BUSY_S)
        try:
            self._count(time.monotonic())
            yield
        finally:
            self._turn.release()

    def _count(self, now_s: float) -> None:
        if len(self._began_s) == MOST and (left_s := self._began_s[0] + WITHIN_S - now_s) > 0:
            raise _paused(f"cameras were asked {MOST} times within a minute; nobody was asked", int(left_s) + 1)
        self._began_s.append(now_s)


def _paused(message: str, retry_after_s: int) -> SearchPaused:
    error = SearchPaused(message, hint=f"try again in {retry_after_s} s")
    error.retry_after_s = retry_after_s
    return error

"""When a camera's process has to start anew: nothing stored, too much memory, or simply its day is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class WatchRules:
    """What a process is held to.

    Attributes:
        watchdog_s: at most so long without anything playable stored.
        memory_bytes: above it, anew at a segment's end; above 1.5 times of it, at once.
        restart_s: anew after so long, at a segment's end.
        segment_s: how long a segment's end may take to come; twice of it, and it is asked to stop where it is.
    """

    watchdog_s: float
    memory_bytes: int
    restart_s: float
    segment_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a process, and why, as the end of a sentence."""

    action: Literal["leave", "recycle", "stop", "kill"]
    why: str = ""


_LEAVE = Verdict("leave")
_HARD = 1.5

_START_S = 120.0
"""How long a process may take to say its first word. On a machine with too much to do, to end those that start would
only give it more of that."""


class Watchdog:
    """Watches what a process gets done, not whether it runs."""

    def __init__(
        self,
        rules: WatchRules,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._rules, self._clock = rules, clock
        self._due_at = clock() + max(rules.watchdog_s, _START_S)
        # Not all cameras of a town at the same minute of the day.
        self._recycle_at = clock() + rules.restart_s * (1 - 0.2 * draw())
        self._recycling_since: float | None = None

    def started(self) -> None:
        """The process runs: from now on it has to get something done."""
        self._due_at = self._clock() + self._rules.watchdog_s

    def fed(self, for_s: float = 0.0) -> None:
        """Something playable was stored, or there is a reason why nothing is for so many seconds."""
        self._due_at = max(self._due_at, self._clock() + for_s + self._rules.watchdog_s)

    @property
    def recycling(self) -> bool:
        """It was told to end at a segment's end."""
        return self._recycling_since is not None

    def judge(self, memory_bytes: int) -> Verdict:
        """What to do now. "recycle" and "stop" are said once, "kill" until it is done."""
        now = self._clock()
        if now > self._due_at:
            return Verdict("kill", f"nothing that plays was stored for {self._rules.watchdog_s:.0f} s")
        if memory_bytes > _HARD * self._rules.memory_bytes:
            return Verdict("kill", f"it held {_mb(memory_bytes)} of memory")
        if self._recycling_since is not None:
            if now - self._recycling_since > 2 * self._rules.segment_s:
                self._recycling_since = float("inf")
                return Verdict("stop", "no segment came to its end")
            return _LEAVE
        if memory_bytes > self._rules.memory_bytes:
            self._recycling_since = now
            return Verdict("recycle", f"it held {_mb(memory_bytes)} of memory")
        if now > self._recycle_at:
            self._recycling_since = now
            return Verdict("recycle", "it is time for its planned restart")
        return _LEAVE


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"

"""How long to wait before the next try: longer each time, and never at the same moment as others."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Waits that double up to a cap, each shortened at random by up to a half.

    Args:
        first_s: the first wait, before it is shortened.
        most_s: the cap.
        draw: a number from 0 to 1.
    """

    def __init__(self, first_s: float = 1.0, most_s: float = 30.0, draw: Callable[[], float] = random.random) -> None:
        self._first_s, self._most_s, self._draw = first_s, most_s, draw
        self._failures = 0

    def next(self) -> float:
        """The wait after another failure, in seconds."""
        wait_s = min(self._most_s, self._first_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return wait_s * (1 - 0.5 * self._draw())

    def longest(self) -> float:
        """The wait after a failure that trying again soon would make worse: a camera that locks out who guesses."""
        self._failures = max(self._failures, 30)
        return self.next()

    def reset(self) -> None:
        """It went well for a while: begin with short waits again."""
        self._failures = 0

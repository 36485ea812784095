"""What the system or a person asks of the whole program: to end, or to read its settings again."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

Order = Literal["end", "reread"]


class Signals:
    """Those that came and were not dealt with yet.

    Attributes:
        ended: the program is to end.
    """

    def __init__(self) -> None:
        self.ended = False
        # The one queue that a handler may put into while the same thread waits at it.
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._had_terminal = os.isatty(0)

    def wait(self, timeout_s: float) -> Order | None:
        """The next one, or None when none comes in time."""
        try:
            return self._orders.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def heard(self, kind: int) -> None:
        """A handler of signals."""
        ends = kind != signal.SIGHUP or self._terminal_was_closed()
        self.ended |= ends
        self._orders.put("end" if ends else "reread")

    def _terminal_was_closed(self) -> bool:
        """Then SIGHUP means what it meant first: who started this is gone."""
        return self._had_terminal and not os.isatty(0)


@contextmanager
def heard_signals() -> Generator[Signals]:
    """SIGTERM, SIGINT and SIGHUP are heard while the block runs."""
    signals = Signals()
    kinds = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {kind: signal.signal(kind, lambda kind, _: signals.heard(kind)) for kind in kinds}
    try:
        yield signals
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)

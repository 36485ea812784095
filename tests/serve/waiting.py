"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 90.0
"""Far more than anything takes on a machine that is busy with other things."""


def wait_for(what: Callable[[], T | None], *, patience_s: float = PATIENCE_S) -> T:
    """What it gives as soon as that is true."""
    deadline_s = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline_s, "that never came"
        time.sleep(0.05)
    return found

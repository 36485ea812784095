"""What a run says of itself while it runs: progress, timings, and log lines that do not flood."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["look", "write", "check"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one file has come.

    Attributes:
        name: the file's label.
        stage: what is being done.
        frame: frames done in this stage.
        frames: frames expected in this stage, or None when the container does not say.
    """

    name: str
    stage: Stage
    frame: int
    frames: int | None


OnProgress = Callable[[Progress], None]


def unheard(_: Progress) -> None:
    """Take progress and tell nobody."""


@dataclass(slots=True)
class Timings:
    """Seconds of wall time spent in each stage of one file."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Generator[None, None, None]:
        """Add the time that the block takes to `stage`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


def printable(text: str) -> str:
    """The text with a replacement character for all that a terminal would obey or that is no text at all: file names
    may hold anything."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def log_to_stderr() -> None:
    """Send passerby's log lines, details for developers included, to standard error."""
    logger = logging.getLogger("passerby")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)

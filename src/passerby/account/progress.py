"""How far one file has come: frames are counted, and every few of them a word is said."""

from __future__ import annotations

from passerby.telemetry import OnProgress, Progress, Stage

_EVERY = 5
"""Frames between two words of progress."""


class FileProgress:
    """The progress of one file.

    Attributes:
        expected: frames that the present stage will have, or None when nobody knows.
    """

    def __init__(self, name: str, on_progress: OnProgress) -> None:
        self.expected: int | None = None
        self._name, self._on_progress = name, on_progress
        self._done: dict[Stage, int] = {}

    def advance(self, stage: Stage, frames: int) -> None:
        """So many frames more have come through this stage."""
        before = self._done.get(stage, 0)
        self._done[stage] = before + frames
        if before // _EVERY != (before + frames) // _EVERY:
            self._on_progress(Progress(self._name, stage, before + frames, self.expected))

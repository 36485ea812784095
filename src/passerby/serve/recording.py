"""What becomes of a camera's redacted video: segments into the archive, everything live to the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from passerby.archive import Archive
from passerby.errors import ArchiveError
from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.serve.outbox import Outbox

_MOST_UNLISTED = 100
"""Segments that may wait for the catalogue; they are safe on disk, and found by whoever starts next."""

_COUNTS = ("frames", "dropped", "covered_whole", "looks", "bytes_in", "bytes_written", "copied_gops", "encoded_gops")


class Recording:
    """The outlet of `redact_stream` in a camera's process; it stays from one connection to the next.

    Args:
        outbox: to the supervisor.
        segment_ended: called after each segment.
    """

    def __init__(self, outbox: Outbox, segment_ended: Callable[[], None]) -> None:
        self._outbox, self._segment_ended = outbox, segment_ended
        self._archive: Archive | None = None
        self._unlisted: list[tuple[SegmentInfo, Path]] = []
        self._state = (CameraState.STARTING, "")
        self._before = CameraFigures()
        self._now = CameraFigures()

    @contextmanager
    def into(self, archive: Archive) -> Generator[None]:
        """List segments there while the block runs."""
        self._archive = archive
        try:
            self._list_waiting()
            yield
        finally:
            self._archive = None

    def part(self, part: LivePart) -> None:
        """For who watches now."""
        self._outbox.part(part)

    def segment(self, info: SegmentInfo, path: Path) -> None:
        """A finished one: listed, then told.

        A catalogue that does not answer stops no recording: the segment waits for it, up to a hundred of them.

        Raises:
            ArchiveError: too many wait.
        """
        self._unlisted.append((info, path))
        try:
            self._list_waiting()
        except ArchiveError as error:
            if len(self._unlisted) > _MOST_UNLISTED:
                raise
            self._outbox.state(CameraState.DEGRADED, error.message)
        self._outbox.segment(info)
        self._segment_ended()

    def figures(self, figures: CameraFigures) -> None:
        """Of this connection; what is told counts from the start of the process."""
        self._now = figures
        before = self._before
        counts = {name: getattr(before, name) + getattr(figures, name) for name in _COUNTS}
        self._outbox.figures(replace(figures, reconnects=before.reconnects, **counts))

    def state(self, state: CameraState, why: str) -> None:
        """How the camera is now."""
        self._state = (state, why)
        self._outbox.state(state, why)

    def still(self, jpeg: bytes, at: datetime) -> None:
        """The last redacted picture."""
        self._outbox.still(jpeg, at)

    def connection_ended(self) -> None:
        """The next one counts on from here."""
        before, now = self._before, self._now
        counts = {name: getattr(before, name) + getattr(now, name) for name in _COUNTS}
        self._before, self._now = CameraFigures(**counts, reconnects=before.reconnects + 1), CameraFigures()
        self._outbox.figures(self._before)

    def _list_waiting(self) -> None:
        if self._archive is None:
            return
        waited = len(self._unlisted) > 1
        while self._unlisted:
            self._archive.add(*self._unlisted[0])
            self._unlisted.pop(0)
        if waited:
            self._outbox.state(*self._state)

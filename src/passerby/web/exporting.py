"""A range of recordings as one file, made in the archive's folder and gone from it before the first byte is sent."""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from starlette.exceptions import HTTPException

from passerby.archive import Archive
from passerby.errors import OutputError
from passerby.live import SegmentInfo
from passerby.pending import SUFFIX

LONGEST_EXPORT = timedelta(hours=24)
_MOST_AT_ONCE = 2
_MOST_SEGMENTS = 10_000
_PREFIX = ".export-"


@dataclass(frozen=True, slots=True)
class MadeExport:
    """A file without a name: its descriptor, and what it holds."""

    descriptor: int
    begins_at: datetime
    ends_at: datetime


class Exports:
    """Makes exports, no more than two at a time: each reads and writes as much as the disk gives."""

    def __init__(self) -> None:
        self._turns = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def make(self, archive: Archive, camera: str, begins_at: datetime, ends_at: datetime, *, title: str) -> MadeExport:
        """What a camera recorded between two instants, from the keyframe before; gaps take no time in it.

        Raises:
            HTTPException: 404 if nothing was recorded then, 422 if the picture changed its size, 429 if others are
                being made.
            OutputError: the disk has not enough room, or does not take it.
        """
        if not self._turns.acquire(blocking=False):
            raise HTTPException(429, "other exports are being made; this one was not", headers={"Retry-After": "10"})
        try:
            return self._make(archive, camera, begins_at, ends_at, title)
        finally:
            self._turns.release()

    def _make(self, archive: Archive, camera: str, begins_at: datetime, ends_at: datetime, title: str) -> MadeExport:
        from passerby.write.segments import export

        found = archive.segments(camera, begins_at, ends_at, limit=_MOST_SEGMENTS)
        chosen = [one.info for one in found]
        _refuse_unfit(chosen)
        _refuse_without_room(archive, sum(info.size_bytes for info in chosen))
        begins_at, ends_at = max(begins_at, chosen[0].begins_at), min(ends_at, chosen[-1].ends_at)
        # Wall time runs a little apart from the time of the pictures; neither end may lie outside of its segment.
        begins_s = min((begins_at - chosen[0].begins_at).total_seconds(), chosen[0].duration_s)
        ends_s = min((ends_at - chosen[-1].begins_at).total_seconds(), chosen[-1].duration_s)
        ends_s += sum(info.duration_s for info in chosen[:-1])
        if ends_s <= begins_s:
            raise HTTPException(404, "nothing was recorded then")
        # At the top of the folder, where no camera's files are. It holds redacted pictures only, and no name for long.
        target = archive.folder / f"{_PREFIX}{secrets.token_hex(8)}.mp4"
        try:
            export(
                [one.path for one in found],
                target,
                begins_s=begins_s,
                ends_s=ends_s,
                name=title,
            )
            descriptor = os.open(target, os.O_RDONLY)
        except FileNotFoundError:
            raise HTTPException(404, "what was recorded then is being erased") from None
        finally:
            with suppress(OSError):
                target.unlink()
        return MadeExport(descriptor, begins_at, ends_at)


def forget_exports(folder: Path) -> None:
    """Remove what a killed server was making."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            left.unlink()
    for left in folder.glob(f".{_PREFIX}*{SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def file_name(camera: str, begins_at: datetime) -> str:
    """Under which a browser stores it: camera and UTC; both are plain characters."""
    return f"{camera}-{begins_at:%Y%m%dT%H%M%SZ}.mp4"


def _refuse_unfit(chosen: list[SegmentInfo]) -> None:
    if not chosen:
        raise HTTPException(404, "nothing was recorded then, or it was erased")
    for before, after in pairwise(chosen):
        if (before.width, before.height) != (after.width, after.height):
            raise HTTPException(
                422,
                f"the picture changed its size at {after.begins_at.isoformat()}; export what is before and after apart",
            )


def _refuse_without_room(archive: Archive, size_bytes: int) -> None:
    if archive.free_bytes() < size_bytes * 1.1 + (64 << 20):
        raise OutputError(
            "the disk has not enough room to make this export; nothing was made", hint="export a shorter range"
        )

"""A range of recordings as one file, sent straight from the segments: nothing is copied, only the index is in memory.

Until a segment was sent it has a second name in a hidden folder of the archive, so that one that is erased meanwhile is
still sent whole.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.responses import Response

from passerby.archive import Archive, StoredSegment
from passerby.errors import OutputError
from passerby.live import SegmentInfo
from passerby.web.sending import SentAsMade

LONGEST_EXPORT = timedelta(hours=24)
_MOST_AT_ONCE = 2
_MOST_SEGMENTS = 10_000
_MOMENT_S, _SLOWEST = 600.0, 500_000
"""How slowly an export may be taken: bytes in a second, and a while besides."""
_PREFIX = ".export-"

Gaps = Literal["leave-out", "keep"]


@dataclass(frozen=True, slots=True)
class WantedExport:
    """What is to be exported.

    Attributes:
        camera: its name.
        title: what people call it.
        begins_at: in UTC.
        ends_at: likewise.
        gaps: whether time in which nothing was recorded is left out, or the picture before it stands still so long.
    """

    camera: str
    title: str
    begins_at: datetime
    ends_at: datetime
    gaps: Gaps = "leave-out"


class Exports:
    """Makes exports, no more than two at a time: each reads as much as the disk gives."""

    def __init__(self) -> None:
        self._turns = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def response(self, archive: Archive, wanted: WantedExport) -> Response:
        """What a camera recorded between two instants, from the keyframe before.

        Raises:
            HTTPException: 404 if nothing was recorded then, 422 if it does not go into one file, 429 if others are
                being sent.
        """
        if not self._turns.acquire(blocking=False):
            raise HTTPException(429, "other exports are being sent; this one was not", headers={"Retry-After": "10"})
        names = _SecondNames(archive.folder / f"{_PREFIX}{secrets.token_hex(8)}")

        def over() -> None:
            names.close()
            self._turns.release()

        try:
            return _response(archive, wanted, names, over)
        except BaseException:
            over()
            raise


def _response(archive: Archive, wanted: WantedExport, names: _SecondNames, over: Callable[[], None]) -> Response:
    from passerby.write.export import Export

    found = archive.segments(wanted.camera, wanted.begins_at, wanted.ends_at, limit=_MOST_SEGMENTS)
    infos = [one.info for one in found]
    _refuse_unfit(infos)
    begins_at, ends_at = max(wanted.begins_at, infos[0].begins_at), min(wanted.ends_at, infos[-1].ends_at)
    begins_s, ends_s = _stretch(infos, begins_at, ends_at)
    gaps_s = _gaps_s(infos) if wanted.gaps == "keep" else None
    try:
        export = Export(names.of(found), begins_s=begins_s, ends_s=ends_s, name=wanted.title, gaps_s=gaps_s)
    except OutputError as error:
        raise HTTPException(422, f"{error.message}. {error.hint or ''}".strip(" .")) from error
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(wanted.camera, begins_at)}"',
        "Content-Length": str(export.size_bytes),
        "X-Exported-From": begins_at.isoformat(),
        "X-Exported-Until": ends_at.isoformat(),
    }
    # What is erased meanwhile is kept for who takes it, but not for as long as they like.
    longest_s = _MOMENT_S + export.size_bytes / _SLOWEST
    return SentAsMade(export.chunks(names.give_up), "video/mp4", headers, over, longest_s=longest_s)


class _SecondNames:
    """Hard links to segments, in a folder of their own, which is made when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, segments: Sequence[StoredSegment]) -> list[Path]:
        """One for each; its own name where the file system has no links.

        Raises:
            HTTPException: 404, where one was erased in this moment.
        """
        self._folder.mkdir(mode=0o700)
        return [self._of(number, one.path) for number, one in enumerate(segments)]

    def _of(self, number: int, path: Path) -> Path:
        second = self._folder / f"{number}{path.suffix}"
        try:
            second.hardlink_to(path)
        except FileNotFoundError:
            raise HTTPException(404, "what was recorded then is being erased") from None
        except OSError:
            return path
        return second

    def give_up(self, path: Path) -> None:
        """That one is not needed any more; what was erased meanwhile makes room now."""
        if path.parent == self._folder:
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """None of them is."""
        shutil.rmtree(self._folder, ignore_errors=True)


def forget_exports(folder: Path) -> None:
    """Remove what a killed server was sending."""
    for left in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)


def file_name(camera: str, begins_at: datetime) -> str:
    """Under which a browser stores it: camera and UTC; both are plain characters."""
    return f"{camera}-{begins_at:%Y%m%dT%H%M%SZ}.mp4"


def _stretch(infos: Sequence[SegmentInfo], begins_at: datetime, ends_at: datetime) -> tuple[float, float]:
    """Both counted through the pictures that are there.

    Raises:
        HTTPException: 404, where no picture lies between.
    """
    # Wall time runs a little apart from the time of the pictures; neither end may lie outside of its segment.
    begins_s = min((begins_at - infos[0].begins_at).total_seconds(), infos[0].duration_s)
    ends_s = min((ends_at - infos[-1].begins_at).total_seconds(), infos[-1].duration_s)
    ends_s += sum(info.duration_s for info in infos[:-1])
    if ends_s <= begins_s:
        raise HTTPException(404, "nothing was recorded then")
    return begins_s, ends_s


def _gaps_s(infos: Sequence[SegmentInfo]) -> list[float]:
    """Before each segment. Within a recording there is none; where the clock was set back, none can be told."""
    gaps_s = [0.0]
    for before, after in pairwise(infos):
        apart_s = (after.begins_at - before.ends_at).total_seconds()
        gaps_s.append(0.0 if before.recording == after.recording else max(0.0, apart_s))
    return gaps_s


def _refuse_unfit(infos: Sequence[SegmentInfo]) -> None:
    if not infos:
        raise HTTPException(404, "nothing was recorded then, or it was erased")
    for before, after in pairwise(infos):
        if (before.width, before.height) != (after.width, after.height):
            raise HTTPException(
                422,
                f"the picture changed its size at {after.begins_at.isoformat()}; export what is before and after apart",
            )

"""One segment on its way to its name: part after part, then made durable, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TextIO

from passerby.errors import OutputError, SettingsError
from passerby.live import SegmentInfo
from passerby.pending import hold, sync_folder
from passerby.write.movie_boxes import Track
from passerby.write.notes import PartNote, SegmentNote, StoredFile, segment_info

UNFINISHED, NOTES = ".part", ".notes.part"
"""How a segment is called while it is unfinished, and its notes: what stands after the final name."""

_CAMERA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def segment_path(camera: str, recording: str, number: int, begins_at: datetime) -> Path:
    """Where a segment goes below the archive's folder.

    Raises:
        SettingsError: the camera's name is none for a folder.
    """
    if not _CAMERA.fullmatch(camera):
        raise SettingsError(f"{camera!r} is no name for a camera: use letters, digits and hyphens")
    at = begins_at.astimezone(UTC)
    stamp = f"{at:%Y%m%dT%H%M%S}.{at.microsecond // 1000:03d}Z"
    return Path(camera, f"{at:%Y/%m/%d/%H}", f"{stamp}-{recording[:8]}-{number}.mp4")


def make_folders(below: Path, wanted: Path) -> None:
    """`wanted` and what is missing above it up to `below`, durably."""
    missing = [folder for folder in (wanted, *wanted.parents) if below in folder.parents and not folder.exists()]
    wanted.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync_folder(folder.parent)


class SegmentFile:
    """A segment that is being written. Nobody else takes it for abandoned while this object lives.

    Attributes:
        path: its final name.
        parts: notes of the parts that stand in it, whole.
    """

    def __init__(self, folder: Path, path: Path, note: SegmentNote, track: Track) -> None:
        """`path` is relative to `folder`.

        Raises:
            OSError: it cannot be made.
        """
        self.path = folder / path
        self.parts: list[PartNote] = []
        self._note, self._track = note, track
        self._relative = path.as_posix()
        self._size = 0
        self._hash = hashlib.sha256()
        make_folders(folder, self.path.parent)
        self._file = _open_held(beside(self.path, UNFINISHED))
        self._notes: TextIO | None = None
        try:
            self._notes = beside(self.path, NOTES).open("x", encoding="utf-8", buffering=1)
            self._notes.write(note.line())
        except OSError:
            self.abandon()
            raise

    def append(self, data: bytes, note: PartNote | None = None) -> None:
        """Add the init, or a part with its note; when this returns, a crash of the process does not take it away.

        Raises:
            OSError: the disk does not take it; the file ends with the part before.
        """
        try:
            if note is not None and self._notes is not None:
                self._notes.write(note.line())
            _write_all(self._file, data)
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise
        self._size += len(data)
        self._hash.update(data)
        if note is not None:
            self.parts.append(note)

    def finish(self) -> SegmentInfo:
        """Make it durable and give it its name. The notes stay until `forget_notes`.

        Raises:
            OSError: that cannot be done; it is left as it is, for `recover`.
        """
        try:
            os.fsync(self._file.fileno())
            beside(self.path, UNFINISHED).rename(self.path)
            sync_folder(self.path.parent)
        finally:
            self.close()
        width, height = self._track.shown_size
        digest = self._hash.hexdigest()
        stored = StoredFile(self._relative, self._size, digest, self._track.codec, width, height)
        return segment_info(self._note, self.parts, stored)

    def abandon(self) -> None:
        """Leave nothing behind, as far as the disk lets us."""
        self.close()
        for suffix in (UNFINISHED, NOTES):
            with suppress(OSError):
                beside(self.path, suffix).unlink()

    def forget_notes(self) -> None:
        """Somebody has taken the finished segment over."""
        with suppress(OSError):
            beside(self.path, NOTES).unlink()

    def close(self) -> None:
        """Let go of the files as they are."""
        with suppress(OSError):
            self._file.close()
            if self._notes is not None:
                self._notes.close()


def beside(path: Path, suffix: str) -> Path:
    """The file of that kind that goes with a segment."""
    return path.with_name(path.name + suffix)


def _open_held(path: Path) -> FileIO:
    """A new file without a buffer, held against `recover`."""
    while True:
        file = FileIO(path, "x")
        if hold(file) and path.exists():
            return file
        file.close()  # taken for abandoned before it was held, and gone


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def storage_error(camera: str, error: OSError) -> OutputError:
    """What the disk said, in words, and what happened to the recording."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = "the disk is full" if full else (os.strerror(error.errno).lower() if error.errno else str(error))
    return OutputError(
        f"{camera}: a part cannot be stored: {why}; the recording ends with the part before it",
        hint="Free some space, or keep recordings for a shorter time" if full else None,
    )

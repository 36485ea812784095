"""The archive as everybody sees it: add a finished segment, ask what there is, erase."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from passerby.archive.database import Database
from passerby.archive.erasing import Erasure, erase_before, erasures, finish_garbage
from passerby.archive.folder import ArchiveFolder, is_unfinished
from passerby.archive.identity import agree
from passerby.archive.listing import insert, without_row
from passerby.archive.retention import RetentionRule, retain
from passerby.archive.schema import AnyRow, segment_table, to_us
from passerby.archive.stored import CameraUsage, StoredSegment, info_of, stored_rows, usage_of_all, within
from passerby.archive.timeline import Span, pieces_in, spans_of
from passerby.errors import ArchiveError
from passerby.live import SegmentInfo

_BUSY_S = 10.0
_BATCH = 500
_segment = segment_table.c


def open_archive(
    folder: Path,
    database: str | None = None,
    *,
    busy_s: float = _BUSY_S,
    free_bytes: Callable[[], int] | None = None,
) -> Archive:
    """Open the recordings in a folder, making folder, catalogue and tables where there are none.

    Any number of processes may have the same archive open. What was being erased when one of them was killed is
    finished now.

    Args:
        folder: of the recordings; every file below its subfolders is the archive's.
        database: SQLAlchemy URL of the catalogue; `catalogue.sqlite` in the folder by default.
        busy_s: how long to wait for a database that another process has locked.
        free_bytes: tells what is free on the disk; asks the system by default.

    Raises:
        ArchiveError: folder and catalogue do not belong together, or one of them cannot be used.
    """
    place = ArchiveFolder.open(folder)
    catalogue = Database.at(database or default_database(place.path), busy_s=busy_s)
    try:
        with place.locked():
            catalogue.migrate()
            agree(place, catalogue)
        archive = Archive(place, catalogue, free_bytes or place.free_bytes)
        archive.finish_garbage()
    except BaseException:
        catalogue.close()
        raise
    return archive


def default_database(folder: Path) -> str:
    """The catalogue inside its folder."""
    return f"sqlite:///{folder.resolve() / 'catalogue.sqlite'}"


class Archive:
    """Recordings and their catalogue. Safe to share between threads; each process opens its own."""

    def __init__(self, place: ArchiveFolder, catalogue: Database, free_bytes: Callable[[], int]) -> None:
        self._place = place
        self._catalogue = catalogue
        self.free_bytes = free_bytes
        """What is free on the disk of the recordings, in bytes."""

    @property
    def folder(self) -> Path:
        """Where the recordings are."""
        return self._place.path

    def add(self, info: SegmentInfo, path: Path) -> None:
        """List a finished segment, after its bytes and its name are durable. Adding it again does nothing.

        Raises:
            ArchiveError: the file is not the one announced, overlaps another of its recording, or the catalogue cannot
                be written; the file stays where it is.
        """
        self._place.settle(info, path)
        self._catalogue.write(lambda connection: insert(connection, info))

    def adopt(self, found: Sequence[tuple[SegmentInfo, Path]]) -> None:
        """List what `write.recovery.recover` made whole after a crash; one that cannot be listed stops no other.

        Raises:
            ArchiveError: of the first that could not be listed.
        """
        failures = []
        for info, path in found:
            try:
                self.add(info, path)
            except ArchiveError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def release(self, camera: str) -> list[Path]:
        """Give a camera's files that were finished but not listed, because of a crash in between, unfinished names.

        `write.recovery.recover` finds them then, and `adopt` lists what it makes of them. Only for the process that
        writes this camera's segments, before it starts to.

        Returns:
            The files under their new names.

        Raises:
            ArchiveError: a file cannot be renamed.
        """
        finished = (file for file in self._place.files(camera) if not is_unfinished(file))
        released = []
        while batch := list(islice(finished, _BATCH)):
            loose = without_row(self._catalogue, [self._place.path_of(file) for file in batch])
            released += [self._place.unname(self._place.path / path) for path in loose]
        return released

    def segments(
        self, camera: str, begins_at: datetime, ends_at: datetime, *, limit: int = 1000
    ) -> list[StoredSegment]:
        """Segments that hold something of a time, oldest first, at most `limit`.

        Raises:
            ArchiveError: the catalogue cannot be read.
        """
        with self._catalogue.reading() as connection:
            where = within(connection, camera, to_us(begins_at), to_us(ends_at))
            rows = connection.execute(
                stored_rows().where(*where).order_by(_segment.begins_us, _segment.id).limit(limit)
            )
            return [self._stored(row) for row in rows]

    def segment(self, segment_id: int) -> StoredSegment | None:
        """The segment with this number, or None."""
        with self._catalogue.reading() as connection:
            row = connection.execute(stored_rows().where(_segment.id == segment_id)).one_or_none()
        return None if row is None else self._stored(row)

    def timeline(self, camera: str, begins_at: datetime, ends_at: datetime, *, most: int = 2000) -> list[Span]:
        """When a camera recorded between two instants, and how much was covered, in at most `most` spans.

        Gaps under two seconds, and such as are shorter than one `most`-th of the time asked for, may not show.

        Raises:
            ArchiveError: the catalogue cannot be read.
        """
        begins_us, ends_us = to_us(begins_at), to_us(ends_at)
        with self._catalogue.reading() as connection:
            where = within(connection, camera, begins_us, ends_us)
            pieces = connection.execute(pieces_in(begins_us, ends_us, most).where(*where)).all()
        return spans_of(pieces, begins_us, ends_us)

    def usage(self) -> list[CameraUsage]:
        """What each camera's recordings take, by name; cameras without any are left out.

        Raises:
            ArchiveError: the catalogue cannot be read.
        """
        with self._catalogue.reading() as connection:
            return usage_of_all(connection)

    def erase(self, camera: str, before: datetime, why: str, *, now: datetime | None = None) -> int:
        """Erase the segments of a camera that begin before an instant, and note that it was done.

        Returns:
            How many.

        Raises:
            ArchiveError: the catalogue cannot be written, or the disk keeps a file; what is done is done.
        """
        done = erase_before(self._catalogue, self._place, camera, before, why, now or datetime.now(UTC))
        return done.segments if done else 0

    def retain(self, rules: Mapping[str, RetentionRule], *, floor_bytes: int, now: datetime) -> list[Erasure]:
        """Erase what is too old, too much, or in the way of the disk's floor; see `retention.retain`."""
        return retain(self._catalogue, self._place, rules, floor_bytes=floor_bytes, free_bytes=self.free_bytes, now=now)

    def erasures(self, limit: int = 100) -> list[Erasure]:
        """What was erased, latest first."""
        return erasures(self._catalogue, limit)

    def finish_garbage(self) -> int:
        """Unlink what was erased but not unlinked yet.

        Returns:
            How many files the disk did not let go of; they are tried again each time.
        """
        return finish_garbage(self._catalogue, self._place)

    def close(self) -> None:
        """Close the catalogue."""
        self._catalogue.close()

    def _stored(self, row: AnyRow) -> StoredSegment:
        return StoredSegment(row.id, info_of(row), self._place.place(row.path))

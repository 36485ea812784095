"""Proof that catalogue and folder say the same."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import func, select, tuple_

from passerby.archive.catalogue import default_database
from passerby.archive.database import REVISION, Database
from passerby.archive.folder import ArchiveFolder, has_notes, is_unfinished, sha256_of
from passerby.archive.identity import read_id
from passerby.archive.listing import overlaps, without_row
from passerby.archive.row_checks import wrong_with_row
from passerby.archive.schema import AnyRow, camera_table, garbage_table, recording_table, segment_table
from passerby.errors import ArchiveError

_BATCH = 1000
_BUSY_S = 60.0
_segment = segment_table.c


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check of an archive found.

    Attributes:
        problems: a sentence for each, without a full stop; none means that the archive is sound.
        segments: how many are listed.
        size_bytes: what they say they take together.
        garbage: erased files that still have to be unlinked.
        unfinished: files that are being written, or were when their writer was killed, and their notes.
        read_whole: whether the content of each file was compared with its SHA-256, not only its size.
    """

    problems: tuple[str, ...]
    segments: int
    size_bytes: int
    garbage: int
    unfinished: int
    read_whole: bool

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass
class _Finding:
    problems: list[str] = field(default_factory=list)
    segments: int = 0
    size_bytes: int = 0
    unfinished: int = 0


def check_archive(
    folder: Path, database: str | None = None, *, quick: bool = False, settle_s: float = 2.0
) -> CheckReport:
    """Prove what must always hold of an archive, which may be in use meanwhile; nothing is changed.

    Folder and catalogue carry the same id; every row has its file, with that size and SHA-256, and says what the file's
    name says; every file has a row, is garbage or unfinished; segments of one recording do not overlap; each camera
    holds what it is said to hold.

    Args:
        folder: of the recordings.
        database: as for `open_archive`.
        quick: compare sizes only, and do not read the files.
        settle_s: how long a file without a row is given to get one: it may just have been finished.

    Raises:
        ArchiveError: there is no archive, or it cannot be read.
    """
    if not folder.is_dir():
        raise ArchiveError(f"{folder.name}: there is no such folder; nothing was checked")
    place = ArchiveFolder(folder.resolve())
    if database is None and not (place.path / "catalogue.sqlite").is_file():
        raise ArchiveError(f"{folder.name}: holds no catalogue; nothing was checked")
    catalogue = Database.at(database or default_database(place.path), busy_s=_BUSY_S)
    try:
        return _check(place, catalogue, quick, settle_s)
    finally:
        catalogue.close()


def _check(place: ArchiveFolder, catalogue: Database, quick: bool, settle_s: float) -> CheckReport:
    revision = catalogue.revision()
    if revision != REVISION:
        raise ArchiveError(f"{catalogue.name}: holds tables of another version of passerby; nothing was checked")
    found = _Finding()
    _check_ids(place, catalogue, found)
    loose = _loose_files(place, catalogue, found)
    _check_rows(place, catalogue, found, quick)
    _check_totals(catalogue, found)
    if loose:
        time.sleep(settle_s)
        there = [path for path in loose if os.path.lexists(place.path / path)]
        found.problems += [f"{path}: is not in the catalogue" for path in without_row(catalogue, there)]
    with catalogue.reading() as connection:
        garbage = connection.scalar(select(func.count()).select_from(garbage_table)) or 0
    return CheckReport(
        tuple(found.problems), found.segments, found.size_bytes, garbage, found.unfinished, read_whole=not quick
    )


def _check_ids(place: ArchiveFolder, catalogue: Database, found: _Finding) -> None:
    of_folder, of_catalogue = place.read_id(), read_id(catalogue)
    if of_folder != of_catalogue or of_folder is None:
        said = [f"archive {name[:8]}" if name else "no archive" for name in (of_folder, of_catalogue)]
        found.problems.append(f"{place.path.name}: the folder is of {said[0]}, and the catalogue of {said[1]}")


def _loose_files(place: ArchiveFolder, catalogue: Database, found: _Finding) -> list[str]:
    """Finished files that have no row. Looked for before the rows are, since each gets its row after its name."""
    loose: list[str] = []
    files = place.files()
    # Short views of the catalogue, a batch each: a long one would keep SQLite from tidying up behind its writers.
    while batch := list(islice(files, _BATCH)):
        finished = [file for file in batch if not is_unfinished(file)]
        rowless = without_row(catalogue, [place.path_of(file) for file in finished])
        noted = {path for path in rowless if has_notes(place.path / path)}
        loose += [path for path in rowless if path not in noted]
        found.unfinished += len(batch) - len(finished) + len(noted)
    return loose


def _check_rows(place: ArchiveFolder, catalogue: Database, found: _Finding, quick: bool) -> None:
    before: AnyRow | None = None
    for row in _rows(catalogue):
        found.segments += 1
        found.size_bytes += row.size_bytes
        problem = _wrong_with_file(place, row, quick) or wrong_with_row(row)
        if problem is not None and not _gone(catalogue, row.id):
            found.problems.append(f"{row.path}: {problem}")
        if before is not None and before.recording_id == row.recording_id and _overlap(before, row):
            found.problems.append(f"{row.path}: overlaps {before.path}, of the same recording")
        before = row


def _rows(catalogue: Database) -> Iterator[AnyRow]:
    """All segments, by recording and then by media time."""
    key = _segment.recording_id, _segment.media_start_s
    recording, camera = recording_table.c, camera_table.c
    beside = camera.name.label("camera"), recording.name.label("recording"), recording.camera_id.label("of_camera_id")
    tables = segment_table.outerjoin(camera_table, camera.id == _segment.camera_id).outerjoin(
        recording_table, recording.id == _segment.recording_id
    )
    query = select(segment_table, *beside).select_from(tables).order_by(*key).limit(_BATCH)
    last: tuple[int, float] = (-1, 0.0)
    while True:
        with catalogue.reading() as connection:
            rows = connection.execute(query.where(tuple_(*key) > last)).all()
        if not rows:
            return
        yield from rows
        last = rows[-1].recording_id, rows[-1].media_start_s


def _overlap(before: AnyRow, row: AnyRow) -> bool:
    return overlaps(before.media_start_s, before.duration_s, row.media_start_s)


def _wrong_with_file(place: ArchiveFolder, row: AnyRow, quick: bool) -> str | None:
    try:
        file = place.place(row.path)
        found = file.lstat()
        if not stat.S_ISREG(found.st_mode):
            return "is listed, and is no plain file"
        if found.st_size != row.size_bytes:
            return f"is {found.st_size} bytes long, and listed with {row.size_bytes}"
        if not quick and sha256_of(file) != bytes(row.sha256).hex():
            return "its content is not what was listed"
    except ArchiveError:
        return "is listed, and leads out of the folder"
    except (FileNotFoundError, NotADirectoryError):
        return "is listed, and there is no such file"
    except OSError as error:
        return f"cannot be read ({os.strerror(error.errno or 0).lower()})"
    return None


def _gone(catalogue: Database, number: int) -> bool:
    """Whether a segment was erased meanwhile."""
    with catalogue.reading() as connection:
        return connection.scalar(select(_segment.id).where(_segment.id == number)) is None


def _check_totals(catalogue: Database, found: _Finding) -> None:
    """What each camera is said to hold is what its segments sum up to."""
    camera = camera_table.c
    counted = func.count(_segment.id), func.coalesce(func.sum(_segment.size_bytes), 0)
    query = select(camera.name, camera.segments, camera.size_bytes, *counted)
    joined = query.select_from(camera_table.outerjoin(segment_table, _segment.camera_id == camera.id))
    with catalogue.reading() as connection:
        for name, *said, segments, size_bytes in connection.execute(joined.group_by(camera.id)):
            if said != [segments, size_bytes]:
                found.problems.append(
                    f"{name}: the catalogue counts {said[0]} segments of {said[1]} bytes, and lists {segments} of "
                    f"{size_bytes} bytes"
                )

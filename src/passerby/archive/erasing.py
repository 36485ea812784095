"""Erasing in an order that a crash cannot spoil: the row becomes garbage, the file goes, the garbage row goes.

From the first step on nobody is told of the segment any more; from the second it cannot be had back. An erasure is
noted in the same transaction as the first step, and the note stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from passerby.archive.database import Database
from passerby.archive.database_errors import CatalogueFull
from passerby.archive.folder import ArchiveFolder
from passerby.archive.schema import (
    AnyRow,
    camera_table,
    erasure_table,
    from_us,
    garbage_table,
    recording_table,
    segment_table,
    to_us,
)
from passerby.errors import ArchiveError

BATCH = 200
"""Segments in one transaction: others wait for it no longer than some milliseconds."""
_QUIET = timedelta(hours=2)
"""In a folder for recordings that are older than this nobody writes, so that it may go when it is empty."""

_segment, _garbage, _erasure = segment_table.c, garbage_table.c, erasure_table.c


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased at one time from one camera, for one reason.

    Attributes:
        camera: its name.
        begins_at: when the first of the segments began.
        ends_at: when the last of them ended.
        segments: how many.
        size_bytes: all of them together.
        why: the reason, in words.
        at: when it was done.
    """

    camera: str
    begins_at: datetime
    ends_at: datetime
    segments: int
    size_bytes: int
    why: str
    at: datetime


def erase_before(
    catalogue: Database, place: ArchiveFolder, camera: str, before: datetime, why: str, now: datetime
) -> Erasure | None:
    """Erase the segments of a camera that begin before an instant; None if there are none.

    Raises:
        ArchiveError: the catalogue cannot be written, or the disk keeps a file.
    """
    of_camera = select(camera_table.c.id).where(camera_table.c.name == camera).scalar_subquery()
    doomed = select(_segment.id).where(_segment.camera_id == of_camera, _segment.begins_us < to_us(before))
    with catalogue.reading() as connection:
        numbers = connection.scalars(doomed.order_by(_segment.begins_us)).all()
    return erase(catalogue, place, camera, numbers, why, now)


def erase(
    catalogue: Database, place: ArchiveFolder, camera: str, numbers: Sequence[int], why: str, now: datetime
) -> Erasure | None:
    """Erase segments of one camera by their numbers, in batches; None if none of them is there any more.

    Raises:
        ArchiveError: the catalogue cannot be written, or the disk keeps a file; what was erased until then is noted.
    """
    note: tuple[int, Erasure] | None = None
    kept = 0
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        work = partial(_to_garbage, batch, Erasure(camera, now, now, 0, 0, why, now), note)
        try:
            note = catalogue.write(work)
        except CatalogueFull:
            if not place.give_up_reserve():
                raise
            note = catalogue.write(work)
        kept = finish_garbage(catalogue, place)
    if kept:
        raise ArchiveError(
            f"{camera}: the disk does not let go of {kept} erased files in {place.path.name}; they are told to nobody "
            "and tried again each time",
            hint="see whether the user that runs passerby may write there",
        )
    return note[1] if note else None


def _to_garbage(
    numbers: Sequence[int], empty: Erasure, note: tuple[int, Erasure] | None, connection: Connection
) -> tuple[int, Erasure] | None:
    """Step one, for one batch; others may have erased some of it meanwhile."""
    columns = [_segment.id, _segment.path, _segment.begins_us, _segment.ends_us, _segment.size_bytes]
    doomed = select(*columns, _segment.recording_id).where(_segment.id.in_(numbers)).with_for_update()
    rows = connection.execute(doomed).all()
    if not rows:
        return note
    erased_us = to_us(empty.at)
    garbage = [{"path": row.path, "begins_us": row.begins_us, "erased_us": erased_us} for row in rows]
    connection.execute(insert(garbage_table), garbage)
    connection.execute(delete(segment_table).where(_segment.id.in_([row.id for row in rows])))
    _forget_recordings(connection, {row.recording_id for row in rows})
    size_bytes, camera = sum(row.size_bytes for row in rows), camera_table.c
    less = {"segments": camera.segments - len(rows), "size_bytes": camera.size_bytes - size_bytes}
    connection.execute(update(camera_table).where(camera.name == empty.camera).values(**less))
    return _note(connection, empty, note, rows)


def _forget_recordings(connection: Connection, numbers: set[int]) -> None:
    left = exists().where(_segment.recording_id == recording_table.c.id)
    connection.execute(delete(recording_table).where(recording_table.c.id.in_(numbers), ~left))


def _note(
    connection: Connection, empty: Erasure, note: tuple[int, Erasure] | None, rows: Sequence[AnyRow]
) -> tuple[int, Erasure]:
    """Write down the erasure with its first batch, and lengthen what was written with those that follow."""
    begins = [from_us(row.begins_us) for row in rows]
    ends = [from_us(row.ends_us) for row in rows]
    so_far = note[1] if note else replace(empty, begins_at=min(begins), ends_at=max(ends))
    now = replace(
        so_far,
        begins_at=min(so_far.begins_at, *begins),
        ends_at=max(so_far.ends_at, *ends),
        segments=so_far.segments + len(rows),
        size_bytes=so_far.size_bytes + sum(row.size_bytes for row in rows),
    )
    if note is None:
        new = insert(erasure_table).values(**_row_of(now)).returning(_erasure.id)
        return int(connection.execute(new).scalar_one()), now
    connection.execute(update(erasure_table).where(_erasure.id == note[0]).values(**_row_of(now)))
    return note[0], now


def _row_of(erasure: Erasure) -> dict[str, Any]:
    return {
        "camera": erasure.camera,
        "begins_us": to_us(erasure.begins_at),
        "ends_us": to_us(erasure.ends_at),
        "segments": erasure.segments,
        "size_bytes": erasure.size_bytes,
        "why": erasure.why,
        "at_us": to_us(erasure.at),
    }


def finish_garbage(catalogue: Database, place: ArchiveFolder) -> int:
    """Steps two and three for whatever is garbage, also of other processes and of killed ones.

    Returns:
        How many files the disk did not let go of.
    """
    after, kept = 0, 0
    while rows := _some_garbage(catalogue, after):
        quiet = [row.path for row in rows if row.erased_us - row.begins_us > _QUIET // timedelta(microseconds=1)]
        gone = place.unlink([row.path for row in rows], quiet)
        if gone:
            done = delete(garbage_table).where(_garbage.path.in_(gone))
            catalogue.write(partial(Connection.execute, statement=done))
        after, kept = rows[-1].id, kept + len(rows) - len(gone)
    return kept


def _some_garbage(catalogue: Database, after: int) -> Sequence[AnyRow]:
    with catalogue.reading() as connection:
        return connection.execute(
            select(garbage_table).where(_garbage.id > after).order_by(_garbage.id).limit(BATCH)
        ).all()


def erasures(catalogue: Database, limit: int) -> list[Erasure]:
    """What was erased, latest first.

    Raises:
        ArchiveError: the catalogue cannot be read.
    """
    columns = [_erasure[name] for name in ("camera", "begins_us", "ends_us", "segments", "size_bytes", "why", "at_us")]
    with catalogue.reading() as connection:
        rows = connection.execute(select(*columns).order_by(_erasure.at_us.desc(), _erasure.id.desc()).limit(limit))
        return [
            Erasure(camera, from_us(begins), from_us(ends), segments, size_bytes, why, from_us(at))
            for camera, begins, ends, segments, size_bytes, why, at in rows
        ]

"""Erasing in an order that a crash cannot spoil: the row becomes garbage, the file goes, the garbage row goes.

From the first step on nobody is told of the segment any more; from the second it cannot be had back. An erasure is
noted in the same transaction as the first step, and the note stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
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
_COLUMNS = [_erasure[name] for name in ("camera", "begins_us", "ends_us", "segments", "size_bytes", "why", "at_us")]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased at one time from one camera, for one reason; of notes: on one day (UTC).

    Attributes:
        camera: its name.
        begins_at: when the first of the segments began.
        ends_at: when the last of them ended.
        segments: how many.
        size_bytes: all of them together.
        why: the reason, in words.
        at: when it was done; of notes: the last time.
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
    done: Erasure | None = None
    kept = 0
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        work = partial(_to_garbage, batch, Erasure(camera, now, now, 0, 0, why, now))
        try:
            erased = catalogue.write(work)
        except CatalogueFull:
            if not place.give_up_reserve():
                raise
            erased = catalogue.write(work)
        done = _together(done, erased) if done and erased else done or erased
        kept = finish_garbage(catalogue, place)
    if kept:
        raise ArchiveError(
            f"{camera}: the disk does not let go of {kept} erased files in {place.path.name}; they are told to nobody "
            "and tried again each time",
            hint="see whether the user that runs passerby may write there",
        )
    return done


def _to_garbage(numbers: Sequence[int], empty: Erasure, connection: Connection) -> Erasure | None:
    """Step one, for one batch; others may have erased some of it meanwhile."""
    columns = [_segment.id, _segment.path, _segment.begins_us, _segment.ends_us, _segment.size_bytes]
    doomed = select(*columns, _segment.recording_id).where(_segment.id.in_(numbers)).with_for_update()
    rows = connection.execute(doomed).all()
    if not rows:
        return None
    erased_us = to_us(empty.at)
    garbage = [{"path": row.path, "begins_us": row.begins_us, "erased_us": erased_us} for row in rows]
    connection.execute(insert(garbage_table), garbage)
    connection.execute(delete(segment_table).where(_segment.id.in_([row.id for row in rows])))
    _forget_recordings(connection, {row.recording_id for row in rows})
    size_bytes, camera = sum(row.size_bytes for row in rows), camera_table.c
    less = {"segments": camera.segments - len(rows), "size_bytes": camera.size_bytes - size_bytes}
    connection.execute(update(camera_table).where(camera.name == empty.camera).values(**less))
    begins_at = from_us(min(row.begins_us for row in rows))
    ends_at = from_us(max(row.ends_us for row in rows))
    erased = replace(empty, begins_at=begins_at, ends_at=ends_at, segments=len(rows), size_bytes=size_bytes)
    _note(connection, erased)
    return erased


def _forget_recordings(connection: Connection, numbers: set[int]) -> None:
    left = exists().where(_segment.recording_id == recording_table.c.id)
    connection.execute(delete(recording_table).where(recording_table.c.id.in_(numbers), ~left))


def _note(connection: Connection, erased: Erasure) -> None:
    """Write it down, with what went the same day for the same reason: recordings go as they came, some every minute."""
    midnight = erased.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    alike = _erasure.camera == erased.camera, _erasure.why == erased.why
    that_day = _erasure.at_us.between(to_us(midnight), to_us(erased.at))
    latest = select(_erasure.id, *_COLUMNS).where(*alike, that_day).order_by(_erasure.at_us.desc()).limit(1)
    known = connection.execute(latest.with_for_update()).one_or_none()
    if known is None:
        connection.execute(insert(erasure_table).values(**_row_of(erased)))
        return
    number, *told = known
    together = _row_of(_together(_erasure_in(told), erased))
    connection.execute(update(erasure_table).where(_erasure.id == number).values(**together))


def _together(before: Erasure, after: Erasure) -> Erasure:
    return replace(
        after,
        begins_at=min(before.begins_at, after.begins_at),
        ends_at=max(before.ends_at, after.ends_at),
        segments=before.segments + after.segments,
        size_bytes=before.size_bytes + after.size_bytes,
    )


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
    """The notes of what was erased, latest first.

    Raises:
        ArchiveError: the catalogue cannot be read.
    """
    with catalogue.reading() as connection:
        rows = connection.execute(select(*_COLUMNS).order_by(_erasure.at_us.desc(), _erasure.id.desc()).limit(limit))
        return [_erasure_in(row) for row in rows]


def _erasure_in(row: Sequence[Any]) -> Erasure:
    camera, begins_us, ends_us, segments, size_bytes, why, at_us = row
    return Erasure(camera, from_us(begins_us), from_us(ends_us), segments, size_bytes, why, from_us(at_us))

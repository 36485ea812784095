"""How long recordings stay: by age, by quota, and by what the disk has left; the oldest go first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select

from passerby.archive.database import Database
from passerby.archive.erasing import BATCH, Erasure, erase, erase_before, finish_garbage
from passerby.archive.folder import ArchiveFolder
from passerby.archive.schema import camera_table, segment_table, to_us
from passerby.errors import ArchiveError, SettingsError

LONGEST_WITHOUT_REASON_H = 720.0
"""30 days; who keeps recordings longer writes down why."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long one camera's recordings stay.

    Attributes:
        age_h: in hours; a segment goes when its first frame is older.
        quota_bytes: how much they may take together, or None.
        reason: why it is more than 30 days; empty if it is not.
    """

    age_h: float = 72.0
    quota_bytes: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.age_h > 0:
            raise SettingsError(f"recordings that are kept for {self.age_h:g} h: the time must be more than 0")
        if self.age_h > LONGEST_WITHOUT_REASON_H and not self.reason.strip():
            raise SettingsError(
                f"recordings that are kept for {self.age_h:g} h, which is more than 30 days, without a written reason",
                hint="write down why they are needed that long, or keep them for 720 h at most",
            )
        if self.quota_bytes is not None and self.quota_bytes <= 0:
            raise SettingsError(f"a quota of {self.quota_bytes} bytes: it must be more than 0")


class _Oldest(NamedTuple):
    begins_us: int
    number: int
    size_bytes: int
    camera: str


def retain(
    catalogue: Database,
    place: ArchiveFolder,
    rules: Mapping[str, RetentionRule],
    *,
    floor_bytes: int,
    free_bytes: Callable[[], int],
    now: datetime,
) -> list[Erasure]:
    """Erase what is too old or over a camera's quota, then the oldest of all cameras while the disk is too full.

    What was recorded while the clock was ahead is of a time that has not come. It is too old when something is that was
    listed after it: the clock may be wrong now, but not the order.

    Cameras without a rule, because they were removed, have the default one. What is missing to `floor_bytes` is made
    room for once in each call: a disk that tells of freed space late does not cost all recordings.

    Returns:
        What was erased, which is noted in the catalogue too.

    Raises:
        ArchiveError: something could not be erased, after all that could be was.
    """
    done: list[Erasure | None] = []
    failures: list[ArchiveError] = []
    finish_garbage(catalogue, place)
    place.keep_reserve()
    for camera, size_bytes in _cameras(catalogue):
        try:
            done += _by_rule(catalogue, place, camera, size_bytes, rules.get(camera, RetentionRule()), now)
        except ArchiveError as error:
            failures.append(error)
    try:
        done += _by_floor(catalogue, place, floor_bytes - free_bytes(), floor_bytes, now)
    except ArchiveError as error:
        failures.append(error)
    if failures:
        raise failures[0]
    return [erasure for erasure in done if erasure is not None]


def _cameras(catalogue: Database) -> list[tuple[str, int]]:
    camera = camera_table.c
    with catalogue.reading() as connection:
        rows = connection.execute(
            select(camera.name, camera.size_bytes).where(camera.segments > 0).order_by(camera.name)
        )
        return [(name, size_bytes) for name, size_bytes in rows]


def _by_rule(
    catalogue: Database, place: ArchiveFolder, camera: str, size_bytes: int, rule: RetentionRule, now: datetime
) -> list[Erasure | None]:
    why, before = f"older than {rule.age_h:g} h", now - timedelta(hours=rule.age_h)
    numbers = _dated_ahead(catalogue, camera, before, now)
    ahead = erase(catalogue, place, camera, numbers, f"{why}, from when the clock was ahead", now)
    old = erase_before(catalogue, place, camera, before, why, now)
    gone_bytes = sum(erasure.size_bytes for erasure in (ahead, old) if erasure)
    over = 0 if rule.quota_bytes is None else size_bytes - gone_bytes - rule.quota_bytes
    doomed = [segment.number for segment in _enough(_oldest(catalogue, camera), over)]
    quota = erase(catalogue, place, camera, doomed, f"over its quota of {_size(rule.quota_bytes or 0)}", now)
    return [ahead, old, quota]


def _dated_ahead(catalogue: Database, camera: str, before: datetime, now: datetime) -> Sequence[int]:
    """Segments that are said to begin later than now, and were listed before one that is too old."""
    row = segment_table.c
    of_camera = select(camera_table.c.id).where(camera_table.c.name == camera).scalar_subquery()
    last_old = select(func.max(row.id)).where(row.camera_id == of_camera, row.begins_us < to_us(before))
    ahead = select(row.id).where(row.camera_id == of_camera, row.begins_us > to_us(now))
    with catalogue.reading() as connection:
        return connection.scalars(ahead.where(row.id < last_old.scalar_subquery()).order_by(row.id)).all()


def _by_floor(
    catalogue: Database, place: ArchiveFolder, missing: int, floor_bytes: int, now: datetime
) -> list[Erasure | None]:
    if missing <= 0:
        return []
    oldest = heapq.merge(*(_oldest(catalogue, camera) for camera, _ in _cameras(catalogue)))
    doomed: dict[str, list[int]] = {}
    for segment in _enough(oldest, missing):
        doomed.setdefault(segment.camera, []).append(segment.number)
    why = f"the disk had less than {_size(floor_bytes)} left"
    return [erase(catalogue, place, camera, numbers, why, now) for camera, numbers in doomed.items()]


def _enough(segments: Iterable[_Oldest], size_bytes: int) -> Iterator[_Oldest]:
    """The first of them that take at least so much together."""
    for segment in segments:
        if size_bytes <= 0:
            return
        size_bytes -= segment.size_bytes
        yield segment


def _oldest(catalogue: Database, camera: str) -> Iterator[_Oldest]:
    """A camera's segments, oldest first, read as they are asked for."""
    row, begins_us, number = segment_table.c, -(2**62), 0
    of_camera = select(camera_table.c.id).where(camera_table.c.name == camera).scalar_subquery()
    query = select(row.begins_us, row.id, row.size_bytes).order_by(row.begins_us, row.id).limit(BATCH)
    while True:
        later = or_(row.begins_us > begins_us, row.id > number)
        with catalogue.reading() as connection:
            rows = connection.execute(query.where(row.camera_id == of_camera, row.begins_us >= begins_us, later)).all()
        if not rows:
            return
        for begins_us, number, size_bytes in rows:
            yield _Oldest(begins_us, number, size_bytes, camera)


def _size(size_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:g} {unit}"
    return f"{size_bytes} bytes"

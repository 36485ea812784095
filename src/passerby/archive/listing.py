"""A segment enters the catalogue: in one transaction, once, and only where it fits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update
from sqlalchemy import insert as insert_into

from passerby.archive.database import Database
from passerby.archive.schema import (
    camera_table,
    garbage_table,
    pack_covered,
    recording_table,
    segment_table,
    to_us,
)
from passerby.errors import ArchiveError
from passerby.live import SegmentInfo

OVERLAP_S = 0.5
"""Segments of one recording may overlap by this: how long the last frame lasts is a guess until another follows."""

_segment = segment_table.c


def _has_row(connection: Connection, path: str) -> bool:
    """Whether a file is listed, or is garbage."""
    listed = connection.scalar(select(_segment.id).where(_segment.path == path))
    return listed is not None or _is_garbage(connection, path)


def without_row(catalogue: Database, paths: Sequence[str]) -> list[str]:
    """Those of the paths that are neither listed nor garbage."""
    with catalogue.reading() as connection:
        return [path for path in paths if not _has_row(connection, path)]


def insert(connection: Connection, info: SegmentInfo) -> None:
    """List a segment whose file is durable; nothing happens if it is listed already.

    Raises:
        ArchiveError: the path was erased or is another segment's, or the segment does not fit into its recording.
    """
    known = connection.scalar(select(_segment.sha256).where(_segment.path == info.path))
    if known is not None:
        if bytes(known).hex() != info.sha256:
            raise ArchiveError(f"{info.path}: is listed with other content; it was not listed again")
        return
    if _is_garbage(connection, info.path):
        raise ArchiveError(f"{info.path}: was erased; it was not listed again")
    camera_id = _camera(connection, info)
    recording_id = _recording(connection, info, camera_id)
    _refuse_overlap(connection, info, recording_id)
    connection.execute(insert_into(segment_table).values(row_of(info, camera_id, recording_id)))


def row_of(info: SegmentInfo, camera_id: int, recording_id: int) -> dict[str, object]:
    """The row of a segment, without its number."""
    return {
        "camera_id": camera_id,
        "recording_id": recording_id,
        "path": info.path,
        "begins_us": to_us(info.begins_at),
        "ends_us": to_us(info.ends_at),
        "media_start_s": info.media_start_s,
        "duration_s": info.duration_s,
        "frames": info.frames,
        "copied_frames": info.copied_frames,
        "covered_share": info.covered_share,
        "covered": pack_covered(info.covered),
        "size_bytes": info.size_bytes,
        "sha256": bytes.fromhex(info.sha256),
    }


def _is_garbage(connection: Connection, path: str) -> bool:
    return connection.scalar(select(garbage_table.c.id).where(garbage_table.c.path == path)) is not None


def _camera(connection: Connection, info: SegmentInfo) -> int:
    """The number of the segment's camera, which has one segment more now."""
    camera, lasts_us = camera_table.c, to_us(info.ends_at) - to_us(info.begins_at)
    found = connection.execute(
        select(camera.id, camera.longest_us).where(camera.name == info.camera).with_for_update()
    ).one_or_none()
    if found is None:
        first = {"name": info.camera, "segments": 1, "size_bytes": info.size_bytes, "longest_us": lasts_us}
        return int(connection.execute(insert_into(camera_table).values(first).returning(camera.id)).scalar_one())
    grown = {"segments": camera.segments + 1, "size_bytes": camera.size_bytes + info.size_bytes}
    longest = {"longest_us": lasts_us} if lasts_us > found.longest_us else {}
    connection.execute(update(camera_table).where(camera.id == found.id).values(**grown, **longest))
    return int(found.id)


def _recording(connection: Connection, info: SegmentInfo, camera_id: int) -> int:
    recording = recording_table.c
    said = {"camera_id": camera_id, "codec": info.codec, "width": info.width, "height": info.height}
    query = select(recording.id, *(recording[name] for name in said)).where(recording.name == info.recording)
    found = connection.execute(query).one_or_none()
    if found is None:
        new = insert_into(recording_table).values(name=info.recording, **said).returning(recording.id)
        return int(connection.execute(new).scalar_one())
    if tuple(found[1:]) != tuple(said.values()):
        raise ArchiveError(f"{info.path}: its camera, codec or size is not that of its recording; it was not listed")
    return int(found.id)


def _refuse_overlap(connection: Connection, info: SegmentInfo, recording_id: int) -> None:
    start = _segment.media_start_s
    neighbours = select(start, _segment.duration_s).where(_segment.recording_id == recording_id)
    before = connection.execute(
        neighbours.where(start <= info.media_start_s).order_by(start.desc()).limit(1)
    ).one_or_none()
    after = connection.execute(neighbours.where(start > info.media_start_s).order_by(start).limit(1)).one_or_none()
    into_before = before is not None and overlaps(before[0], before[1], info.media_start_s)
    if into_before or (after is not None and overlaps(info.media_start_s, info.duration_s, after[0])):
        raise ArchiveError(f"{info.path}: overlaps another segment of its recording; it was not listed")


def overlaps(start_s: float, duration_s: float, next_start_s: float) -> bool:
    """Whether a segment reaches into the next of its recording, in media time."""
    return next_start_s - start_s < max(duration_s - OVERLAP_S, 1e-9)

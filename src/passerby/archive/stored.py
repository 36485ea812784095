"""What the catalogue tells of segments, made of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, func, select

from passerby.archive.schema import AnyRow, camera_table, from_us, recording_table, segment_table, unpack_covered
from passerby.live import SegmentInfo

_segment = segment_table.c


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment of the catalogue: its number there, what is known of it, and where its file is."""

    id: int
    info: SegmentInfo
    path: Path


@dataclass(frozen=True, slots=True)
class CameraUsage:
    """What one camera's recordings take.

    Attributes:
        camera: its name.
        segments: how many.
        size_bytes: all of them together.
        oldest_at: when the first of them begins.
        newest_at: when the last of them ends.
    """

    camera: str
    segments: int
    size_bytes: int
    oldest_at: datetime
    newest_at: datetime


def within(connection: Connection, camera: str, begins_us: int, ends_us: int) -> list[Any]:
    """What holds for the segments of a camera that overlap a time."""
    found = connection.execute(
        select(camera_table.c.id, camera_table.c.longest_us).where(camera_table.c.name == camera)
    ).one_or_none()
    number, longest_us = found or (-1, 0)
    return [
        _segment.camera_id == number,
        _segment.begins_us > begins_us - longest_us,
        _segment.begins_us < ends_us,
        _segment.ends_us > begins_us,
    ]


def stored_rows() -> Select[Any]:
    """Asks for segments as `info_of` takes them."""
    recording = recording_table.c
    columns = [camera_table.c.name.label("camera"), recording.name.label("recording")]
    return select(segment_table, *columns, recording.codec, recording.width, recording.height).select_from(
        segment_table.join(camera_table, camera_table.c.id == _segment.camera_id).join(
            recording_table, recording.id == _segment.recording_id
        )
    )


def info_of(row: AnyRow) -> SegmentInfo:
    """A segment as it was added, but for its covered seconds, see `pack_covered`."""
    return SegmentInfo(
        camera=row.camera,
        recording=row.recording,
        path=row.path,
        begins_at=from_us(row.begins_us),
        ends_at=from_us(row.ends_us),
        media_start_s=row.media_start_s,
        duration_s=row.duration_s,
        frames=row.frames,
        copied_frames=row.copied_frames,
        covered_share=row.covered_share,
        covered=unpack_covered(row.covered),
        size_bytes=row.size_bytes,
        sha256=row.sha256.hex(),
        codec=row.codec,
        width=row.width,
        height=row.height,
    )


def usage_of_all(connection: Connection) -> list[CameraUsage]:
    """What each camera's recordings take, by name."""
    camera = camera_table.c
    oldest = select(func.min(_segment.begins_us)).where(_segment.camera_id == camera.id).scalar_subquery()
    last = select(_segment.ends_us).where(_segment.camera_id == camera.id).order_by(_segment.begins_us.desc())
    newest = last.limit(1).scalar_subquery()
    query = select(camera.name, camera.segments, camera.size_bytes, oldest, newest).where(camera.segments > 0)
    rows = connection.execute(query.order_by(camera.name)).all()
    return [CameraUsage(*row[:3], from_us(row[3]), from_us(row[4])) for row in rows]

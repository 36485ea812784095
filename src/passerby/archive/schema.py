"""The tables of the catalogue, and how instants and covered seconds are kept in them.

Instants are whole microseconds since 1970 in UTC: whole numbers sort, compare and mean the same in every database, and
no time zone or clock change touches them.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from passerby.live import CoveredSecond

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS, _UNTOLD = 254, 255
_NAMES = {"ix": "ix_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s"}

# SQLite counts its rows itself only where the type is INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of a result, whatever its columns."""

metadata = MetaData(naming_convention=_NAMES)

archive_table = Table(
    "archive",
    metadata,
    Column("id", String(32), primary_key=True),
)
"""One row: the id that the folder of the recordings carries too."""

camera_table = Table(
    "camera",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("segments", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("longest_us", BigInteger, nullable=False),
)
"""Cameras that ever recorded, with what they hold now; `longest_us` of a segment bounds the search for an instant."""

recording_table = Table(
    "recording",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("camera_id", ForeignKey("camera.id"), nullable=False),
    Column("name", String(32), nullable=False, unique=True),
    Column("codec", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
)
"""Unbroken runs of segments: all of one play with the same first bytes."""

segment_table = Table(
    "segment",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("camera_id", ForeignKey("camera.id"), nullable=False),
    Column("recording_id", ForeignKey("recording.id"), nullable=False),
    Column("path", Text, nullable=False, unique=True),
    Column("begins_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("media_start_s", Float(53), nullable=False),
    Column("duration_s", Float(53), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("copied_frames", Integer, nullable=False),
    Column("covered_share", Float(53), nullable=False),
    Column("covered", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    UniqueConstraint("recording_id", "media_start_s"),
    # All that a timeline asks for stands in this index, so that it reads no row.
    Index("ix_segment_timeline", "camera_id", "begins_us", "ends_us", "covered_share"),
)
"""Finished files. `covered` is a byte for each second, see `pack_covered`."""

garbage_table = Table(
    "garbage",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("path", Text, nullable=False, unique=True),
    Column("begins_us", BigInteger, nullable=False),
    Column("erased_us", BigInteger, nullable=False),
)
"""Files that are erased as far as anybody is told, and still have to be unlinked."""

erasure_table = Table(
    "erasure",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("camera", Text, nullable=False),
    Column("begins_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("segments", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False, index=True),
)
"""What was erased, when and why. Never erased itself; it holds no picture."""


def to_us(at: datetime) -> int:
    """An instant as the tables hold it.

    Raises:
        ValueError: it does not say its time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()}: an instant without a time zone")
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The aware UTC datetime of an instant in a table."""
    return _EPOCH + timedelta(microseconds=us)


def pack_covered(covered: tuple[CoveredSecond, ...]) -> bytes:
    """A byte for each second of a segment: its share in 254ths, rounded up, so that little never shows as nothing.

    Seconds that are not told of become 255.
    """
    packed = bytearray()
    for second in covered:
        index = int(second.at_s)
        packed.extend([_UNTOLD] * (index + 1 - len(packed)))
        packed[index] = min(_LEVELS, math.ceil(second.share * _LEVELS - 1e-9))
    return bytes(packed)


def unpack_covered(packed: bytes) -> tuple[CoveredSecond, ...]:
    """The other way; a share is at most 1/254 more than it was, and begins at a whole second."""
    return tuple(
        CoveredSecond(float(second), level / _LEVELS) for second, level in enumerate(packed) if level != _UNTOLD
    )

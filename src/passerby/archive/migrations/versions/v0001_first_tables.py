"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of a new catalogue."""
    op.create_table("archive", sa.Column("id", sa.String(32), primary_key=True))
    _cameras_and_recordings()
    _segments()
    _erased()


def _cameras_and_recordings() -> None:
    op.create_table(
        "camera",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("longest_us", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("name", name="uq_camera_name"),
    )
    op.create_table(
        "recording",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("camera_id", sa.Integer(), sa.ForeignKey("camera.id"), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("codec", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.UniqueConstraint("name", name="uq_recording_name"),
    )


def _segments() -> None:
    op.create_table(
        "segment",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("camera_id", sa.Integer(), sa.ForeignKey("camera.id"), nullable=False),
        sa.Column("recording_id", _NUMBER, sa.ForeignKey("recording.id"), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("begins_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("media_start_s", sa.Float(53), nullable=False),
        sa.Column("duration_s", sa.Float(53), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("copied_frames", sa.Integer(), nullable=False),
        sa.Column("covered_share", sa.Float(53), nullable=False),
        sa.Column("covered", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.UniqueConstraint("path", name="uq_segment_path"),
        sa.UniqueConstraint("recording_id", "media_start_s", name="uq_segment_recording_id"),
    )
    op.create_index("ix_segment_timeline", "segment", ["camera_id", "begins_us", "ends_us", "covered_share"])


def _erased() -> None:
    op.create_table(
        "garbage",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("begins_us", sa.BigInteger(), nullable=False),
        sa.Column("erased_us", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("path", name="uq_garbage_path"),
    )
    op.create_table(
        "erasure",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("begins_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_erasure_at_us", "erasure", ["at_us"])

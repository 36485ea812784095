"""What a row of the catalogue says of a segment, held against the name of its file and against itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from passerby.archive.schema import AnyRow, to_us, unpack_covered

_NAME = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-([0-9a-f]{8})-\d+\.mp4")
_ROUNDED = 0.005
"""Shares of seconds are kept in 254ths, rounded up."""
_ROUNDED_S = 2e-6


def wrong_with_row(row: AnyRow) -> str | None:
    """What cannot be true of a segment, or None.

    Args:
        row: of the segment, with `camera` and `recording` by name, and `of_camera_id` of the recording.
    """
    if not row.path.startswith(f"{row.camera}/"):
        return f"is listed as of the camera {row.camera}, and stands among another's"
    if row.of_camera_id != row.camera_id:
        return "is of another camera than its recording"
    return _wrong_with_name(row) or _wrong_with_figures(row)


def _wrong_with_name(row: AnyRow) -> str | None:
    name = _NAME.fullmatch(row.path.rpartition("/")[2])
    begins_us = _instant_us(name[1]) if name is not None else None
    if name is None or begins_us is None:
        return "is listed, and not named as recordings are"
    if begins_us != row.begins_us // 1000 * 1000:
        return "is listed as begun at another time than its name says"
    if not row.recording.startswith(name[2]):
        return f"is listed in the recording {row.recording[:8]}, and its name says another"
    return None


def _instant_us(stamp: str) -> int | None:
    try:
        return to_us(datetime.strptime(stamp, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC))
    except ValueError:
        return None


def _wrong_with_figures(row: AnyRow) -> str | None:
    if not abs((row.ends_us - row.begins_us) / 1e6 - row.duration_s) <= _ROUNDED_S:
        return "is listed with an end that does not go with its duration"
    if not 0 <= row.copied_frames <= row.frames:
        return f"is listed with {row.copied_frames} frames copied of {row.frames}"
    shares = [second.share for second in unpack_covered(row.covered)]
    if shares and not min(shares) - _ROUNDED <= row.covered_share <= max(shares) + _ROUNDED:
        return "is listed with a covered share that its seconds do not have"
    return None

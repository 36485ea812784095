"""Live parts, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from passerby.live import LivePart

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def init(recording: str = "a" * 32) -> LivePart:
    return LivePart("init", b"init " + recording.encode(), False, "avc1.64001f", AT, 0.0, recording)


def part(number: int, *, keyframe: bool = False, size: int = 100, recording: str = "a" * 32) -> LivePart:
    return LivePart("part", bytes(size), keyframe, "avc1.64001f", AT, float(number), recording)

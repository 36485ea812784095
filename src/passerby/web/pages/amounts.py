"""Amounts as people read them."""

from __future__ import annotations

from datetime import datetime

_SIZES = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_TIMES = (("day", 86_400), ("hour", 3600), ("minute", 60))


def size(size_bytes: int) -> str:
    """In the unit that suits: powers of ten, as disks are sold."""
    for unit, factor in _SIZES:
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} bytes"


def share(part: float) -> str:
    """A share from 0 to 1 in percent; what is more than nothing never reads as nothing."""
    return "< 1 %" if 0 < part < 0.01 else f"{100 * part:.0f} %"


def seconds(duration_s: float) -> str:
    """A short time."""
    return f"{duration_s:.1f} s"


def span(hours: float) -> str:
    """How long something is kept."""
    return f"{hours / 24:g} days" if hours >= 48 and hours % 24 == 0 else f"{hours:g} h"


def ago(at: datetime, now: datetime) -> str:
    """How long something is past; both aware."""
    past_s = max(0.0, (now - at).total_seconds())
    for unit, factor in _TIMES:
        if past_s >= factor:
            count = int(past_s // factor)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{past_s:.0f} s ago"


def instant(at: datetime | None) -> str:
    """An instant in UTC, as it is stored."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""

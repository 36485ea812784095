"""When a camera recorded, joined for a bar on a screen: what is one piece to the eye is one span."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, case, cast, func, select

from passerby.archive.schema import from_us, segment_table

JOIN_US = 2_000_000
"""Segments no further apart are one piece: within a recording, arrival times jitter by less."""
_LEVELS = 16
"""Covered shares in the same sixteenth look the same."""

_segment = segment_table.c


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that was recorded.

    Attributes:
        begins_at: aware UTC.
        ends_at: likewise, later.
        covered_share: painted share of the picture, the mean over this time, from 0 to 1.
    """

    begins_at: datetime
    ends_at: datetime
    covered_share: float


def pieces_in(begins_us: int, ends_us: int, most: int) -> Select[Any, Any, int, Any]:
    """Asks for the segments of a time, those that begin in the same of `most` equal cells put together.

    The database does this where the rows are: a day has thousands of them, and a bar on a screen has not. The rows are
    first beginning, last end, time, time weighted by the covered share; who asks adds which segments.
    """
    cell_us = max(1, -(-(ends_us - begins_us) // most))
    cell = case((_segment.begins_us < begins_us, 0), else_=(_segment.begins_us - begins_us) // cell_us)
    lasts_us = _segment.ends_us - _segment.begins_us
    columns = func.min(_segment.begins_us), func.max(_segment.ends_us), cast(func.sum(lasts_us), BigInteger)
    return select(*columns, func.sum(lasts_us * _segment.covered_share)).group_by(cell).order_by(cell)


def spans_of(pieces: Iterable[tuple[int, int, int, float]], begins_us: int, ends_us: int) -> list[Span]:
    """Join pieces that lie next to each other and look the same.

    A span begins after each gap over `JOIN_US`, and wherever the covered share changes visibly. It is cut to the time
    between the two instants.
    """
    joined: list[tuple[int, int, int, float]] = []
    last_level = -1
    for begins, ends, lasts, covered in pieces:
        level = int(_LEVELS * covered / lasts) if lasts else 0
        if level == last_level and begins - joined[-1][1] <= JOIN_US:
            begun, until, so_far, so_far_covered = joined[-1]
            joined[-1] = begun, max(until, ends), so_far + lasts, so_far_covered + covered
        else:
            joined.append((begins, ends, lasts, covered))
            last_level = level
    return [
        Span(from_us(max(begins, begins_us)), from_us(min(ends, ends_us)), covered / (lasts or 1))
        for begins, ends, lasts, covered in joined
    ]

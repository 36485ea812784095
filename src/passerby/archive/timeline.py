"""When a camera recorded, joined for a bar on a screen: what is one piece to the eye is one span."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from passerby.archive.schema import from_us

JOIN_US = 500_000
"""Segments no further apart are one piece: arrival times jitter by less, reconnecting takes longer."""
_LEVELS = 16
"""Covered shares in the same sixteenth look the same."""


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


class Piece(NamedTuple):
    """A segment, or some, as far as a timeline cares: microseconds since 1970, a share from 0 to 1."""

    begins_us: int
    ends_us: int
    covered_share: float


def spans_of(pieces: Iterable[tuple[int, int, float]], begins_us: int, ends_us: int, most: int) -> list[Span]:
    """Join pieces that rise in `begins_us` into at most `most` spans between two instants.

    As long as there are few enough, a new span begins after each gap over `JOIN_US` and wherever the covered share
    changes visibly. Where there would be more than `most`, changes of share, then gaps, that are shorter than one
    `most`-th of the time asked for vanish.
    """
    cut = [
        Piece(max(begins, begins_us), min(ends, ends_us), share)
        for begins, ends, share in pieces
        if ends > begins_us and begins < ends_us
    ]
    cell_us = -(-(ends_us - begins_us) // most)
    joined = _join(cut, 0, 0)
    if len(joined) > most:
        joined = _join(cut, cell_us, 0)
    if len(joined) > most:
        joined = _join(cut, cell_us, cell_us)
    return [Span(from_us(begins), from_us(ends), share) for begins, ends, share in joined]


def _join(pieces: list[Piece], share_cell_us: int, gap_cell_us: int) -> list[Piece]:
    """A span begins at a visible change `share_cell_us` after the last began, or at a gap `gap_cell_us` after it."""
    joined: list[Piece] = []
    begun, until, level, weighed, weight = 0, 0, -1, 0.0, 0
    for begins, ends, share in pieces:
        apart = begins - until > JOIN_US
        changes = int(share * _LEVELS) != level
        if level < 0 or (apart and begins - begun >= gap_cell_us) or (changes and begins - begun >= share_cell_us):
            if level >= 0:
                joined.append(Piece(begun, until, weighed / weight))
            begun, until, level, weighed, weight = begins, ends, int(share * _LEVELS), 0.0, 0
        until = max(until, ends)
        weighed += share * (ends - begins)
        weight += ends - begins
    if level >= 0:
        joined.append(Piece(begun, until, weighed / weight))
    return joined

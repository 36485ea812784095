"""What is written down beside an unfinished segment, so that what survives a crash can be told of.

One JSON object a line: first what the segment is, then one line for each part, written before the part itself. A line
that is cut off is as good as none. The notes are gone when somebody has taken over the finished segment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from passerby.live import CoveredSecond, SegmentInfo
from passerby.write.parts import Part

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class SegmentNote:
    """What is known of a segment when it begins; attributes as in `SegmentInfo`."""

    camera: str
    recording: str
    begins_at: datetime
    media_start_s: float

    def line(self) -> str:
        """As it is written down."""
        return json.dumps({**asdict(self), "begins_at": self.begins_at.isoformat()}) + "\n"


@dataclass(frozen=True, slots=True)
class PartNote:
    """What is known of a part.

    Attributes:
        duration_s: how long it is.
        frames: how many.
        copied: those that are as the camera sent them.
        covered: for each second of the segment that it reaches into: the second, how much of it lies in this part, and
            the painted share of the picture, the mean over that time; empty if nobody knows.
    """

    duration_s: float
    frames: int
    copied: int = 0
    covered: tuple[tuple[int, float, float], ...] = ()

    def line(self) -> str:
        """As it is written down."""
        return json.dumps(asdict(self)) + "\n"


def note_of(part: Part, segment_starts: int, timescale: int) -> PartNote:
    """The note of a part of the segment that starts there, in units of time from the start of the recording."""
    seconds: dict[int, tuple[float, float]] = {}
    for picture in part.pictures:
        at, end = picture.time - segment_starts, picture.time + picture.duration - segment_starts
        while at < end:
            second = at // timescale
            stop = min(end, (second + 1) * timescale)
            span_s = (stop - at) / timescale
            time_s, painted = seconds.get(second, (0.0, 0.0))
            seconds[second] = (time_s + span_s, painted + span_s * picture.covered_share)
            at = stop
    covered = tuple(
        (second, round(time_s, _DIGITS), round(painted / time_s, _DIGITS))
        for second, (time_s, painted) in seconds.items()
    )
    duration_s = (part.ends - part.starts) / timescale
    return PartNote(duration_s, len(part.pictures), sum(picture.copied for picture in part.pictures), covered)


def read_notes(lines: Iterable[str]) -> tuple[SegmentNote | None, list[PartNote]]:
    """What was written down, as far as it makes sense."""
    segment, parts = None, []
    try:
        for number, line in enumerate(lines):
            found = json.loads(line)
            if number == 0:
                segment = SegmentNote(**{**found, "begins_at": datetime.fromisoformat(found["begins_at"])})
            else:
                parts.append(PartNote(**{**found, "covered": tuple(map(_covered, found["covered"]))}))
    except (ValueError, TypeError, KeyError):
        pass
    return segment, parts


def _covered(entry: Sequence[Any]) -> tuple[int, float, float]:
    second, time_s, share = entry
    return int(second), float(time_s), float(share)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the finished file itself tells; attributes as in `SegmentInfo`."""

    path: str
    size_bytes: int
    sha256: str
    codec: str
    width: int
    height: int


def segment_info(segment: SegmentNote, parts: Sequence[PartNote], file: StoredFile) -> SegmentInfo:
    """All of it, as the catalogue stores it. Shares are means over the time for which they are known."""
    seconds: dict[int, tuple[float, float]] = {}
    for second, span_s, share in (entry for part in parts for entry in part.covered):
        time_s, painted = seconds.get(second, (0.0, 0.0))
        seconds[second] = (time_s + span_s, painted + span_s * share)
    known_s = sum(time_s for time_s, _ in seconds.values())
    painted_s = sum(painted for _, painted in seconds.values())
    duration_s = round(sum(part.duration_s for part in parts), 6)
    return SegmentInfo(
        camera=segment.camera,
        recording=segment.recording,
        path=file.path,
        begins_at=segment.begins_at,
        ends_at=segment.begins_at + timedelta(seconds=duration_s),
        media_start_s=segment.media_start_s,
        duration_s=duration_s,
        frames=sum(part.frames for part in parts),
        copied_frames=sum(part.copied for part in parts),
        covered_share=round(min(1.0, painted_s / known_s), _DIGITS) if known_s else 0.0,
        covered=tuple(
            CoveredSecond(float(second), round(min(1.0, painted / time_s), _DIGITS))
            for second, (time_s, painted) in sorted(seconds.items())
            if time_s
        ),
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        codec=file.codec,
        width=file.width,
        height=file.height,
    )

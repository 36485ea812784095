"""A stretch of recordings as one plain MP4 that plays everywhere: nothing is encoded again, the index comes first."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from passerby.errors import OutputError
from passerby.pending import output_error, pending
from passerby.write.export_kinds import kinds_of
from passerby.write.export_pieces import Piece, bytes_of, pieces_between, track_in
from passerby.write.sample_table import SampleTable

_APART = "Export what is before and after it apart, or leave out the time in which nothing was recorded"


class Export:
    """A file that is not there yet: its index is made, its pictures are still where they were recorded.

    What it holds in memory is the index, about 16 bytes for each picture and 40 for each GOP. The segments have to stay
    until the last chunk was taken.

    Args:
        segments: finished ones, in order; those outside of the stretch may be among them.
        begins_s: from the start of the first segment, 0 or more, counted through the pictures that are there.
        ends_s: likewise; infinity is to the end.
        name: what messages call it.
        gaps_s: for each segment, how long nothing was recorded before it: so long the picture before stands still.
            None takes it that gaps take no time.

    Raises:
        OutputError: nothing was recorded then, a segment is gone or damaged, pictures differ in size or shape, a gap is
            too long for the file to say.
    """

    def __init__(
        self,
        segments: Sequence[Path],
        *,
        begins_s: float,
        ends_s: float,
        name: str,
        gaps_s: Sequence[float] | None = None,
    ) -> None:
        self._segments, self._name = segments, name
        self._kinds = kinds_of([track_in(path, name) for path in segments], name)
        self._table = SampleTable()
        self._numbers, self._starts, self._sizes = array("I"), array("Q"), array("Q")
        self._leads = array("H")
        for piece in pieces_between(segments, begins_s, ends_s, name):
            self._add(piece, gaps_s)
        if not len(self._table):
            raise OutputError(f"{name}: nothing was recorded in that time; nothing was written")
        self._head = self._table.head(self._kinds.tracks)

    @property
    def size_bytes(self) -> int:
        """Of the whole file."""
        return len(self._head) + self._table.size_bytes

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self._table.duration / self._kinds.tracks[0].timescale

    def chunks(self, taken: Callable[[Path], None] = lambda path: None) -> Iterator[bytes]:
        """The file, piece by piece; `taken` is told of each segment that is not needed any more.

        Raises:
            OutputError: a segment is gone, or has become shorter.
        """
        yield self._head
        places = zip(self._numbers, self._leads, self._starts, self._sizes, strict=True)
        for number, run in groupby(places, key=lambda place: place[0]):
            extents = ((self._kinds.leads[kind - 1] if kind else b"", start, size) for _, kind, start, size in run)
            yield from bytes_of(self._segments[number], extents, self._name)
            taken(self._segments[number])

    def _add(self, piece: Piece, gaps_s: Sequence[float] | None) -> None:
        timescale = self._kinds.tracks[0].timescale
        new_segment = len(self._numbers) > 0 and self._numbers[-1] != piece.segment
        if gaps_s is not None and new_segment:
            self._wait(round(sum(gaps_s[self._numbers[-1] + 1 : piece.segment + 1]) * timescale))
        kind = self._kinds.numbers[piece.track]
        lead = self._kinds.leads[kind] if piece.samples[0].keyframe else b""
        self._table.add(piece.samples, timescale // piece.track.timescale, kind=kind, lead_bytes=len(lead))
        self._numbers.append(piece.segment)
        self._leads.append(kind + 1 if lead else 0)
        self._starts.append(piece.data)
        self._sizes.append(piece.size_bytes)

    def _wait(self, duration: int) -> None:
        try:
            self._table.hold(duration)
        except OverflowError:
            raise OutputError(
                f"{self._name}: nothing was recorded for longer than one file can say; nothing was written", hint=_APART
            ) from None


def export(
    segments: Sequence[Path],
    target: Path,
    *,
    begins_s: float,
    ends_s: float,
    name: str,
    gaps_s: Sequence[float] | None = None,
) -> None:
    """Write a stretch of one camera's segments into one MP4; see `Export`.

    It begins with the last keyframe up to `begins_s`, so that a little more may be shown, and ends with the picture
    that is shown just before `ends_s`.

    Raises:
        OutputError: as `Export` does, or the disk does not take it; nothing is left under the name.
    """
    planned = Export(segments, begins_s=begins_s, ends_s=ends_s, name=name, gaps_s=gaps_s)
    with pending(target) as unfinished:
        try:
            with unfinished.part.open("wb") as file:
                file.writelines(planned.chunks())
        except OSError as error:
            raise output_error(target, error) from error
        unfinished.commit()

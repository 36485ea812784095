"""A stretch of recordings as one plain MP4 that plays everywhere: nothing is encoded again, the index comes first."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from math import lcm
from pathlib import Path
from typing import BinaryIO

from passerby.errors import OutputError
from passerby.nal import Bits, ParameterSets, read_avcc
from passerby.pending import output_error, pending
from passerby.write.movie_boxes import LENGTH_BYTES, Sample, Track
from passerby.write.sample_table import SampleTable
from passerby.write.splice import MOST_PPS, MOST_SPS, write_avcc
from passerby.write.stored import NotASegment, StoredSegment, read_init, read_segment

_CHUNK_BYTES = 1 << 20
_LARGEST_TIMESCALE = 2**31 - 1
_APART = "Export the recordings before and after the change apart"


def export(segments: Sequence[Path], target: Path, *, begins_s: float, ends_s: float, name: str) -> None:
    """Write a stretch of one camera's segments into one MP4.

    Times count from the start of the first segment through the pictures that are there: gaps between recordings take
    no time, neither here nor in the file. It begins with the last keyframe up to `begins_s`, so that a little more may
    be shown, and ends with the picture that is shown just before `ends_s`.

    Args:
        segments: finished ones, in order; those outside of the stretch may be among them.
        target: a name that is free.
        begins_s: from the start of the first segment, 0 or more.
        ends_s: likewise; infinity is to the end.
        name: what the result is called in messages.

    Raises:
        OutputError: nothing was recorded then, a segment is gone or damaged, they do not go together in one file, or
            the disk does not take it; nothing is left under the name.
    """
    track = _joined([_track(path, name) for path in segments], name)
    table, extents = SampleTable(), []
    for piece in _between(_pieces(segments, name), begins_s, ends_s):
        table.add(piece.samples, track.timescale // piece.timescale)
        extents.append(piece.extent)
    if not extents:
        raise OutputError(f"{name}: nothing was recorded in that time; nothing was written")
    with pending(target) as unfinished:
        try:
            with unfinished.part.open("wb") as file:
                file.write(table.head(track))
                file.writelines(_bytes_of(extents, name))
        except OSError as error:
            raise output_error(target, error) from error
        unfinished.commit()


@dataclass(frozen=True, slots=True)
class _Extent:
    """Bytes of a file."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Neighbouring pictures of a part: a whole GOP, or the beginning, middle or end of one.

    `begins_s` counts through all segments.
    """

    path: Path
    timescale: int
    begins_s: Fraction
    samples: tuple[Sample, ...]
    data: int

    @property
    def ends_s(self) -> Fraction:
        return self.begins_s + Fraction(sum(sample.duration for sample in self.samples), self.timescale)

    @property
    def extent(self) -> _Extent:
        return _Extent(self.path, self.data, sum(sample.size for sample in self.samples))

    def until(self, ends_s: float) -> _Piece:
        """Without the pictures that are shown later only."""
        at_s, kept = self.begins_s, 0
        while kept < len(self.samples) and at_s < ends_s:
            at_s += Fraction(self.samples[kept].duration, self.timescale)
            kept += 1
        return replace(self, samples=self.samples[:kept])


def _between(pieces: Iterable[_Piece], begins_s: float, ends_s: float) -> Iterator[_Piece]:
    """The pictures of that time, and those before it back to a keyframe."""
    waiting: list[_Piece] = []
    for piece in pieces:
        if piece.begins_s >= ends_s or begins_s >= ends_s:
            return
        if piece.samples[0].keyframe and piece.begins_s <= begins_s:
            waiting.clear()
        waiting.append(piece.until(ends_s))
        if piece.ends_s > begins_s:
            yield from waiting
            waiting.clear()


def _pieces(segments: Sequence[Path], name: str) -> Iterator[_Piece]:
    """All pictures, cut before each keyframe and where parts end."""
    at_s = Fraction(0)
    for path in segments:
        stored = _stored(path, name)
        for part in stored.parts:
            data = part.data
            for samples in _gops(part.samples):
                piece = _Piece(path, stored.track.timescale, at_s, samples, data)
                yield piece
                at_s, data = piece.ends_s, data + piece.extent.size


def _gops(samples: Sequence[Sample]) -> Iterator[tuple[Sample, ...]]:
    edges = [number for number, sample in enumerate(samples) if sample.keyframe and number] + [len(samples)]
    start = 0
    for end in edges:
        yield tuple(samples[start:end])
        start = end


def _stored(path: Path, name: str) -> StoredSegment:
    with _reading(path, name) as file:
        stored = read_segment(file)
        if not stored.whole or not stored.parts:
            raise NotASegment("it ends in the middle of a part")
        return stored


def _track(path: Path, name: str) -> Track:
    with _reading(path, name) as file:
        return read_init(file)[0]


@contextmanager
def _reading(path: Path, name: str) -> Generator[BinaryIO, None, None]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise OutputError(f"{name}: {path.name} is gone, it may have just been erased; nothing was written") from error
    except NotASegment as error:
        raise OutputError(f"{name}: {path.name} is damaged: {error}; nothing was written") from error
    except OSError as error:
        raise OutputError(f"{name}: {path.name} cannot be read; nothing was written") from error


def _bytes_of(extents: Iterable[_Extent], name: str) -> Iterator[bytes]:
    for path, run in groupby(extents, key=lambda extent: extent.path):
        with _reading(path, name) as file:
            for extent in run:
                yield from _read(file, extent)


def _read(file: BinaryIO, extent: _Extent) -> Iterator[bytes]:
    file.seek(extent.start)
    left = extent.size
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise NotASegment("it has become shorter")
        yield chunk
        left -= len(chunk)


def _joined(tracks: Sequence[Track], name: str) -> Track:
    """One track for all: the parameter sets of each, side by side."""
    if not tracks:
        raise OutputError(f"{name}: nothing was recorded in that time; nothing was written")
    first = tracks[0]
    if any(_shape(track) != _shape(first) for track in tracks):
        raise OutputError(f"{name}: the size of the pictures changes in that time; nothing was written", hint=_APART)
    timescale = lcm(*(track.timescale for track in tracks))
    sets = _union(read_avcc(track.avcc) for track in dict.fromkeys(tracks))
    if sets is None or timescale > _LARGEST_TIMESCALE:
        raise OutputError(f"{name}: the camera's settings change in that time; nothing was written", hint=_APART)
    return replace(first, timescale=timescale, avcc=write_avcc(sets, chroma_format=1, bits=8))


def _shape(track: Track) -> tuple[object, ...]:
    return track.width, track.height, track.sample_aspect, track.display_matrix


def _union(every: Iterable[ParameterSets | None]) -> ParameterSets | None:
    """All of them, or None when two differ that go by the same number, or no box holds as many."""
    sps: dict[int, bytes] = {}
    pps: dict[int, bytes] = {}
    for sets in every:
        if sets is None:
            return None
        for known, units, header in ((sps, sets.sps, 4), (pps, sets.pps, 1)):
            if any(known.setdefault(Bits(unit[header:]).ue(), unit) != unit for unit in units):
                return None
    if len(sps) > MOST_SPS or len(pps) > MOST_PPS:
        return None
    return ParameterSets(LENGTH_BYTES, tuple(sps.values()), tuple(pps.values()))

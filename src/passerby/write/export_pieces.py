"""Stretches of segments: their pictures, cut before keyframes, and the bytes of these."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from passerby.errors import OutputError
from passerby.write.movie_boxes import Sample, Track
from passerby.write.stored import NotASegment, StoredSegment, read_init, read_segment

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring pictures of a part: a whole GOP, or the beginning, middle or end of one.

    Attributes:
        segment: number of the segment that holds them.
        track: what that says of its pictures.
        begins_s: when the first is shown, counted through all segments.
        samples: at least one.
        data: where the bytes of the first one are in the segment; the others follow.
    """

    segment: int
    track: Track
    begins_s: Fraction
    samples: tuple[Sample, ...]
    data: int

    @property
    def ends_s(self) -> Fraction:
        """When the last one has been shown."""
        return self.begins_s + Fraction(sum(sample.duration for sample in self.samples), self.track.timescale)

    @property
    def size_bytes(self) -> int:
        """Of all of them."""
        return sum(sample.size for sample in self.samples)

    def until(self, ends_s: float) -> Piece:
        """Without the pictures that are shown later only."""
        at_s, kept = self.begins_s, 0
        while kept < len(self.samples) and at_s < ends_s:
            at_s += Fraction(self.samples[kept].duration, self.track.timescale)
            kept += 1
        return replace(self, samples=self.samples[:kept])


def pieces_between(segments: Sequence[Path], begins_s: float, ends_s: float, name: str) -> Iterator[Piece]:
    """The pictures of that time, and those before it back to a keyframe.

    Raises:
        OutputError: a segment is gone or damaged.
    """
    waiting: list[Piece] = []
    for piece in _pieces(segments, name):
        if piece.begins_s >= ends_s or begins_s >= ends_s:
            return
        if piece.samples[0].keyframe and piece.begins_s <= begins_s:
            waiting.clear()
        waiting.append(piece.until(ends_s))
        if piece.ends_s > begins_s:
            yield from waiting
            waiting.clear()


def _pieces(segments: Sequence[Path], name: str) -> Iterator[Piece]:
    """All pictures, cut before each keyframe and where parts end."""
    at_s = Fraction(0)
    for number, path in enumerate(segments):
        stored = _stored(path, name)
        for part in stored.parts:
            data = part.data
            for samples in _gops(part.samples):
                piece = Piece(number, stored.track, at_s, samples, data)
                yield piece
                at_s, data = piece.ends_s, data + piece.size_bytes


def _gops(samples: Sequence[Sample]) -> Iterator[tuple[Sample, ...]]:
    edges = [number for number, sample in enumerate(samples) if sample.keyframe and number] + [len(samples)]
    start = 0
    for end in edges:
        yield tuple(samples[start:end])
        start = end


def track_in(path: Path, name: str) -> Track:
    """What a segment says of its pictures.

    Raises:
        OutputError: it is gone or damaged.
    """
    with _reading(path, name) as file:
        return read_init(file)[0]


def _stored(path: Path, name: str) -> StoredSegment:
    with _reading(path, name) as file:
        stored = read_segment(file)
        if not stored.whole or not stored.parts:
            raise NotASegment("it ends in the middle of a part")
        return stored


def bytes_of(path: Path, extents: Iterable[tuple[bytes, int, int]], name: str) -> Iterator[bytes]:
    """Of each extent of a segment what leads it in, then its bytes, in chunks.

    Args:
        path: of the segment.
        extents: what leads in, where it starts in the file, and how many bytes it has.
        name: what messages call the result.

    Raises:
        OutputError: the segment is gone, or has become shorter.
    """
    with _reading(path, name) as file:
        for lead, start, size in extents:
            if lead:
                yield lead
            yield from _read(file, start, size)


def _read(file: BinaryIO, start: int, left: int) -> Iterator[bytes]:
    file.seek(start)
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise NotASegment("it has become shorter")
        yield chunk
        left -= len(chunk)


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

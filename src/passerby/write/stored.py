"""A segment read again: where its parts are, and what its track is. Strict: what we would not write is not read."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from passerby import containers, nal
from passerby.write.movie_boxes import (
    BYTES_PER_SAMPLE,
    LENGTH_BYTES,
    Sample,
    Track,
    fragment_head,
    init_segment,
    is_keyframe,
)

_LARGEST_HEAD = 1 << 20
_HEAD_BYTES = 88
"""Of a `moof` box without its samples."""
_PICTURES = frozenset({nal.SLICE, nal.IDR})


class NotASegment(ValueError):
    """These bytes are none that a `SegmentWriter` writes; the message says what is wrong, in words."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A whole part.

    Attributes:
        starts: when its first picture is shown, in units of time from the start of the segment.
        samples: its pictures.
        data: where the bytes of the first one are in the file; the others follow without gaps.
        end: where the part ends in the file.
    """

    starts: int
    samples: tuple[Sample, ...]
    data: int
    end: int

    @property
    def duration(self) -> int:
        """In units of time."""
        return sum(sample.duration for sample in self.samples)


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment, or what there is of one.

    Attributes:
        track: what its init says.
        parts: the whole ones, in order.
        end: where the last of them ends in the file.
        whole: nothing stands after it.
    """

    track: Track
    parts: tuple[StoredPart, ...]
    end: int
    whole: bool


def read_init(file: BinaryIO) -> tuple[Track, int]:
    """The track of a segment, and where its init ends in the file.

    Raises:
        NotASegment: the init is not one of ours.
    """
    size, end = file.seek(0, os.SEEK_END), 0
    for kind in (b"ftyp", b"moov"):
        length = _length_at(file, end, kind)
        if not 8 <= length <= min(size - end, _LARGEST_HEAD):
            raise NotASegment("it does not begin as a segment does")
        end += length
    file.seek(0)
    data = file.read(end)
    try:
        track = _track(data)
    except (struct.error, IndexError, ArithmeticError) as error:
        raise NotASegment("its init makes no sense") from error
    if init_segment(track) != data:
        raise NotASegment("its init is not one that passerby writes")
    _check_sets(track)
    return track, end


def read_segment(file: BinaryIO) -> StoredSegment:
    """Everything up to the first byte that belongs to no whole part.

    Raises:
        NotASegment: not even the init is one of ours.
    """
    track, at = read_init(file)
    size = file.seek(0, os.SEEK_END)
    parts: list[StoredPart] = []
    shown = 0
    while (part := _part_at(file, at, size)) is not None and part.starts == shown:
        parts.append(part)
        shown, at = part.starts + part.duration, part.end
    return StoredSegment(track, tuple(parts), at, at == size)


def pictures_of(file: BinaryIO, part: StoredPart) -> Iterator[tuple[Sample, bytes]]:
    """Each picture of a part, with its bytes."""
    file.seek(part.data)
    for sample in part.samples:
        yield sample, file.read(sample.size)


def is_sound(sample: Sample, data: bytes) -> bool:
    """Whether the bytes of a picture divide into NAL units that may stand there.

    A crash of the whole machine may leave zeros where bytes should be. No NAL unit holds three zeros in a row, or ends
    with one (H.264 7.4.1), so that they are found.
    """
    try:
        units = list(_units(data))
    except ValueError:
        return False
    kinds = [nal.unit_type(unit) for unit in units]
    pictures = [kind for kind in kinds if kind in _PICTURES]
    return (
        bool(pictures)
        and {*kinds} <= {*_PICTURES, nal.SEI}
        and (pictures[0] == nal.IDR) == sample.keyframe
        and not any(b"\0\0\0" in unit or unit.endswith(b"\0") for unit in units)
    )


def _units(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        start = at + LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if not start < at <= len(data):
            raise ValueError
        yield data[start:at]


def _check_sets(track: Track) -> None:
    sets = nal.read_avcc(track.avcc)
    try:
        sound = sets is not None and bool(sets.numbers)
    except ValueError:
        sound = False
    if not sound:
        raise NotASegment("its parameter sets make no sense")


def _track(data: bytes) -> Track:
    def content(path: str) -> bytes:
        found = containers.box(data, path)
        return found.read(data) if found is not None else b""

    timescale = struct.unpack_from(">I", content("moov/trak/mdia/mdhd"), 12)[0]
    matrix = struct.unpack_from(">9i", content("moov/trak/tkhd"), 40)
    entry = content("moov/trak/mdia/minf/stbl/stsd")[16:]
    width, height = struct.unpack_from(">2H", entry, 24)
    inside = {part.name: part.read(entry) for part in containers.boxes(entry, 78)}
    aspect = Fraction(*struct.unpack(">2I", inside["pasp"])) if "pasp" in inside else Fraction(1)
    return Track(width, height, timescale, inside.get("avcC", b""), aspect, matrix)


def _length_at(file: BinaryIO, at: int, kind: bytes) -> int:
    """Of the box of that type that begins there; 0 if none does."""
    file.seek(at)
    head = file.read(8)
    if len(head) < 8 or head[4:] != kind:
        return 0
    return int.from_bytes(head[:4], "big")


def _part_at(file: BinaryIO, at: int, size: int) -> StoredPart | None:
    length = _length_at(file, at, b"moof")
    if not _HEAD_BYTES < length <= min(size - at, _LARGEST_HEAD) or (length - _HEAD_BYTES) % BYTES_PER_SAMPLE:
        return None
    file.seek(at)
    head = file.read(length + 8)
    number, starts = struct.unpack_from(">I", head, 20)[0], struct.unpack_from(">Q", head, 60)[0]
    samples = tuple(
        Sample(duration, length, is_keyframe(flags))
        for duration, length, flags in struct.iter_unpack(">3I", head[_HEAD_BYTES:length])
    )
    end = at + len(head) + sum(sample.size for sample in samples)
    if end > size or fragment_head(number, starts, samples) != head:
        return None
    return StoredPart(starts, samples, at + len(head), end)

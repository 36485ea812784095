"""The boxes that list every picture of a plain MP4 (ISO/IEC 14496-12 8.6, 8.7): its index comes first."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from itertools import groupby

from passerby.write.movie_boxes import Sample, Track, box, full_box, movie

_LARGEST_PLAIN = 0xFFFFFFFF - (64 << 20)
"""Bytes of pictures in a file whose offsets are all sure to fit into 32 bits."""


class SampleTable:
    """Pictures in the order in which they are shown, which is that of decoding; some bytes for each."""

    def __init__(self) -> None:
        self._durations = array("I")
        self._sizes = array("I")
        self._keyframes = array("I")
        self._chunk_counts, self._chunk_kinds, self._chunk_sizes = array("I"), array("I"), array("Q")

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def duration(self) -> int:
        """Of all of them, in units of time."""
        return sum(self._durations)

    def add(self, samples: Sequence[Sample], times: int, *, kind: int = 0, lead_bytes: int = 0) -> None:
        """Neighbouring pictures, whose bytes follow one another.

        Args:
            samples: the pictures.
            times: turns their units of time into the file's.
            kind: which of the kinds in `head` they are.
            lead_bytes: that stand before those of the first picture, and belong to it.
        """
        first = len(self._sizes)
        for sample in samples:
            self._durations.append(sample.duration * times)
            self._sizes.append(sample.size)
            if sample.keyframe:
                self._keyframes.append(len(self._sizes))
        self._sizes[first] += lead_bytes
        self._chunk_counts.append(len(samples))
        self._chunk_kinds.append(kind)
        self._chunk_sizes.append(lead_bytes + sum(sample.size for sample in samples))

    def hold(self, duration: int) -> None:
        """Show the last picture for so many units of time longer.

        Raises:
            OverflowError: that is longer than a picture can be shown.
        """
        self._durations[-1] += duration

    @property
    def size_bytes(self) -> int:
        """Of all pictures."""
        return sum(self._chunk_sizes)

    def head(self, kinds: Sequence[Track]) -> bytes:
        """Everything of a plain file up to the first picture's bytes: `ftyp`, `moov` and the head of `mdat`."""
        size = self.size_bytes
        wide = size > _LARGEST_PLAIN
        brands = box(b"ftyp", b"isom", bytes(4), b"isom", b"iso2", b"avc1", b"mp41")
        mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + size) if wide else struct.pack(">I4s", 8 + size, b"mdat")
        # How long the index is does not depend on where the pictures begin.
        length = len(brands) + len(movie(kinds, self.duration, self._tables(0, wide=wide))) + len(mdat)
        return brands + movie(kinds, self.duration, self._tables(length, wide=wide)) + mdat

    def _tables(self, first: int, *, wide: bool) -> list[bytes]:
        """`first` is where the bytes of the first picture are in the file."""
        runs = [(len(list(run)), duration) for duration, run in groupby(self._durations)]
        times = full_box(b"stts", 0, 0, _numbers(len(runs)), *(struct.pack(">2I", *run) for run in runs))
        keyframes = full_box(b"stss", 0, 0, _numbers(len(self._keyframes)), _big_endian(self._keyframes))
        sizes = full_box(b"stsz", 0, 0, _numbers(0, len(self._sizes)), _big_endian(self._sizes))
        return [times, keyframes, self._chunk_lengths(), sizes, self._offsets(first, wide=wide)]

    def _chunk_lengths(self) -> bytes:
        entries, before = [], None
        for number, alike in enumerate(zip(self._chunk_counts, self._chunk_kinds, strict=True)):
            if alike != before:
                entries.append(struct.pack(">3I", number + 1, alike[0], alike[1] + 1))
            before = alike
        return full_box(b"stsc", 0, 0, _numbers(len(entries)), *entries)

    def _offsets(self, first: int, *, wide: bool) -> bytes:
        offsets, at = array("Q"), first
        for size in self._chunk_sizes:
            offsets.append(at)
            at += size
        kind, code = (b"co64", "Q") if wide else (b"stco", "I")
        return full_box(kind, 0, 0, _numbers(len(offsets)), _big_endian(array(code, offsets)))


def _numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _big_endian(numbers: array[int]) -> bytes:
    return struct.pack(f">{len(numbers)}{numbers.typecode}", *numbers)

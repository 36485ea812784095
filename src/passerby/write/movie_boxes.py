"""The boxes of an MP4 of one H.264 track (ISO/IEC 14496-12 and 14496-15): what playing needs, and nothing else.

FFmpeg's muxer is not used for what is recorded live: it decides for itself when bytes go out, and every byte here must
be known. No dates, no names, no tags: where the format wants one, it is zero or empty.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

_IDENTITY = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_NO_LANGUAGE = 0x55C4  # "und"
_SYNC, _DEPENDS = 0x02000000, 0x01010000
_TRACK = 1

LENGTH_BYTES = 4
"""Of the length before each NAL unit."""
BYTES_PER_SAMPLE = 12
"""In a `trun` box: duration, size and flags of each."""
TRUN_FLAGS = 0x000701
"""Its offset to the data, then those three."""
TFHD_FLAGS = 0x020000
"""Offsets count from the `moof` box."""


@dataclass(frozen=True, slots=True)
class Track:
    """What a player is told of the pictures before the first one.

    Attributes:
        width: of the stored picture, in pixels.
        height: likewise.
        timescale: units of time in a second.
        avcc: the content of the avcC box, with all parameter sets.
        sample_aspect: width of a pixel over its height.
        display_matrix: the nine integers that turn the picture, or None.
    """

    width: int
    height: int
    timescale: int
    avcc: bytes = field(repr=False)
    sample_aspect: Fraction = Fraction(1)
    display_matrix: tuple[int, ...] | None = None

    @property
    def codec(self) -> str:
        """As in RFC 6381: "avc1.64001f"."""
        return f"avc1.{self.avcc[1:4].hex()}"

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in pixels as people see it: turned by a quarter, where the matrix does that."""
        across, along = (self.display_matrix or _IDENTITY)[:2]
        return (self.height, self.width) if abs(along) > abs(across) else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Sample:
    """One coded picture as a track run lists it: how long it is shown in units of time, its bytes, its kind."""

    duration: int
    size: int
    keyframe: bool


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of this type."""
    return struct.pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)


def full_box(kind: bytes, version: int, flags: int, *content: bytes) -> bytes:
    """A box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def init_segment(track: Track) -> bytes:
    """`ftyp` and `moov` of a fragmented file: the parts can follow at once, from any keyframe."""
    brands = box(b"ftyp", b"iso6", bytes(4), b"iso6", b"iso5", b"mp41", b"avc1")
    tables = [full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">5I", _TRACK, 1, 0, 0, 0)))
    return brands + movie([track], 0, [*tables, full_box(b"stsz", 0, 0, bytes(8))], extends)


def movie(kinds: Sequence[Track], duration: int, tables: Sequence[bytes], extends: bytes = b"") -> bytes:
    """`moov` of one track.

    Args:
        kinds: of pictures in it, one after the other; of one size, shape and timescale.
        duration: in units of time.
        tables: the boxes beside `stsd` in `stbl`.
        extends: `mvex`, of a fragmented file.
    """
    track = kinds[0]
    version, wide = (1, "Q") if duration > 0xFFFFFFFF else (0, "I")
    dates = struct.pack(">2" + wide, 0, 0)
    length = struct.pack(">" + wide, duration)
    scale = struct.pack(">I", track.timescale)
    header = full_box(
        b"mvhd", version, 0, dates, scale, length, struct.pack(">IH", 1 << 16, 1 << 8), bytes(10),
        struct.pack(">9i", *_IDENTITY), bytes(24), struct.pack(">I", _TRACK + 1),
    )  # fmt: skip
    media = box(
        b"mdia",
        full_box(b"mdhd", version, 0, dates, scale, length, struct.pack(">HH", _NO_LANGUAGE, 0)),
        full_box(b"hdlr", 0, 0, bytes(4), b"vide", bytes(13)),
        box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), _data_here(), box(b"stbl", _kinds(kinds), *tables)),
    )
    return box(b"moov", header, box(b"trak", _track_header(track, version, dates, length), media), extends)


def _track_header(track: Track, version: int, dates: bytes, length: bytes) -> bytes:
    matrix = struct.pack(">9i", *(track.display_matrix or _IDENTITY))
    shown_width = round(track.width * track.sample_aspect * (1 << 16))
    size = struct.pack(">2I", min(shown_width, 0xFFFFFFFF), track.height << 16)
    numbers = struct.pack(">2I", _TRACK, 0)
    return full_box(b"tkhd", version, 3, dates, numbers, length, bytes(16), matrix, size)


def _data_here() -> bytes:
    return box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))


def _kinds(tracks: Sequence[Track]) -> bytes:
    """`stsd`. Where there are several, their pictures carry parameter sets, too, which is what `avc3` says."""
    code = b"avc1" if len(tracks) == 1 else b"avc3"
    return full_box(b"stsd", 0, 0, struct.pack(">I", len(tracks)), *(_entry(code, track) for track in tracks))


def _entry(code: bytes, track: Track) -> bytes:
    """The size of pictures and their parameter sets."""
    aspect = track.sample_aspect
    shape = b"" if aspect == 1 else box(b"pasp", struct.pack(">2I", aspect.numerator, aspect.denominator))
    return box(
        code, bytes(6), struct.pack(">H", 1), bytes(16), struct.pack(">2H", track.width, track.height),
        struct.pack(">3IH", 72 << 16, 72 << 16, 0, 1), bytes(32), struct.pack(">Hh", 24, -1),
        box(b"avcC", track.avcc), shape,
    )  # fmt: skip


def is_keyframe(flags: int) -> bool:
    """What the flags of a sample say."""
    return flags == _SYNC


def fragment_head(number: int, starts: int, samples: Sequence[Sample]) -> bytes:
    """`moof` and the head of `mdat`; the samples' bytes have to follow.

    Args:
        number: of this part, from 1, rising.
        starts: when the first sample is shown, in units of time.
        samples: in the order in which they are shown, which is that of decoding.
    """
    size = sum(sample.size for sample in samples)
    length = 8 + 16 + 8 + 16 + 20 + 20 + BYTES_PER_SAMPLE * len(samples)
    listed = b"".join(
        struct.pack(">3I", sample.duration, sample.size, _SYNC if sample.keyframe else _DEPENDS) for sample in samples
    )
    run = full_box(b"trun", 0, TRUN_FLAGS, struct.pack(">2I", len(samples), length + 8), listed)
    decode_time = full_box(b"tfdt", 1, 0, struct.pack(">Q", starts))
    header = full_box(b"tfhd", 0, TFHD_FLAGS, struct.pack(">I", _TRACK))
    moof = box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", number)), box(b"traf", header, decode_time, run))
    return moof + struct.pack(">I4s", 8 + size, b"mdat")

"""H.264 and HEVC bit streams as far as this package must read them: NAL units, parameter sets, SEI payload types.

Sources: ITU-T H.264 (08/2021) clauses 7.3 and D.1, ITU-T H.265 (08/2021) clause 7.3, ISO/IEC 14496-15 for avcC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from passerby.errors import SourceDamaged

SLICE, IDR, SEI, SPS, PPS, AUD = 1, 5, 6, 7, 8, 9
HEVC_PREFIX_SEI, HEVC_SUFFIX_SEI = 39, 40

# SEI payload types of ITU-T H.274 and H.264 annex D that turn up in real files.
SEI_NAMES = {
    0: "buffering period",
    1: "picture timing",
    3: "filler",
    4: "registered user data (captions)",
    5: "unregistered user data",
    6: "recovery point",
    19: "film grain",
    45: "frame packing",
    47: "display orientation",
    129: "active parameter sets",
    132: "picture hash",
    136: "time code",
    137: "mastering display colour",
    144: "content light level",
    147: "alternative transfer",
}
_HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What an avcC box holds.

    Attributes:
        length_bytes: size of the length before each NAL unit of a packet, 1 to 4.
        sps: sequence parameter sets, as stored.
        pps: picture parameter sets, as stored.
    """

    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """The part of an H.264 SPS that decides whether its pictures may be copied.

    Attributes:
        profile_idc: the profile's number.
        bits: bits per luma sample.
        chroma_format: 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
        frames_only: no picture is a field and no macroblock is coded as one.
        crop: pixels left out at the left, right, top and bottom edge.
    """

    profile_idc: int
    bits: int
    chroma_format: int
    frames_only: bool
    crop: tuple[int, int, int, int]


def parameter_sets(avcc: bytes) -> ParameterSets | None:
    """What the avcC box holds, or None when these bytes are no whole avcC (Annex B, cut off)."""
    if len(avcc) < 7 or avcc[0] != 1:
        return None
    at, groups = 5, []
    try:
        for mask in (0x1F, 0xFF):
            count, at = avcc[at] & mask, at + 1
            units = []
            for _ in range(count):
                size = int.from_bytes(avcc[at : at + 2], "big")
                if not size or at + 2 + size > len(avcc):
                    return None
                units.append(avcc[at + 2 : at + 2 + size])
                at += 2 + size
            groups.append(tuple(units))
    except IndexError:
        return None
    return ParameterSets((avcc[4] & 3) + 1, groups[0], groups[1])


def prefixed_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units of a packet that gives each one's length first.

    Raises:
        SourceDamaged: a length reaches over the end of the packet.
    """
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if at + size > len(data):
            raise SourceDamaged("a NAL unit reaches over the end of its packet")
        if size:
            yield data[at : at + size]
        at += size


def annex_b_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a packet that separates them by start codes."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit
        start = end


def readable(units: Iterator[bytes]) -> Iterator[bytes]:
    """The NAL units up to the first that is damaged."""
    try:
        yield from units
    except SourceDamaged:
        return


def unit_type(unit: bytes) -> int:
    """H.264 nal_unit_type, 0 to 31."""
    return unit[0] & 0x1F


def hevc_unit_type(unit: bytes) -> int:
    """HEVC nal_unit_type, 0 to 63."""
    return unit[0] >> 1 & 0x3F


def starts_picture(unit: bytes) -> bool:
    """Whether an H.264 slice is the first of its picture: first_mb_in_slice is 0, coded as a single set bit."""
    return len(unit) > 1 and bool(unit[1] & 0x80)


def payload_types(unit: bytes, header_bytes: int = 1) -> Iterator[int]:
    """The payload types of an SEI NAL unit; stops quietly where the unit is malformed."""
    body = unit[header_bytes:].replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 <= len(body) and body[at:] != b"\x80":
        kind, at = _sei_number(body, at)
        size, at = _sei_number(body, at)
        yield kind
        at += size


def _sei_number(body: bytes, at: int) -> tuple[int, int]:
    value = 0
    while at < len(body) and body[at] == 255:
        value, at = value + 255, at + 1
    return value + (body[at] if at < len(body) else 0), at + 1


class _Bits:
    """Reads an RBSP bit by bit; raises IndexError at its end."""

    def __init__(self, unit: bytes) -> None:
        self._data = unit.replace(b"\0\0\3", b"\0\0")
        self._at = 0

    def u(self, count: int) -> int:
        value = 0
        for _ in range(count):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise IndexError("no Exp-Golomb code")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def sequence_parameters(sps: bytes) -> SequenceParameters | None:
    """Reads an H.264 SPS (clause 7.3.2.1.1), or None when it is malformed."""
    try:
        return _sequence_parameters(_Bits(sps))
    except IndexError:
        return None


def _sequence_parameters(bits: _Bits) -> SequenceParameters:
    bits.u(8)
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, depth, separate = _sample_format(bits) if profile in _HIGH_PROFILES else (1, 8, False)
    _skip_order_counts(bits)
    bits.ue()
    bits.u(1)
    bits.ue()
    bits.ue()
    frames_only = bool(bits.u(1))
    if not frames_only:
        bits.u(1)
    bits.u(1)
    crop = (bits.ue(), bits.ue(), bits.ue(), bits.ue()) if bits.u(1) else (0, 0, 0, 0)
    across = 2 if chroma in (1, 2) and not separate else 1
    down = (2 if chroma == 1 and not separate else 1) * (1 if frames_only else 2)
    pixels = (crop[0] * across, crop[1] * across, crop[2] * down, crop[3] * down)
    return SequenceParameters(profile, depth, chroma, frames_only, pixels)


def _sample_format(bits: _Bits) -> tuple[int, int, bool]:
    chroma = bits.ue()
    separate = bool(bits.u(1)) if chroma == 3 else False
    depth = 8 + max(bits.ue(), bits.ue())
    bits.u(1)
    if bits.u(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depth, separate


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = upcoming = 8
    for _ in range(size):
        if upcoming:
            upcoming = (last + bits.se()) % 256
        last = upcoming or last


def _skip_order_counts(bits: _Bits) -> None:
    bits.ue()
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()


def may_be_redundant(pps: bytes) -> bool:
    """Whether pictures of this H.264 PPS (clause 7.3.2.2) may have second versions that no decoder shows.

    Slice groups, which only the same old profiles have, count as yes: the flag stands behind them.
    """
    bits = _Bits(pps)
    try:
        bits.u(8)
        bits.ue()
        bits.ue()
        bits.u(2)
        if bits.ue():
            return True
        bits.ue()
        bits.ue()
        bits.u(3)
        for _ in range(3):
            bits.se()
        bits.u(2)
        return bool(bits.u(1))
    except IndexError:
        return True

"""The NAL units of H.264 and HEVC packets: where they lie, what kind they are, which SEI messages they hold.

Sources: ITU-T H.264 (08/2021) clauses 7.3.1 and D.1, ITU-T H.265 (08/2021) clause 7.3.1, ISO/IEC 14496-15 for avcC.
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

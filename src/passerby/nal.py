"""NAL units of H.264 and HEVC, taken apart: where they lie, what kind they are, which SEI messages they hold.

For what reads and what writes; the check of finished files (`check/bitstream.py`) has a parser of its own.

Sources: ITU-T H.264 (08/2021) clauses 7.3.1, 7.3.2.3.1, 7.4.1 and 9.1, annexes B and D; ITU-T H.265 (08/2021) clause
7.3; ISO/IEC 14496-15 clause 5.3.3 for the avcC box.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS, AUD = 1, 5, 6, 7, 8, 9
"""H.264 nal_unit_type."""

HEVC_PREFIX_SEI, HEVC_SUFFIX_SEI = 39, 40
"""HEVC nal_unit_type."""

HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""H.264 profile_idc of the profiles whose SPS and avcC box tell the sample format (7.3.2.1.1)."""

DISPLAY_MESSAGES: Mapping[int, int] = {6: 8, 45: 32, 137: 24, 144: 4, 147: 1}
"""SEI payload types that showing a picture needs, with the longest payload in bytes that each may have: recovery point,
frame packing, mastering display, content light level, alternative transfer. A longer one would carry something else."""

_MOST_ZEROS = 32
"""Leading zeros of the longest Exp-Golomb code that H.264 has."""


def unit_type(unit: bytes) -> int:
    """H.264 nal_unit_type, 0 to 31."""
    return unit[0] & 0x1F


def starts_picture(unit: bytes) -> bool:
    """Whether an H.264 slice is the first of its picture: first_mb_in_slice is 0, coded as a single set bit."""
    return len(unit) > 1 and bool(unit[1] & 0x80)


def hevc_unit_type(unit: bytes) -> int:
    """HEVC nal_unit_type, 0 to 63."""
    return unit[0] >> 1 & 0x3F


def annex_b_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a packet that separates them by start codes (annex B)."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit
        start = end


def prefixed_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units of a packet that gives each one's length first, as MP4 stores them.

    Raises:
        ValueError: a length is cut off or reaches over the end.
    """
    at = 0
    while at < len(data):
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data) or start > len(data):
            raise ValueError("a NAL unit reaches over the end of its packet")
        if at > start:
            yield data[start:at]


def unescaped(unit: bytes) -> bytes:
    """Without emulation prevention bytes (H.264 7.4.1). Occurrences do not overlap: after such a byte counting starts
    anew, and so does `replace`."""
    return unit.replace(b"\0\0\3", b"\0\0")


def messages(sei: bytes, header_bytes: int) -> Iterator[tuple[int, int, bytes]]:
    """Payload type, stated size and payload of each message of an SEI unit; one that is cut off has a shorter payload.

    Args:
        sei: the NAL unit.
        header_bytes: of the NAL unit header: 1 in H.264, 2 in HEVC.

    Raises:
        ValueError: a type or size is cut off.
    """
    body = unescaped(sei[header_bytes:])
    at, end = 0, len(body.rstrip(b"\0")) - 1  # the last byte that is not zero holds the stop bit
    while at < end:
        kind, at = _message_number(body, at)
        size, at = _message_number(body, at)
        if at > end:
            raise ValueError("an SEI message is cut off")
        yield kind, size, body[at : min(at + size, end)]
        at += size


def _message_number(body: bytes, at: int) -> tuple[int, int]:
    """A number as SEI headers write it, and where it ends."""
    value = 0
    while body[at : at + 1] == b"\xff":
        value, at = value + 255, at + 1
    if at >= len(body):
        raise ValueError("an SEI message is cut off")
    return value + body[at], at + 1


class Bits:
    """Reads a NAL unit, or the end of one, bit by bit; names are those of H.264's descriptors (7.2, 9.1)."""

    def __init__(self, unit: bytes) -> None:
        """`unit` as it is stored."""
        self._data = unescaped(unit)
        self._at = 0

    def u(self, count: int) -> int:
        """`count` bits as an unsigned number; raises ValueError at the end."""
        value = 0
        for _ in range(count):
            if self._at >> 3 >= len(self._data):
                raise ValueError("a NAL unit is cut off")
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def ue(self) -> int:
        """An unsigned Exp-Golomb code; raises ValueError where there is none."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise ValueError("a NAL unit holds no Exp-Golomb code where one belongs")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb code; raises ValueError where there is none."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What an avcC box holds.

    Attributes:
        length_bytes: size of the length before each NAL unit of a packet, 1 to 4.
        sps: sequence parameter sets, whole NAL units.
        pps: picture parameter sets, likewise.
        extended: an SPS extension (alpha pictures) stands in it.
    """

    length_bytes: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    extended: bool = False

    @property
    def numbers(self) -> set[int]:
        """The ids that SPS and PPS go by.

        Raises:
            ValueError: one of them is cut off.
        """
        return {Bits(unit[4:]).ue() for unit in self.sps} | {Bits(unit[1:]).ue() for unit in self.pps}


def read_avcc(box: bytes) -> ParameterSets | None:
    """What an avcC box holds, or None when these bytes are no whole avcC (annex B, cut off)."""
    if len(box) < 7 or box[0] != 1:
        return None
    at, groups = 5, []
    for mask in (0x1F, 0xFF):
        if at >= len(box):
            return None
        count, at = box[at] & mask, at + 1
        units = []
        for _ in range(count):
            start, at = at + 2, at + 2 + int.from_bytes(box[at : at + 2], "big")
            if at > len(box) or at == start:
                return None
            units.append(box[start:at])
        groups.append(tuple(units))
    extended = len(box) >= at + 4 and box[at + 3] > 0
    return ParameterSets((box[4] & 3) + 1, groups[0], groups[1], extended)

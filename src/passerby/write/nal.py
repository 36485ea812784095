"""NAL units and SEI messages of H.264 and HEVC: taken apart, filtered by an allow-list, put together again.

Sources: ITU-T H.264 (08/2021) clauses 7.3.1, 7.3.2.3.1 and 7.4.1, annexes B and D; ITU-T H.265 (08/2021) clause 7.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
"""H.264 nal_unit_type."""

DISPLAY_MESSAGES: Mapping[int, int] = {6: 8, 45: 32, 137: 24, 144: 4, 147: 1}
"""SEI payload types that showing a picture needs, with the longest payload in bytes that each may have: recovery point,
frame packing, mastering display, content light level, alternative transfer. A longer one would carry something else."""

TIMING_MESSAGES: Mapping[int, int] = {0: 255, 1: 255}
"""Buffering period and picture timing: wanted from our own encoders (field order), not from a camera, whose picture
timing may hold the time of day."""


def annex_b_units(data: bytes) -> Iterator[bytes]:
    """NAL units separated by start codes (annex B)."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit
        start = end


def prefixed_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """NAL units behind their length, as MP4 stores them.

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


def prefixed(units: Iterable[bytes], length_bytes: int) -> bytes:
    """One packet, each unit behind its length.

    Raises:
        OverflowError: a unit is longer than its length field can say.
    """
    return b"".join(len(unit).to_bytes(length_bytes, "big") + unit for unit in units)


def annex_b(units: Iterable[bytes]) -> bytes:
    """One packet, each unit behind a start code of four bytes."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def without_other_messages(sei: bytes, header_bytes: int, wanted: Mapping[int, int]) -> bytes | None:
    """An SEI NAL unit with the `wanted` messages only, or None when none is left or the unit makes no sense.

    Args:
        sei: the NAL unit.
        header_bytes: of the NAL unit header: 1 in H.264, 2 in HEVC.
        wanted: payload types, with the longest payload in bytes.
    """
    kept = b""
    try:
        for kind, payload in _messages(sei[header_bytes:].replace(b"\0\0\3", b"\0\0")):
            if len(payload) <= wanted.get(kind, -1):
                kept += _number(kind) + _number(len(payload)) + payload
    except (IndexError, ValueError):
        return None
    return sei[:header_bytes] + _escaped(kept + b"\x80") if kept else None


def unsigned_exp_golomb(unit: bytes, skip: int, count: int) -> tuple[int, ...]:
    """The first `count` values ue(v) of a NAL unit, after `skip` bytes (H.264 9.1).

    Raises:
        ValueError: the unit ends before.
    """
    body = unit[skip : skip + 32].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{byte:08b}" for byte in body)
    values: list[int] = []
    at = 0
    for _ in range(count):
        one = bits.find("1", at)
        end = 2 * one - at + 1
        if one < 0 or end > len(bits):
            raise ValueError("a NAL unit is cut off")
        values.append(int(bits[one:end], 2) - 1)
        at = end
    return tuple(values)


def _messages(payload: bytes) -> Iterator[tuple[int, bytes]]:
    at, end = 0, len(payload.rstrip(b"\0")) - 1  # the last byte that is not zero is the stop bit
    while at < end:
        kind, at = _read_number(payload, at)
        size, at = _read_number(payload, at)
        if at + size > end:
            raise ValueError("an SEI message is longer than its NAL unit")
        yield kind, payload[at : at + size]
        at += size


def _read_number(payload: bytes, at: int) -> tuple[int, int]:
    value = 0
    while payload[at] == 0xFF:
        value, at = value + 255, at + 1
    return value + payload[at], at + 1


def _number(value: int) -> bytes:
    return b"\xff" * (value // 255) + bytes([value % 255])


def _escaped(payload: bytes) -> bytes:
    escaped, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(escaped)

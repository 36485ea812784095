"""NAL units on their way out: SEI messages filtered by an allow-list, packets put together.

Sources: ITU-T H.264 (08/2021) clauses 7.3.2.3.1 and 7.4.1, annexes B and D; ITU-T H.265 (08/2021) clause 7.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from passerby.nal import messages

TIMING_MESSAGES: Mapping[int, int] = {0: 255, 1: 255}
"""Buffering period and picture timing: wanted from our own encoders (field order), not from a camera, whose picture
timing may hold the time of day."""


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
        for kind, size, payload in messages(sei, header_bytes):
            if len(payload) < size:
                return None
            if size <= wanted.get(kind, -1):
                kept += _number(kind) + _number(size) + payload
    except ValueError:
        return None
    return sei[:header_bytes] + escaped(kept + b"\x80") if kept else None


def _number(value: int) -> bytes:
    return b"\xff" * (value // 255) + bytes([value % 255])


def escaped(payload: bytes) -> bytes:
    """With emulation prevention bytes (H.264 7.4.1), which `nal.unescaped` takes away. The last byte is not zero."""
    safe, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            safe.append(3)
            zeros = 0
        safe.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(safe)

"""The boxes that only fragmented MP4 has (ISO/IEC 14496-12 8.8): as long as their flags say, with nothing behind."""

from __future__ import annotations

from collections.abc import Callable

FLAGS_BYTES = 4
"""Version and flags, which each of them begins with."""

# Flags of `tfhd` and `trun`, with the bytes that each one adds.
_HEADER_FIELDS = {0x01: 8, 0x02: 4, 0x08: 4, 0x10: 4, 0x20: 4}
_RUN_FIELDS = {0x001: 4, 0x004: 4}
_SAMPLE_FIELDS = {0x100: 4, 0x200: 4, 0x400: 4, 0x800: 4}


def _added(flags: int, fields: dict[int, int]) -> int:
    return sum(size for flag, size in fields.items() if flags & flag)


def _of_run(version: int, flags: int, payload: bytes) -> int:
    count = int.from_bytes(payload[4:8], "big")
    return 8 + _added(flags, _RUN_FIELDS) + count * _added(flags, _SAMPLE_FIELDS)


_SIZES: dict[str, Callable[[int, int, bytes], int]] = {
    "mehd": lambda version, flags, payload: 12 if version else 8,
    "trex": lambda version, flags, payload: 24,
    "mfhd": lambda version, flags, payload: 8,
    "tfhd": lambda version, flags, payload: 8 + _added(flags, _HEADER_FIELDS),
    "tfdt": lambda version, flags, payload: 12 if version else 8,
    "trun": _of_run,
}

FRAGMENT_BOXES = frozenset(_SIZES)
"""Types that `fragment_problem` knows."""


def fragment_problem(kind: str, payload: bytes, size: int) -> str | None:
    """What is wrong with a box, in words, or None.

    Args:
        kind: one of `FRAGMENT_BOXES`.
        payload: its first bytes, 8 at least if it has them.
        size: of the whole payload, in bytes.
    """
    if size < FLAGS_BYTES:
        return f"the box {kind} is cut off"
    wanted = _SIZES[kind](payload[0], int.from_bytes(payload[1:4], "big"), payload)
    return None if size == wanted else f"the box {kind} is not as long as it says"

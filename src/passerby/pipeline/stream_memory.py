"""How the process of a live camera holds its memory: large blocks go back to the system as soon as they are free."""

from __future__ import annotations

import ctypes

_MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of glibc's malloc.h."""
_LARGE_BYTES = 1 << 20


def return_large_blocks() -> bool:
    """Tell glibc to ask the system for each large block, and to give it back; whether it was told.

    By itself it learns from the first picture that is freed to keep blocks of up to 32 MB, and between the small ones
    that outlive them they are never whole again. At 1920x1080 that took 60 MB. Other C libraries are left as they are.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BYTES))
    except (OSError, AttributeError, TypeError):
        return False

"""What a process that holds pictures or passwords gives up: its memory is not to be written or read by others."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """No core dumps, and no reading of this process's memory by others of the same user.

    The limit alone is not enough: Linux ignores it where cores are piped to a program.
    """
    if sys.platform == "win32":
        return
    import resource  # Windows has none

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

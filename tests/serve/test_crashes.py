"""After `kill -9` of cameras' processes and of their supervisor at any moment, the archive is whole.

PASSERBY_KILLS=50 kills as often as that; `bench/crash_loop.py` does the same by itself.
"""

from __future__ import annotations

import os
import runpy
from pathlib import Path

from tests.conftest import REPOSITORY

from .clips import make_clip

KILLS = int(os.environ.get("PASSERBY_KILLS", "5"))


def test_kills_leave_an_archive_that_is_whole_and_holds_all_that_was_shown(tmp_path: Path) -> None:
    loop = runpy.run_path(str(REPOSITORY / "bench" / "crash_loop.py"))
    result = loop["crash_loop"](tmp_path, make_clip(tmp_path / "clip.mp4"), KILLS, seed=1, pause_s=1.5)
    assert result.problems == ()
    assert result.recordings >= 3, "cameras came back"
    assert result.stored_s > 0

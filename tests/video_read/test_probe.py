from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from passerby.errors import SourceUnreadable
from passerby.read.probe import probe

from .clips import STEP, Clip, make


def test_a_probe_tells_streams_gops_and_timing(tmp_path: Path) -> None:
    found = probe(make(tmp_path / "clip.mp4"))
    assert found.streams == ("video stream (h264, 160x96)",)
    assert found.chosen_because == "the only video stream"
    assert (found.gops.count, found.gops.shortest, found.gops.longest, found.gops.copyable) == (4, 10, 10, 4)
    assert found.timing.start_s == 0
    assert found.timing.end_s == pytest.approx(1.6)
    assert not found.timing.variable
    assert not found.cut.truncated
    assert found.size_bytes == (tmp_path / "clip.mp4").stat().st_size


def test_a_probe_tells_a_variable_frame_rate(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(3).integers(1, 6, 30) * STEP).tolist()
    timing = probe(make(tmp_path / "vfr.mp4", Clip(times=times))).timing
    assert timing.variable
    assert timing.shortest_s == pytest.approx(0.04)


@pytest.mark.parametrize("kind", ["mp4", "mpegts", "matroska"])
def test_a_probe_names_the_messages_that_would_go(kind: str, tmp_path: Path) -> None:
    assert "unregistered user data" in probe(make(tmp_path / "clip", Clip(format=kind))).messages


def test_a_probe_says_why_gops_are_not_copied(tmp_path: Path) -> None:
    settings = {"preset": "ultrafast", "x265-params": "log-level=none"}
    found = probe(make(tmp_path / "clip.mp4", Clip("libx265", settings=settings)))
    assert found.gops.copyable == 0
    assert found.gops.reasons == ("only H.264 is copied, not hevc",)


def test_a_probe_refuses_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "it.mp4").write_bytes(b"words")
    with pytest.raises(SourceUnreadable, match=r"it\.mp4"):
        probe(tmp_path / "it.mp4")

"""A camera runs for weeks: what is known of its pictures is forgotten as they are written."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction

import av
import pytest

from passerby.detect.evidence import sketch_of
from passerby.detect.live import LiveLooks
from passerby.media import Frame, Orientation
from passerby.read.picture import frame_of, picture_of
from passerby.redact.live_plan import LivePlan
from passerby.regions import Boxes, no_boxes
from passerby.track.tracker import LiveTracker, LiveTrackOptions
from tests.stream.scenes import BASE, SIZE, Finder, thing, wall

RATE_FPS, DELAY_S = Fraction(1, 4), 8
PICTURES = 900
"""Of one hour."""
SCENES = 16


class Camera:
    """All that is kept of one camera's pictures between looking and painting, with times as they are given to it."""

    def __init__(self) -> None:
        shown = [thing(8 * index) if index % 8 > 3 else wall(index) for index in range(SCENES)]
        self._decoded = [av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p") for picture in shown]
        self._looks = LiveLooks(picture_of, Finder())
        self._tracker = LiveTracker(SIZE, LiveTrackOptions(keep_s=DELAY_S + 4.0))
        self._plan = LivePlan(SIZE, BASE, {"head": 0.1})
        self._ask: Boxes = no_boxes()
        self.covered = 0

    def run(self, first: int, count: int) -> None:
        for frame in self._frames(first, count):
            for known in self._looks.take(frame, sketch_of(frame), self._ask):
                at_s = float(known.look.pts * BASE)
                self._tracker.take(at_s, known.look.detections, known.looked_at, cut=known.look.cut)
                self._plan.take(known.look)
                self._ask = self._tracker.doubtful(at_s)
            due = frame.pts - DELAY_S * BASE.denominator
            regions = self._plan.final(due, *self._tracker.covered(float(due * BASE)))
            self.covered += regions is not None and len(regions) > 0

    def _frames(self, first: int, count: int) -> Iterator[Frame]:
        for index in range(first, first + count):
            pts = int(index / RATE_FPS / BASE)
            # Something comes for four pictures once in a while, and twice an hour for longer.
            busy = index % 97 < 4 or index % 450 < 60
            decoded = self._decoded[index % SCENES if busy else index % 4]
            yield frame_of(decoded, pts, Fraction(BASE), Orientation.UPRIGHT, damaged=False, writable=False)


def test_an_hour_more_leaves_nothing_more_behind() -> None:
    camera = Camera()
    camera.run(0, PICTURES)
    tracemalloc.start()
    try:
        camera.run(PICTURES, PICTURES)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        camera.run(2 * PICTURES, PICTURES)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert camera.covered > 100
    assert after - before < 40 * PICTURES


FREE_BETWEEN_SMALL_ONES = """
import psutil
from passerby.pipeline.stream_memory import return_large_blocks

assert return_large_blocks()
del_first = bytearray(8 << 20)
del del_first  # from here on glibc keeps blocks of that size, unless it was told not to
kept, large = [], []
for _ in range(12):
    large.append(bytearray(6 << 20))
    kept.append(bytearray(100_000))
held = psutil.Process().memory_info().rss
large.clear()
print(held - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has to be told")
def test_large_blocks_go_back_to_the_system_though_small_ones_between_them_stay() -> None:
    told = subprocess.run([sys.executable, "-c", FREE_BETWEEN_SMALL_ONES], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 60 << 20

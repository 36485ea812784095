"""A town for pages to show: recordings of an hour ago whose brightness tells their second, and a file of settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from passerby.archive import open_archive
from passerby.media import Frame
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.segments import SegmentOptions, SegmentWriter
from tests.drawn import SIZE, drawn_frame, drawn_info

RATE_FPS = 10
LASTS_S = 24
GAP_S = 60
"""Each recording of an hour ago is so long; between the two nobody was there."""
DARKEST, STEP = 40, 8
SHARE = 0.25

BEGAN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1)
AGAIN = BEGAN + timedelta(seconds=LASTS_S + GAP_S)

TOWN = """
title = "Little Town"

[[site]]
name = "school"
title = "The school"

[[camera]]
name = "square"
title = "Market <square>"
url = '{clip}'
delay_s = 0.5
segment_s = 10
latitude = 48.2
longitude = 16.37
heading_deg = 90
angle_deg = 60
reach_m = 50

[[camera]]
name = "gate"
site = "school"
url = '{clip}'
delay_s = 0.5
segment_s = 10
latitude = 48.201
longitude = 16.371

[[camera]]
name = "harbour"
url = "rtsp://127.0.0.1:9/hidden-path"
timeout_s = 2
"""
"""Two cameras that play a file, and one that nobody reaches: nothing listens on port 9."""


def brightness(at: datetime) -> int:
    """Of the picture that was recorded at that instant, 0 to 255."""
    began = AGAIN if at >= AGAIN else BEGAN
    return DARKEST + STEP * int((at - began).total_seconds())


def record(folder: Path, cameras: Sequence[str]) -> None:
    """Put the two recordings of each camera into the archive in that folder."""
    archive = open_archive(folder)
    for camera in cameras:
        for began in (BEGAN, AGAIN):
            writer = SegmentWriter(
                archive.folder,
                camera,
                drawn_info(RATE_FPS),
                b"",
                options=SegmentOptions(segment_s=10),
                on_part=lambda part: None,
                on_segment=archive.add,
                begins_at=began,
            )
            for index in range(RATE_FPS * LASTS_S):
                at = began + timedelta(seconds=index / RATE_FPS)
                writer.encode(Painter().cover(_frame(index, brightness(at)), Regions()), at, SHARE)
            writer.close()
    archive.close()


def _frame(number: int, grey: int) -> Frame:
    return drawn_frame(number, RATE_FPS, np.full((SIZE[1], SIZE[0], 3), grey, np.uint8))

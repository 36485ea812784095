"""A made clip that is played as a camera: a moving square, small enough for real processes in tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

WIDTH, HEIGHT, RATE_FPS = 192, 128, 10


def make_clip(path: Path, seconds: int = 6) -> Path:
    """H.264 with a keyframe each second and no reordered frames."""
    still = np.random.default_rng(1).integers(60, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    with av.open(str(path), "w") as file:
        options = {"g": str(RATE_FPS), "bf": "0", "sc_threshold": "0"}
        video = file.add_stream("libx264", RATE_FPS, options=options)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.thread_count = 1
        for index in range(RATE_FPS * seconds):
            picture = still.copy()
            x = index * 2 % (WIDTH - 24)
            picture[40:64, x : x + 24] = (200, 60, 40)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE_FPS)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
    return path

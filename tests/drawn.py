"""Frames that are drawn, as if a camera had sent them: for tests of what comes after reading."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from passerby.media import Frame, VideoInfo
from passerby.read.picture import planes_of

SIZE = (160, 96)


def drawn_info(rate_fps: int, size: tuple[int, int] = SIZE) -> VideoInfo:
    """The stream of a camera that sends such frames."""
    return VideoInfo(
        name="drawn",
        container="rtsp",
        codec="h264",
        profile="",
        stream_index=0,
        width=size[0],
        height=size[1],
        pixel_format="yuv420p",
        bits=8,
        time_base=Fraction(1, rate_fps),
        rate_fps=Fraction(rate_fps),
        frame_count=None,
        duration_s=None,
    )


def drawn_frame(number: int, rate_fps: int, picture: npt.NDArray[np.uint8]) -> Frame:
    """The frame of that number; `picture` is RGB, shape (H, W, 3)."""
    carrier: Any = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    layout, planes = planes_of(carrier, writable=True)
    return Frame(number, Fraction(1, rate_fps), layout, planes, carrier=carrier)

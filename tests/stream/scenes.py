"""Small made clips that play as cameras, and what comes out of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from av.video.stream import VideoStream

from passerby.detect.detector import Detector
from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, open_camera
from passerby.settings import Settings

Rgb = npt.NDArray[np.uint8]
SIZE = (320, 240)
RATE = 15
GOP = 8
FACE_PX = 72
"""Height of the head in the picture."""


@cache
def face() -> Rgb:
    """A real head, public domain."""
    return np.ascontiguousarray(np.asarray(skimage.data.astronaut(), np.uint8)[30:220, 140:310])


def place_of_face(index: int) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the head in frame `index`: it walks to the right and starts over."""
    width = FACE_PX * 170 // 190
    left, top = 30 + 2 * (index % 90), 60
    return left, top, left + width, top + FACE_PX


def wall(index: int, grain: float) -> Rgb:
    """A still wall in which nobody is, with fresh noise in each frame."""
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    light = 40 * np.abs(2 * x / width - 1) + 30 * y / height
    noise = np.random.default_rng(index).normal(0, grain, (height, width)) if grain else 0.0
    return np.asarray(
        np.clip(np.stack([90 + light, 110 + light, 150 - light], 2) + np.atleast_3d(noise), 0, 255), np.uint8
    )


def scene(index: int, *, shown: bool, grain: float = 1.5) -> Rgb:
    """Frame `index` of the street."""
    picture = wall(index, grain)
    if shown:
        x1, y1, x2, y2 = place_of_face(index)
        picture[y1:y2, x1:x2] = cv2.resize(face(), (x2 - x1, y2 - y1), interpolation=cv2.INTER_AREA)
    return picture


def make_clip(path: Path, frames: int, shown: Callable[[int], bool], *, gop: int = GOP, grain: float = 1.5) -> Path:
    """Write a street in which the head is shown in some frames: H.264 as cameras send it, closed GOPs, no reordering."""
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "bf": "0",
            "g": str(gop),
            "sc_threshold": "0",
            "crf": "18",
            "x264-params": "open-gop=0",
        }
        stream.time_base = stream.codec_context.time_base = Fraction(1, 90000)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(index, shown=shown(index), grain=grain), "rgb24")
            frame.pts, frame.time_base = index * 90000 // RATE, Fraction(1, 90000)
            file.mux(stream.encode(frame.reformat(format="yuv420p")))
        file.mux(stream.encode(None))
    return path


@dataclass
class Outlet:
    """Keeps what comes out."""

    parts: list[LivePart] = field(default_factory=list)
    segments: list[tuple[SegmentInfo, Path]] = field(default_factory=list)
    told: list[CameraFigures] = field(default_factory=list)
    states: list[tuple[CameraState, str]] = field(default_factory=list)
    stills: list[bytes] = field(default_factory=list)
    on_part: Callable[[LivePart], None] = lambda part: None

    def part(self, part: LivePart) -> None:
        self.parts.append(part)
        self.on_part(part)

    def segment(self, info: SegmentInfo, path: Path) -> None:
        self.segments.append((info, path))

    def figures(self, figures: CameraFigures) -> None:
        self.told.append(figures)

    def state(self, state: CameraState, why: str) -> None:
        self.states.append((state, why))

    def still(self, jpeg: bytes, at: datetime) -> None:
        self.stills.append(jpeg)


def play(
    clip: Path,
    folder: Path,
    *,
    seconds: float,
    outlet: Outlet | None = None,
    detector: Detector | None = None,
    **options: object,
) -> Outlet:
    """Redact a clip that plays as a camera for so many seconds of wall time."""
    outlet = outlet or Outlet()
    chosen = StreamOptions(**{"settings": Settings(cover=("head",)), "delay_s": 1.0, **options})  # type: ignore[arg-type]
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        with open_camera(CameraAddress.parse("street", str(clip)), stop=stop) as camera:
            redact_stream(camera, folder, chosen, outlet, camera_name="street", stop=stop, detector=detector)
    finally:
        timer.cancel()
    return outlet


@dataclass(frozen=True)
class Shown:
    """A decoded frame of what came out: its time in the recording, its picture in RGB."""

    at_s: float
    picture: Rgb


def decoded(outlet: Outlet) -> list[Shown]:
    """Every frame of all segments, in order; a decoder that complains is an error."""
    frames = []
    for info, path in outlet.segments:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.codec_context.options = {"err_detect": "+crccheck+bitstream+buffer+explode"}
            for frame in file.decode(stream):
                assert frame.time is not None
                frames.append(Shown(info.media_start_s + frame.time, np.asarray(frame.to_ndarray(format="rgb24"))))
    return frames

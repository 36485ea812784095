"""Small made clips that play as cameras, and what comes out of them.

In some a real head walks; in others a thing of a colour that nothing else has, so that no net is needed to find it, and
what is left of it can be told from single pixels.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from av.video.stream import VideoStream
from PIL import Image

from passerby import nal
from passerby.detect.detector import Detector
from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.media import Picture
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, CameraStream, LivePicture, open_camera
from passerby.regions import LABELS, Boxes, Detections
from passerby.settings import Settings

Rgb = npt.NDArray[np.uint8]
SIZE = (320, 240)
RATE = 15
GOP = 8
BASE = Fraction(1, 90000)
STRANGE, KNOWN = (20, 230, 60), (230, 20, 220)
"""Colours of the thing: `Finder` does not know the first."""
THING_PX = 36


@cache
def face() -> Rgb:
    """A real head, public domain."""
    return np.ascontiguousarray(np.asarray(skimage.data.astronaut(), np.uint8)[30:220, 140:310])


def wall(index: int) -> Rgb:
    """A still wall in which nobody is, with fresh noise in each frame."""
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    light = 40 * np.abs(2 * x / width - 1) + 30 * y / height
    noise = np.random.default_rng(index).normal(0, 1.5, (height, width))
    return np.asarray(
        np.clip(np.stack([90 + light, 110 + light, 150 - light], 2) + noise[:, :, None], 0, 255), np.uint8
    )


def place(index: int) -> tuple[int, int]:
    """Left and top of what walks, in frame `index`: to the right, and over again."""
    return 30 + 2 * (index % 100), 60


def head(index: int) -> Rgb:
    """A street in which somebody walks."""
    picture = wall(index)
    left, top = place(index)
    picture[top : top + 72, left : left + 64] = cv2.resize(face(), (64, 72), interpolation=cv2.INTER_AREA)
    return picture


def thing(index: int, colour: tuple[int, int, int] = KNOWN) -> Rgb:
    """A street through which the thing moves."""
    picture = wall(index)
    left, top = place(index)
    picture[top : top + THING_PX, left : left + THING_PX] = colour
    return picture


X264 = {"preset": "veryfast", "bf": "0", "sc_threshold": "0", "crf": "18", "x264-params": "open-gop=0"}


def make_clip(path: Path, frames: int, scene: Callable[[int], Rgb], *, gop: int = GOP, **settings: str) -> Path:
    """Write a clip in H.264 as cameras send it: closed GOPs, nothing reordered."""
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", RATE)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = scene(0).shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {**X264, "g": str(gop), **settings}
        stream.time_base = stream.codec_context.time_base = BASE
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(index), "rgb24")
            frame.pts, frame.time_base = index * BASE.denominator // RATE, BASE
            file.mux(stream.encode(frame.reformat(format="yuv420p")))
        file.mux(stream.encode(None))
    return path


def like(picture: Rgb, colour: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """Which pixels are of about that colour, which nothing on the wall is."""
    return np.asarray(np.abs(picture.astype(np.int16) - colour).max(axis=2) < 70, np.bool_)


class Finder(Detector):
    """Finds the thing by its colour. `before` is called before each look, and may be slow, or raise."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.looks = 0
        self._before = before

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        self.looks += 1
        self._before()
        mask = like(picture, KNOWN)
        if mask.sum() < 20:
            return Detections()
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], np.float32)
        return Detections(box, np.ones(1, np.float32), np.array([LABELS.index("head")], np.uint8))

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        found = self.find(picture)
        middle = (found.boxes[:, None, :2] + found.boxes[:, None, 2:]) / 2
        inside = ((middle >= areas[None, :, :2] - 24) & (middle <= areas[None, :, 2:] + 24)).all(axis=2)
        return found[np.flatnonzero(np.any(inside, axis=1))]


@dataclass
class Outlet:
    """Keeps what comes out."""

    parts: list[LivePart] = field(default_factory=list)
    segments: list[tuple[SegmentInfo, Path]] = field(default_factory=list)
    told: list[CameraFigures] = field(default_factory=list)
    states: list[tuple[CameraState, str]] = field(default_factory=list)
    stills: list[bytes] = field(default_factory=list)
    on_part: Callable[[LivePart], object] = lambda part: None

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


class AlteredStream:
    """A stream of a camera that stops after some pictures, of which somebody may change or leave out each."""

    def __init__(
        self, camera: CameraStream, stop: threading.Event, frames: int | None, change: Callable[[int, Any], Any]
    ) -> None:
        self.info, self.extradata, self.close = camera.info, camera.extradata, camera.close
        self._camera, self._stop, self._frames, self._change = camera, stop, frames, change

    @property
    def bytes_in(self) -> int:
        return self._camera.bytes_in

    @property
    def dropped(self) -> int:
        return self._camera.dropped

    @property
    def decoded(self) -> int:
        return self._camera.decoded

    def pictures(self) -> Iterator[Any]:
        return self._changed(self._camera.pictures())

    def held_pictures(self) -> Iterator[Any]:
        return self._changed(self._camera.held_pictures())

    def _changed(self, pictures: Iterator[Any]) -> Iterator[Any]:
        for index, picture in enumerate(pictures):
            changed = self._change(index, picture)
            if changed is not None:
                yield changed
            if index + 1 == self._frames:
                break
        if self._frames is not None:
            self._stop.set()


def play(
    clip: Path | str,
    folder: Path,
    *,
    frames: int = 64,
    speed: float = 3.0,
    outlet: Outlet | None = None,
    detector: Detector | None = None,
    change: Callable[[int, LivePicture], LivePicture] = lambda index, picture: picture,
    **options: Any,
) -> Outlet:
    """Redact so many frames of a clip that plays as a camera, or of a camera by its address.

    The delay is so long that even the busiest machine has looked by then, unless a test wants it shorter.
    """
    outlet, stop = outlet or Outlet(), threading.Event()
    chosen = StreamOptions(**{"settings": Settings(cover=("head",)), "delay_s": 60.0, **options})
    with open_camera(CameraAddress.parse("street", str(clip), timeout_s=60), stop=stop, speed=speed) as camera:
        given: Any = AlteredStream(camera, stop, frames, change)
        redact_stream(given, folder, chosen, outlet, camera_name="street", stop=stop, detector=detector)
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


def stills(outlet: Outlet) -> list[Shown]:
    """Every still picture, numbered in place of a time."""
    pictures = (Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in outlet.stills)
    return [Shown(number, np.asarray(picture, np.uint8)) for number, picture in enumerate(pictures)]


def is_whole(shown: Shown) -> bool:
    """Whether a frame was painted black all over."""
    return bool(shown.picture.max() < 40)


def slices(path: Path) -> list[bytes]:
    """The coded pictures of a file, one for each packet, without anything around their slices."""
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    kept = (nal.SLICE, nal.IDR)
    return [b"".join(u for u in nal.prefixed_units(data, 4) if nal.unit_type(u) in kept) for data in packets]

"""Small clips and photos with a real face in them, and what is seen in their copies."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

from passerby.detect.detector import NetDetector
from passerby.redact.plan import Plan
from passerby.regions import Boxes

Rgb = npt.NDArray[np.uint8]
SIZE = (320, 240)
BASE = Fraction(1, 12800)
STEP = 512
X264 = {"preset": "veryfast", "bf": "2", "g": "8", "sc_threshold": "0", "crf": "20", "x264-params": "open-gop=0"}
FACE_SHOWN = range(24, 40)
"""Frames of `street` in which the face is in the picture: two whole GOPs of eight."""


@cache
def face() -> Rgb:
    """A real head, public domain: 170 wide, 190 high."""
    return np.ascontiguousarray(np.asarray(skimage.data.astronaut(), np.uint8)[30:220, 140:310])


def wall(size: tuple[int, int]) -> Rgb:
    """A wall in which nobody is: soft light, and some grain."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    light = 40 * np.abs(2 * x / width - 1) + 30 * y / height
    grain = np.random.default_rng(5).normal(0, 3, (height, width))
    return np.asarray(
        np.clip(np.stack([90 + light + grain, 110 + light, 150 - light + grain], axis=2), 0, 255), np.uint8
    )


def picture(index: int, size: tuple[int, int], *, shown: bool = True) -> Rgb:
    """Frame `index`: the pattern drifts, and the face crosses it."""
    scene = np.ascontiguousarray(np.roll(wall(size), 2 * index, axis=1))
    if shown:
        width = size[1] // 3
        height = width * 190 // 170
        left, top = size[0] // 4 + 3 * (index % 24), size[1] // 4
        scene[top : top + height, left : left + width] = cv2.resize(
            face(), (width, height), interpolation=cv2.INTER_AREA
        )
    return scene


@dataclass(frozen=True)
class Clip:
    """How to make a video."""

    size: tuple[int, int] = SIZE
    frames: int = 24
    shown: Callable[[int], bool] = lambda index: True
    times: Sequence[int] = ()
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    format: str = "mp4"
    muxer: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=lambda: X264)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    matrix: Sequence[int] | None = None
    stored: Callable[[Rgb], Rgb] = lambda upright: upright
    """How the upright picture is turned before it is stored."""
    before: Callable[[av.container.OutputContainer], Callable[[], None]] = lambda file: lambda: None
    """Adds other streams and tags; what it returns writes them."""
    change: Callable[[int, Any], Any] = lambda number, packet: packet


def make(path: Path, clip: Clip) -> Path:
    """Write it."""
    with av.open(str(path), "w", format=clip.format, container_options=dict(clip.muxer)) as file:
        stream = file.add_stream(clip.codec, 25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = clip.stored(picture(0, clip.size)).shape[1::-1]
        stream.pix_fmt, stream.options = clip.pixel_format, dict(clip.settings)
        stream.time_base = stream.codec_context.time_base = BASE
        for name, value in clip.attributes.items():
            setattr(stream.codec_context, name, value)
        if clip.matrix is not None:
            stream.set_display_matrix(clip.matrix)
        others = clip.before(file)
        for number, packet in enumerate(_packets(stream, clip)):
            file.mux(clip.change(number, packet))
        others()
    return path


def _packets(stream: VideoStream, clip: Clip) -> Iterator[Any]:
    for index, pts in enumerate(clip.times or [STEP * index for index in range(clip.frames)]):
        pixels = np.ascontiguousarray(clip.stored(picture(index, clip.size, shown=clip.shown(index))))
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=clip.pixel_format)
        frame.pts, frame.time_base = pts, BASE
        yield from stream.encode(frame)
    yield from stream.encode(None)


@dataclass(frozen=True)
class Seen:
    """A decoded video: the time of each frame, and the frames as they are stored, in RGB."""

    times: list[Fraction]
    pictures: list[Rgb]


def decoded(path: Path) -> Seen:
    """What a player gets; a decoder that complains is an error."""
    times, pictures = [], []
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stream.codec_context.options = {"err_detect": "+crccheck+bitstream+buffer+explode"}
        for frame in file.decode(stream):
            assert frame.pts is not None
            assert stream.time_base is not None
            times.append(frame.pts * stream.time_base)
            pictures.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
    return Seen(times, pictures)


def raw_frames(path: Path) -> list[bytes]:
    """The decoded planes of each frame, as they come out of the decoder."""
    with av.open(str(path)) as file:
        return [frame.to_ndarray().tobytes() for frame in file.decode(video=0)]


@cache
def _detector() -> NetDetector:
    return NetDetector()


def faces_in(picture: Rgb, threshold: float = 0.3) -> Boxes:
    """What the real detector finds, of boxes of at least 8 px."""
    found = _detector().find(np.ascontiguousarray(picture), threshold=threshold).boxes
    return found[(found[:, 2] - found[:, 0] >= 8) & (found[:, 3] - found[:, 1] >= 8)]


def likeness(before: Rgb, after: Rgb, box: npt.NDArray[np.float32]) -> float:
    """How much of the detail inside a box is still there: correlation of what is left without broad shading, 0 to 1."""
    x1, y1, x2, y2 = box.astype(int)
    details = []
    for picture in (before, after):
        grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(np.float32)
        details.append((grey - cv2.GaussianBlur(grey, (0, 0), 4))[y1:y2, x1:x2].ravel())
    power = float(np.linalg.norm(details[0]) * np.linalg.norm(details[1]))
    return abs(float(details[0] @ details[1])) / power if power else 0.0


def still_shown(before: Rgb, after: Rgb) -> str:
    """What of the faces in `before` can be seen in `after`, in words; empty if nothing. Both upright."""
    boxes = faces_in(before, 0.5)
    if not len(boxes):
        return "the original shows no face"
    for box in boxes:
        if likeness(before, after, box) > 0.35:
            return f"likeness {likeness(before, after, box):.2f} in {box}"
    left = faces_in(after)
    return f"faces at {left}" if len(left) else ""


def difference(before: Rgb, after: Rgb) -> float:
    """Mean absolute difference of two pictures of one size, 0 to 255."""
    return float(np.abs(before.astype(np.int16) - after.astype(np.int16)).mean())


def covered_frames(plan: Plan) -> list[int]:
    """Numbers of the frames in which something is painted."""
    return np.flatnonzero(plan.is_covered).tolist()


def cut(path: Path, share: float, target: Path) -> Path:
    """The first part of a file."""
    content = path.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def spoil(path: Path, share: float, target: Path, seed: int = 1) -> Path:
    """A copy in which this share of the media bytes is random; the index of the MP4 stays as it is."""
    content, chance = bytearray(path.read_bytes()), np.random.default_rng(seed)
    at = 0
    while content[at + 4 : at + 8] != b"mdat":
        at += struct.unpack(">I", content[at : at + 4])[0]
    stop = at + struct.unpack(">I", content[at : at + 4])[0]
    for place in chance.choice(np.arange(at + 8, stop), int((stop - at) * share), replace=False):
        content[place] = int(chance.integers(256))
    target.write_bytes(content)
    return target


def load_json(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text())

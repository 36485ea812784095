"""Small videos made on the spot, whole and spoiled in ways that real ones are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import skimage.data
from av.video.stream import VideoStream

from passerby.media import Frame
from passerby.read.streams import top_level_boxes
from passerby.read.video import VideoSource, open_video

BASE = Fraction(1, 12800)
STEP = 512
X264 = {"preset": "ultrafast", "bf": "2", "g": "10", "sc_threshold": "0", "crf": "23"}


@dataclass(frozen=True)
class Clip:
    """How to make a video: a window that moves over a photo of a person."""

    codec: str = "libx264"
    size: tuple[int, int] = (160, 96)
    pixel_format: str = "yuv420p"
    frames: int = 40
    times: Sequence[int] = ()
    start: int = 0
    tick: Fraction = BASE
    format: str = "mp4"
    muxer: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=lambda: dict(X264))
    matrix: Sequence[int] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    change: Callable[[int, av.Packet[Any]], av.Packet[Any] | None] | None = None

    def pts(self) -> list[int]:
        return list(self.times) or [self.start + index * STEP for index in range(self.frames)]


def picture(index: int, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Frame `index` as RGB."""
    width, height = size
    photo = np.asarray(skimage.data.astronaut(), np.uint8)
    left, top = index * 3 % (513 - width), 20
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


def make(path: Path, clip: Clip = Clip()) -> Path:
    """Writes the video."""
    with av.open(str(path), "w", format=clip.format, container_options=clip.muxer) as file:
        add_video(file, clip)
    return path


def add_video(file: av.container.OutputContainer, clip: Clip) -> None:
    stream = file.add_stream(clip.codec, 25)
    assert isinstance(stream, VideoStream)
    stream.time_base, stream.codec_context.time_base = BASE, clip.tick
    stream.width, stream.height = clip.size
    stream.pix_fmt = clip.pixel_format
    stream.options = dict(clip.settings)
    stream.codec_context.thread_count = 1
    for name, value in clip.attributes.items():
        setattr(stream.codec_context, name, value)
    if clip.matrix is not None:
        stream.set_display_matrix(clip.matrix)
    for number, packet in enumerate(_packets(stream, clip)):
        kept = packet if clip.change is None else clip.change(number, packet)
        if kept is not None:
            kept.stream = stream
            file.mux(kept)


def _packets(stream: VideoStream, clip: Clip) -> Iterable[av.Packet[Any]]:
    for index, pts in enumerate(clip.pts()):
        frame = av.VideoFrame.from_ndarray(picture(index, clip.size), "rgb24").reformat(format=clip.pixel_format)
        frame.pts, frame.time_base = pts, BASE
        yield from stream.encode(frame)
    yield from stream.encode(None)


@dataclass(frozen=True)
class Read:
    """Everything that the two passes gave."""

    source: VideoSource
    pts: list[int]
    damaged: list[bool]
    planes: list[tuple[npt.NDArray[Any], ...]]


def read(path: Path, *, keep_planes: bool = False) -> Read:
    """Reads every frame."""
    source = open_video(path)
    pts, damaged, planes = [], [], []
    for frame in source.frames():
        pts.append(frame.pts)
        damaged.append(frame.damaged)
        if keep_planes:
            planes.append(tuple(np.array(plane) for plane in frame.planes))
    assert all(after > before for before, after in pairwise(pts)), "PTS do not rise"
    assert [int(value) for gop in source.gops for value in gop.pts] == pts, "the GOPs do not hold every frame once"
    return Read(source, pts, damaged, planes)


def again(source: VideoSource, *, copy: bool = False) -> list[int]:
    """PTS of the second pass, in presentation order within each run, and how many of them were copied."""
    pts: list[int] = []
    for run in source.runs(lambda gop: copy):
        if run.packets is not None:
            pts += sorted(packet.pts for packet in run.packets if packet.pts is not None)
        if run.frames is not None:
            pts += [frame.pts for frame in run.frames]
    return pts


def frames_again(source: VideoSource) -> Iterable[Frame]:
    """All frames of the second pass."""
    for run in source.runs(lambda gop: False):
        assert run.frames is not None
        yield from run.frames


def plain_pts(path: Path, index: int = 0) -> list[int | None]:
    """What PyAV gives by itself."""
    with av.open(str(path)) as file:
        return [frame.pts for frame in file.decode(video=index)]


def cut(path: Path, share: float, target: Path) -> Path:
    """The first part of a file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def spoil(path: Path, share: float, target: Path, seed: int = 1) -> Path:
    """A copy in which this share of the media bytes is random; the index of the MP4 stays as it is."""
    data, chance = bytearray(path.read_bytes()), np.random.default_rng(seed)
    start, stop = next((start + 8, stop) for kind, start, stop in top_level_boxes(path) if kind == b"mdat")
    places = chance.choice(np.arange(start, stop), int((stop - start) * share), replace=False)
    for place in places:
        data[place] = int(chance.integers(256))
    target.write_bytes(data)
    return target


def replace_box(data: bytes, path: str, change: Callable[[bytes], bytes]) -> bytes:
    """An MP4 in which the content of one box below `moov` was changed; sizes of its parents follow.

    Only for files whose `moov` comes last, so that no offset moves.
    """
    name, _, rest = path.partition("/")
    out, at, done = b"", 0, False
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + size]
        if kind == name.encode() and not done:
            content, done = (replace_box(content, rest, change) if rest else change(content)), True
        out += struct.pack(">I", len(content) + 8) + kind + content
        at += size
    assert done, f"no box {path}"
    return out

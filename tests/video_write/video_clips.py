"""Small videos made on the spot, their frames redacted by nothing, and what comes out of the writer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream

from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.media import Gop, VideoInfo
from passerby.read.video import open_video
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.video import Container, EncodeOptions, Written, open_writer

X264 = {"preset": "ultrafast", "bf": "2", "crf": "20", "sc_threshold": "0"}
QUICK = EncodeOptions(speed="fastest")


@dataclass(frozen=True)
class Clip:
    """How to make a source."""

    codec: str = "libx264"
    size: tuple[int, int] = (160, 96)
    pixel_format: str = "yuv420p"
    frames: int = 24
    time_base: Fraction = Fraction(1, 12800)
    step: int = 512
    start: int = 0
    pts: Sequence[int] = ()
    gop: int = 8
    format: str = "mp4"
    settings: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    flags: int = 0
    matrix: Sequence[int] | None = None
    change: Callable[[int, av.Packet[Any]], av.Packet[Any]] | None = None
    """Alters the packets on their way, for example to plant messages."""

    def times(self) -> list[int]:
        return list(self.pts) or [self.start + i * self.step for i in range(self.frames)]


def make(path: Path, clip: Clip) -> Path:
    """Write that source."""
    with av.open(str(path), "w", format=clip.format, container_options=clip.muxer) as file:
        stream = file.add_stream(clip.codec, 25, time_base=clip.time_base)
        assert isinstance(stream, VideoStream)
        stream.time_base = clip.time_base
        stream.width, stream.height = clip.size
        stream.pix_fmt = clip.pixel_format
        stream.gop_size = clip.gop
        stream.options = {**(X264 if clip.codec == "libx264" else {}), **clip.settings}
        stream.codec_context.flags |= clip.flags
        for name, value in clip.attributes.items():
            setattr(stream.codec_context, name, value)
        stream.set_display_matrix(clip.matrix)
        for count, packet in enumerate(_packets(stream, clip)):
            file.mux(clip.change(count, packet) if clip.change else packet)
    return path


def _packets(stream: VideoStream, clip: Clip) -> list[av.Packet[Any]]:
    packets: list[av.Packet[Any]] = []
    for i, pts in enumerate(clip.times()):
        frame = picture(i, clip.size, clip.pixel_format)
        frame.pts, frame.time_base = pts, clip.time_base
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def picture(number: int, size: tuple[int, int], pixel_format: str) -> av.VideoFrame:
    """A picture that differs from all others: a moving wave, and some noise."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    wave = 110 + 60 * np.sin((x + 5 * number) / 13) + 30 * np.cos((y - 3 * number) / 7)
    rgb = np.stack([wave, wave[::-1], 255 - wave], axis=2) + np.random.default_rng(number).normal(
        0, 3, (height, width, 3)
    )
    frame = av.VideoFrame.from_ndarray(np.clip(rgb, 0, 255).astype(np.uint8), format="rgb24")
    return frame.reformat(format=pixel_format)


@dataclass(frozen=True)
class Made:
    """A written file."""

    path: Path
    info: VideoInfo
    pts: list[int]
    gops: tuple[Gop, ...]
    written: Written
    copied: list[int]
    """PTS of the frames that were copied."""
    problems: list[str]


def rewrite(
    source: Path,
    target: Path,
    container: Container = "mp4",
    options: EncodeOptions = QUICK,
    *,
    clear: Callable[[Gop], bool] | None = None,
) -> Made:
    """Read a video, write all of it as it is, read it back. With `clear`, clear GOPs are copied."""
    painter = Painter("black")
    copied: list[int] = []
    with open_video(source) as video:
        pts = [frame.pts for frame in video.frames()]
        gops = video.gops
        with open_writer(target, container, video.info, options, source=source, splice=clear is not None) as writer:
            for run in video.runs(clear or (lambda gop: False)):
                if run.packets is not None:
                    writer.copy(run.packets, run.gops[0])
                    copied += run.gops[0].pts.tolist()
                elif run.frames is not None:
                    writer.encode((painter.cover(frame, Regions()) for frame in run.frames), run.gops)
            written = writer.close()
        info = video.info
    return Made(target, info, pts, gops, written, copied, problems(target, container, info, pts, written))


def problems(target: Path, container: Container, info: VideoInfo, pts: list[int], written: Written) -> list[str]:
    """What the check of the finished file says."""
    expected = ExpectedVideo.copy_of(
        info,
        container=container,
        codec=written.codec,
        pts=np.array(pts, np.int64),
        colour=written.colour,
        audio_kept=bool(written.audio),
        duration_tolerance_s=1 if written.audio and container == "mkv" else 0.1,  # MKV also counts the sound
    )
    return read_back_video(target, expected)


def hashes(path: Path, strict: bool = False) -> dict[Fraction, str]:
    """A digest of each decoded frame, by the time at which it is shown."""
    found: dict[Fraction, str] = {}
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        if strict:
            stream.codec_context.options = {"err_detect": "+crccheck+bitstream+buffer+explode"}
        for frame in file.decode(stream):
            assert frame.pts is not None
            assert stream.time_base is not None
            found[frame.pts * stream.time_base] = hashlib.sha256(frame.to_ndarray().tobytes()).hexdigest()
    return found

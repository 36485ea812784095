"""Clips to measure with: the crowd of ../shared when it is there, and what is made of it.

Nothing is encoded anew where packets can be repeated: the material stays the camera's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import skimage.data

Rgb = npt.NDArray[np.uint8]

CROWD = Path(__file__).parents[2] / "shared" / "media" / "video-people" / "royal-opera-house.mp4"
WIDTH, HEIGHT, RATE_FPS = 1920, 1080, 25


def crowd(folder: Path) -> Path:
    """1080p, people in every frame: a real street if it is there, else the astronaut many times over, moving."""
    if CROWD.exists():
        return CROWD
    face = np.asarray(skimage.data.astronaut(), np.uint8)
    wall = np.tile(face, (3, 5, 1))
    frames = (wall[(i * 2) % 400 :][:HEIGHT, (i * 3) % 600 :][:, :WIDTH] for i in range(100))
    return encode(folder / "crowd.mp4", frames, gop=25)


def mostly_empty(folder: Path, *, moving: bool) -> Path:
    """1080p, ten GOPs of a second, people in two of them: a fifth. The rest is scenery, from a camera that stands still
    (with the noise of a sensor) or moves with every frame and jumps every second."""
    scenery = np.asarray(skimage.data.coffee(), np.uint8)
    wall = np.tile(scenery, (4, 5, 1))
    people = _pictures(crowd(folder), 2 * RATE_FPS)
    random = np.random.default_rng(1)
    noise = random.normal(0, 2, (HEIGHT + 64, WIDTH + 64, 1))

    def frames() -> Iterator[Rgb]:
        for second in range(10):
            for i in range(RATE_FPS):
                if second in (3, 7):
                    yield next(people)
                elif moving:
                    x, y = second * 20 + i, second * 10
                    yield wall[y : y + HEIGHT, x : x + WIDTH]
                else:
                    x, y = random.integers(0, 64, 2)
                    grain = noise[y : y + HEIGHT, x : x + WIDTH]
                    yield np.clip(wall[:HEIGHT, :WIDTH] + grain, 0, 255).astype(np.uint8)

    return encode(folder / f"mostly-empty-{'moving' if moving else 'fixed'}.mp4", frames(), gop=RATE_FPS)


def repeated(source: Path, target: Path, times: int) -> Path:
    """The packets of a clip again and again, its PTS going on."""
    with av.open(str(source)) as first, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(first.streams.video[0])
        base = first.streams.video[0].time_base
        length = round((first.duration or 0) / 1_000_000 / (base or Fraction(1, 1000)))
        for turn in range(times):
            with av.open(str(source)) as again:
                for packet in again.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + turn * length, packet.dts + turn * length
                    packet.stream = stream
                    out.mux(packet)
    return target


def small_and_long(folder: Path, minutes: int) -> Path:
    """320x240 at 25 fps, a face that comes and goes: for memory against length, not for speed."""
    face = np.asarray(skimage.data.astronaut(), np.uint8)[0:240, 100:420]
    wall = np.asarray(skimage.data.coffee(), np.uint8)[0:240, 0:320]
    frames = (face if (i // 50) % 3 == 0 else wall for i in range(RATE_FPS * 20))
    one = encode(folder / "small.mp4", frames, gop=RATE_FPS)
    return repeated(one, folder / f"small-{minutes}-min.mp4", minutes * 3)


def encode(target: Path, frames: Iterable[Rgb], *, gop: int) -> Path:
    """RGB pictures, uint8, shape (H, W, 3), as H.264."""
    with av.open(str(target), "w") as out:
        stream = None
        for index, picture in enumerate(frames):
            if stream is None:
                options = {
                    "crf": "20",
                    "preset": "veryfast",
                    "g": str(gop),
                    "keyint_min": str(gop),
                    "sc_threshold": "0",
                }
                stream = out.add_stream("libx264", rate=RATE_FPS, options=options)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = index
            out.mux(stream.encode(frame))
        assert stream is not None
        out.mux(stream.encode(None))
    return target


def _pictures(source: Path, count: int) -> Iterator[Rgb]:
    with av.open(str(source)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            if index == count:
                return
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)

"""Videos as cameras send them, made once, and what comes in from a camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from passerby.read.camera import CameraAddress, CameraStream, LivePicture, open_camera
from tests.video_read.clips import Clip, make

from .rtsp import packets_of

GOP = 10
SIZE = (160, 96)
_PLAIN = {"preset": "ultrafast", "tune": "zerolatency", "g": str(GOP), "sc_threshold": "0", "crf": "23"}
H264 = Clip(frames=30, size=SIZE, settings=_PLAIN)
HEVC = Clip(
    "libx265",
    frames=30,
    size=SIZE,
    settings={
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x265-params": f"log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0",
    },
)
# RTP carries no Huffman tables, so these are the usual ones.
MJPEG = Clip("mjpeg", frames=30, size=SIZE, pixel_format="yuvj420p", format="mov", settings={"huffman": "default"})


def units(clip: Clip = H264) -> Sequence[bytes]:
    """The clip's packets, in annex B or as JPEG; H.264 with its parameter sets before each IDR picture."""
    return _units(clip.codec, clip.size)


@lru_cache
def _units(codec: str, size: tuple[int, int]) -> Sequence[bytes]:
    clip = replace({"libx264": H264, "libx265": HEVC, "mjpeg": MJPEG}[codec], size=size)
    with TemporaryDirectory() as folder:
        return tuple(sent.data for sent in packets_of(make(Path(folder, "clip.mov"), clip))[1])


def address(url: str | Path, *, timeout_s: float = 20.0, **options: str) -> CameraAddress:
    """Of a camera that is called "front"."""
    return CameraAddress.parse("front", str(url), timeout_s=timeout_s, **options)  # type: ignore[arg-type]


def some(camera: CameraStream, count: int) -> list[LivePicture]:
    """The next pictures."""
    return list(islice(camera.pictures(), count))


def pictures(url: str | Path, count: int, *, timeout_s: float = 20.0, **options: str) -> list[LivePicture]:
    """The first pictures of a camera."""
    with open_camera(address(url, timeout_s=timeout_s, **options)) as camera:
        return some(camera, count)


def until_the_end(url: str | Path, *, timeout_s: float = 20.0) -> tuple[list[LivePicture], Exception]:
    """All pictures of a camera that does not go on, and how it ended."""
    got: list[LivePicture] = []
    with open_camera(address(url, timeout_s=timeout_s)) as camera:
        try:
            got.extend(camera.pictures())
        except Exception as error:
            return got, error
    raise AssertionError("the camera went on")

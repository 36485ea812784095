"""The pixels of decoded video frames: what their planes mean, views of them, and the RGB picture to look at."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, Self

import av
import numpy as np
import numpy.typing as npt
from av.codec.codec import find_best_pix_fmt_of_list
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter

from passerby.media import Frame, Orientation, Picture, PixelLayout, Plane

_PLANAR_YUV = re.compile(r"yuv(j?)(a?)(410|411|420|422|440|444)p(9|10|12|14|16)?(le)?$")
_SEMI_PLANAR = re.compile(r"(?:nv(12|21|16|24|42)|p([024])(10|12|16)le)$")
_PLANAR_RGB = re.compile(r"gbr(a?)p(9|10|12|14|16)?(le)?$")
_GRAY = re.compile(r"gray(9|10|12|14|16)?(le)?$")
_PACKED_RGB = {"rgb24": "rgb", "bgr24": "bgr", "rgba": "rgba", "bgra": "bgra", "argb": "argb", "abgr": "abgr"} | {
    "rgb0": "rgb.",
    "bgr0": "bgr.",
    "0rgb": ".rgb",
    "0bgr": ".bgr",
}
_SHIFTS = {"410": (2, 2), "411": (2, 0), "420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}
_MPEG_RANGE, _JPEG_RANGE = 1, 2
_BT709, _BT2020 = 1, 9
_KNOWN_MATRICES = {1, 4, 5, 6, 7, 9}
_UNSPECIFIED = 2


class _Channel(NamedTuple):
    """Where one plane of the layout lies: the carrier's plane, the first sample of a row, samples between two."""

    plane: int
    offset: int = 0
    step: int = 1


class _Scheme(NamedTuple):
    layout: PixelLayout
    channels: tuple[_Channel, ...]


@lru_cache(maxsize=256)
def _scheme(name: str, full_range: bool) -> _Scheme | None:
    for build in (_planar_yuv, _semi_planar, _planar_rgb, _gray, _packed_rgb):
        scheme = build(name, full_range)
        if scheme is not None:
            return scheme
    return None


def _planar_yuv(name: str, full_range: bool) -> _Scheme | None:
    match = _PLANAR_YUV.match(name)
    if match is None:
        return None
    jpeg, alpha, sampling, bits, _ = match.groups()
    layout = PixelLayout(
        name, "yuv", int(bits or 8), full_range or bool(jpeg), _SHIFTS[sampling], alpha=3 if alpha else None
    )
    return _Scheme(layout, tuple(_Channel(plane) for plane in range(4 if alpha else 3)))


def _semi_planar(name: str, full_range: bool) -> _Scheme | None:
    match = _SEMI_PLANAR.match(name)
    if match is None:
        return None
    eight, sampling, bits = match.groups()
    shift = {"12": (1, 1), "21": (1, 1), "16": (1, 0), "24": (0, 0), "42": (0, 0)}[eight] if eight else None
    chroma = shift or {"0": (1, 1), "2": (1, 0), "4": (0, 0)}[sampling]
    depth = int(bits or 8)
    swapped = eight in ("21", "42")
    layout = PixelLayout(name, "yuv", depth, full_range, chroma, shift_bits=0 if eight else 16 - depth)
    return _Scheme(layout, (_Channel(0), _Channel(1, int(swapped), 2), _Channel(1, int(not swapped), 2)))


def _planar_rgb(name: str, _: bool) -> _Scheme | None:
    match = _PLANAR_RGB.match(name)
    if match is None:
        return None
    alpha, bits, _ignored = match.groups()
    # FFmpeg stores green, blue, red.
    channels = (_Channel(2), _Channel(0), _Channel(1), *((_Channel(3),) if alpha else ()))
    return _Scheme(PixelLayout(name, "rgb", int(bits or 8), alpha=3 if alpha else None), channels)


def _gray(name: str, full_range: bool) -> _Scheme | None:
    match = _GRAY.match(name)
    if match is None:
        return None
    return _Scheme(PixelLayout(name, "gray", int(match.group(1) or 8), full_range), (_Channel(0),))


def _packed_rgb(name: str, _: bool) -> _Scheme | None:
    order = _PACKED_RGB.get(name)
    if order is None:
        return None
    has_alpha = "a" in order
    channels = tuple(_Channel(0, order.index(letter), len(order)) for letter in ("rgba" if has_alpha else "rgb"))
    return _Scheme(PixelLayout(name, "rgb", alpha=3 if has_alpha else None), channels)


@lru_cache(maxsize=1)
def _expressible() -> tuple[str, ...]:
    depths = ("", "9le", "10le", "12le", "14le", "16le")
    yuv = [f"yuv{alpha}{kind}p{bits}" for alpha in ("", "a") for kind in _SHIFTS for bits in depths]
    rgb = [f"gbr{alpha}p{bits}" for alpha in ("", "a") for bits in depths]
    gray = [f"gray{bits}" for bits in depths]
    return tuple(name for name in (*yuv, *rgb, *gray) if _exists(name))


def _exists(name: str) -> bool:
    try:
        av.VideoFormat(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def shown_format(name: str) -> str:
    """The pixel format that frames of this format are handed on in: itself, or the nearest one without loss of bits."""
    if _scheme(name, False) is not None:
        return name
    best, _ = find_best_pix_fmt_of_list(_expressible(), name, _has_alpha(name))
    if best is None:
        raise ValueError(f"no planar format for {name}")
    return best.name


def _has_alpha(name: str) -> bool:
    return name == "pal8" or any(part.is_alpha for part in av.VideoFormat(name).components)


def frame_of(
    decoded: VideoFrame, pts: int, time_base: Fraction, orientation: Orientation, *, damaged: bool, writable: bool
) -> Frame:
    """Wraps what the decoder gave. With `writable` the memory is the frame's own; else the planes are read-only.

    The decoder may still predict later frames from the memory of this one: painting there would spread, so a frame to
    be painted gets its own copy first, unless nothing else refers to it.
    """
    carrier = decoded
    wanted = shown_format(decoded.format.name)
    if wanted != decoded.format.name:
        with _LOCKS[id(decoded) % len(_LOCKS)]:
            carrier = decoded.reformat(format=wanted, threads=1)
    elif writable:
        decoded.make_writable()
    layout, planes = planes_of(carrier, writable=writable)
    return Frame(pts, time_base, layout, planes, orientation, damaged, carrier)


def planes_of(carrier: VideoFrame, *, writable: bool) -> tuple[PixelLayout, tuple[Plane, ...]]:
    """The layout of a frame and a view of each plane, in the frame's own memory.

    Raises:
        ValueError: the pixel format has no planes of whole samples (see `shown_format`).
    """
    name = carrier.format.name
    # Without a tag FFmpeg takes gray for full range and YUV for limited.
    full_range = carrier.color_range == _JPEG_RANGE or (name.startswith("gray") and carrier.color_range != _MPEG_RANGE)
    scheme = _scheme(name, full_range)
    if scheme is None:
        raise ValueError(f"{name} has no planes of whole samples")
    layout, channels = scheme
    planes = tuple(_view(carrier, layout, index, channel) for index, channel in enumerate(channels))
    for plane in planes:
        plane.flags.writeable = writable
    return layout, planes


def _view(carrier: VideoFrame, layout: PixelLayout, index: int, channel: _Channel) -> Plane:
    across, down = layout.shift_of(index)
    width, height = -(-carrier.width >> across), -(-carrier.height >> down)
    plane = carrier.planes[channel.plane]
    samples: Plane = _bytes_of(plane)
    if layout.bits > 8:
        samples = samples.view(np.uint16)
    if plane.line_size < 0:
        samples = samples[::-1]
    return samples[:height, channel.offset : channel.offset + (width - 1) * channel.step + 1 : channel.step]


def _bytes_of(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """The rows of a plane with their padding, uint8, shape (H, bytes per row)."""
    # Python 3.12's buffer protocol, which PyAV's annotations use, is unknown to the checker below it.
    return np.frombuffer(plane, np.uint8).reshape(-1, abs(plane.line_size))  # type: ignore[call-overload,no-any-return]


@dataclass(frozen=True, slots=True)
class Sample:
    """What every frame of a video must be like, taken from its first one."""

    width: int
    height: int
    pixel_format: str
    color_range: int

    @classmethod
    def of(cls, picture: VideoFrame) -> Self:
        """From a decoded frame."""
        return cls(picture.width, picture.height, picture.format.name, int(picture.color_range))

    def fits(self, picture: VideoFrame) -> bool:
        """Whether a later frame has the same size and pixel format."""
        return (picture.width, picture.height, picture.format.name) == (self.width, self.height, self.pixel_format)

    def black(self) -> VideoFrame:
        """An opaque black picture: the stand-in for one that never came out of the decoder."""
        frame = VideoFrame(self.width, self.height, shown_format(self.pixel_format))
        frame.color_range = self.color_range
        layout, planes = planes_of(frame, writable=True)
        for index, plane in enumerate(planes):
            plane[:] = layout.black(index)
        return frame


class _Scaler(threading.local):
    """One conversion context per thread; it is set up again only when sizes or formats change."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()


_SCALER = _Scaler()
# PyAV changes the colour tags of a frame while it converts it, so two threads must not convert the same one.
_LOCKS = tuple(threading.Lock() for _ in range(64))


def picture_of(frame: Frame, long_side: int | None = None) -> Picture:
    """The frame as RGB, uint8, upright, shape (H, W, 3).

    Args:
        frame: from a video; its planes are read through their carrier, so what was painted on them shows.
        long_side: scale so that the longer side has this many pixels, at least 1 on the other; None is full size.
    """
    carrier: VideoFrame = frame.carrier
    width, height = _scaled(carrier.width, carrier.height, long_side)
    with _LOCKS[id(carrier) % len(_LOCKS)]:
        rgb = _SCALER.reformatter.reformat(
            carrier, width, height, "rgb24", src_colorspace=_matrix(carrier), dst_color_range=_JPEG_RANGE, threads=1
        )
    rows = _bytes_of(rgb.planes[0])[:height, : width * 3]
    return np.ascontiguousarray(frame.orientation.turn(rows.reshape(height, width, 3)))


def _scaled(width: int, height: int, long_side: int | None) -> tuple[int, int]:
    if long_side is None:
        return width, height
    scale = long_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _matrix(carrier: VideoFrame) -> int | None:
    """The YUV matrix to read the frame by, None for its own: untagged pictures count as BT.709 from 720 lines on."""
    if carrier.format.is_rgb or carrier.colorspace in _KNOWN_MATRICES:
        return None
    if carrier.colorspace == _UNSPECIFIED:
        return _BT709 if min(carrier.width, carrier.height) >= 720 else None
    return _BT2020 if carrier.color_primaries == _BT2020 else _BT709

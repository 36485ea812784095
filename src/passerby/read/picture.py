"""The pixels of decoded video frames: what their planes mean, views of them, and the RGB picture to look at."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter

from passerby.media import Frame, Orientation, Picture, PixelLayout, Plane
from passerby.read.layouts import Channel, scheme_of, shown_format

_MPEG_RANGE, _JPEG_RANGE = 1, 2
_BT709, _BT2020 = 1, 9
_KNOWN_MATRICES = {1, 4, 5, 6, 7, 9}
_UNSPECIFIED = 2


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


def own(frame: Frame) -> Frame:
    """A frame, to be painted: in memory that nothing else refers to. The given one must not be used afterwards.

    That is its memory as it is, unless the decoder still needs it.
    """
    frame.carrier.make_writable()
    _, planes = planes_of(frame.carrier, writable=True)
    return replace(frame, planes=planes)


def planes_of(carrier: VideoFrame, *, writable: bool) -> tuple[PixelLayout, tuple[Plane, ...]]:
    """The layout of a frame and a view of each plane, in the frame's own memory.

    Raises:
        ValueError: the pixel format has no planes of whole samples (see `shown_format`).
    """
    name = carrier.format.name
    # Without a tag FFmpeg takes gray for full range and YUV for limited.
    full_range = carrier.color_range == _JPEG_RANGE or (name.startswith("gray") and carrier.color_range != _MPEG_RANGE)
    scheme = scheme_of(name, full_range=full_range)
    if scheme is None:
        raise ValueError(f"{name} has no planes of whole samples")
    layout, channels = scheme
    planes = tuple(_view(carrier, layout, index, channel) for index, channel in enumerate(channels))
    for plane in planes:
        plane.flags.writeable = writable
    return layout, planes


def _view(carrier: VideoFrame, layout: PixelLayout, index: int, channel: Channel) -> Plane:
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

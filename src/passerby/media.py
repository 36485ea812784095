"""The pictures that move through passerby, and what is known of the video they come from.

Two types carry pixels. A `Frame` is private and lives in memory only. A `RedactedFrame` may be stored, and only
`redact/cover.py` makes one. Times are PTS: integers in units of an exact time base; seconds are for people.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Picture = npt.NDArray[np.uint8]
"""What a detector looks at: RGB, uint8, shape (H, W, 3), upright."""

PHOTO_TIME_BASE = Fraction(1)
"""A photo is a video of one frame at PTS 0; the frames of an animation count 0, 1, 2, ..."""


class Orientation(IntEnum):
    """How a stored picture is turned to stand upright; the numbers are those of EXIF's Orientation tag."""

    UPRIGHT = 1
    MIRRORED = 2
    UPSIDE_DOWN = 3
    UPSIDE_DOWN_MIRRORED = 4
    TRANSPOSED = 5
    QUARTER_RIGHT = 6
    TRANSVERSED = 7
    QUARTER_LEFT = 8

    @property
    def swaps_sides(self) -> bool:
        """Whether width and height change places."""
        return self >= Orientation.TRANSPOSED

    def upright_size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture, from those of the stored one."""
        return (height, width) if self.swaps_sides else (width, height)

    def turn(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The upright picture, as a view: `stored` is any dtype, shape (H, W) or (H, W, C)."""
        turned = np.swapaxes(stored, 0, 1) if self.swaps_sides else stored
        down, across = _FLIPS[self]
        return turned[:: -1 if down else 1, :: -1 if across else 1]


# After the transposition, if any: flipped top to bottom, flipped left to right.
_FLIPS: dict[Orientation, tuple[bool, bool]] = {
    Orientation.UPRIGHT: (False, False),
    Orientation.MIRRORED: (False, True),
    Orientation.UPSIDE_DOWN: (True, True),
    Orientation.UPSIDE_DOWN_MIRRORED: (True, False),
    Orientation.TRANSPOSED: (False, False),
    Orientation.QUARTER_RIGHT: (False, True),
    Orientation.TRANSVERSED: (True, True),
    Orientation.QUARTER_LEFT: (True, False),
}


def flips_of(orientation: Orientation) -> tuple[bool, bool]:
    """Whether the transposed picture is then flipped top to bottom, and left to right."""
    return _FLIPS[orientation]


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """What the planes of a picture mean.

    Attributes:
        name: FFmpeg's pixel format for video ("yuv420p10le"), Pillow's mode for photos ("RGB").
        kind: the colour model of the colour planes; they come first, in the model's order.
        bits: bits per sample, 8 to 16. Planes are uint8 for 8 bits and uint16 above, values in the low bits,
            unless `shift_bits` says that they are shifted up (P010).
        full_range: YUV samples use the whole range (JPEG), not 16 to 235.
        chroma_shift: log2 of the horizontal and vertical subsampling of planes 1 and 2: (1, 1) for 4:2:0.
        alpha: index of the alpha plane, or None.
        shift_bits: zero bits below each value, 6 for P010.
    """

    name: str
    kind: Literal["yuv", "rgb", "gray", "cmyk"]
    bits: int = 8
    full_range: bool = True
    chroma_shift: tuple[int, int] = (0, 0)
    alpha: int | None = None
    shift_bits: int = 0

    @property
    def peak(self) -> int:
        """The largest value that a sample can hold, not shifted."""
        return (1 << self.bits) - 1

    def shift_of(self, plane: int) -> tuple[int, int]:
        """log2 of the subsampling of this plane: horizontal, vertical."""
        return self.chroma_shift if self.kind == "yuv" and plane in (1, 2) else (0, 0)

    def black(self, plane: int) -> int:
        """The sample value that makes this plane opaque black, shifted as it is stored."""
        value = 0
        if plane == self.alpha or (self.kind == "cmyk" and plane == 3):
            value = self.peak
        elif self.kind == "yuv" and plane > 0:
            value = 1 << (self.bits - 1)
        elif self.kind in ("yuv", "gray") and plane == 0 and not self.full_range:
            value = 16 << (self.bits - 8)
        return value << self.shift_bits


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture, as it was stored (not turned). Private: it never leaves the memory of the process.

    Attributes:
        pts: presentation time, in units of `time_base`.
        time_base: seconds per unit of PTS.
        layout: what the planes mean.
        planes: writable views, uint8 or uint16, shape (H, W); subsampled planes are smaller, rounded up. Strides may
            be anything: a packed RGB picture is three views into one array. Writing into them must change what
            `carrier` holds and nothing else.
        orientation: how to turn the picture upright.
        damaged: the decoder reported errors, or the picture is a stand-in for one that never came out.
        carrier: the object of the reading library that owns the memory, handed on to the writer.
    """

    pts: int
    time_base: Fraction
    layout: PixelLayout
    planes: tuple[Plane, ...] = field(repr=False)
    orientation: Orientation = Orientation.UPRIGHT
    damaged: bool = False
    carrier: Any = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the stored picture, in pixels."""
        height, width = self.planes[0].shape
        return width, height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright picture, in pixels."""
        return self.orientation.upright_size(*self.size)


@dataclass(frozen=True, slots=True, eq=False)
class RedactedFrame:
    """One picture that may be stored. Made by `redact.cover` and nowhere else; attributes as in `Frame`."""

    pts: int
    time_base: Fraction
    layout: PixelLayout
    planes: tuple[Plane, ...] = field(repr=False)
    orientation: Orientation = Orientation.UPRIGHT
    carrier: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Colour:
    """Colour tags of a video, the code points of ITU-T H.273; 2 is unspecified. `full_range`: None is untagged."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Gop:
    """A closed run of frames: it starts at a picture that nothing after it looks past, and ends before the next.

    Attributes:
        index: position among the video's GOPs, from 0.
        pts: int64, PTS of every frame, in presentation order.
        dts: int64, DTS of every packet, in decoding order; as many as `pts` when the GOP is copyable.
        copyable: its packets could be copied as they are, if nothing in it needs paint.
        why_not: why it cannot be copied, in a few words for people; empty if it can.
    """

    index: int
    pts: npt.NDArray[np.int64]
    dts: npt.NDArray[np.int64]
    copyable: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a video before its frames are decoded.

    Attributes:
        name: the file's label in messages.
        container: FFmpeg's name of the demuxer ("mov,mp4,m4a,3gp,3g2,mj2").
        codec: FFmpeg's name of the codec ("h264").
        profile: the codec's profile as FFmpeg names it, or "".
        stream_index: which stream of the container was chosen.
        width: of the stored picture, in pixels, as it is shown (after cropping, before rotation).
        height: likewise.
        pixel_format: FFmpeg's name ("yuv420p").
        bits: bits per sample.
        time_base: seconds per unit of PTS.
        rate_fps: average frame rate, or None when the container does not say.
        frame_count: frames that the container announces, or None.
        duration_s: what the container announces, or None.
        sample_aspect: width of a pixel over its height.
        display_matrix: the nine integers of the container's display matrix, or None.
        orientation: the display matrix as a turn, UPRIGHT when it is none of the eight.
        colour: colour tags.
        interlaced: the stream says that its frames are two fields.
        dropped: what else is in the file and is not passed on, in words ("audio (aac)", "data (gpmd)").
        metadata: names, never values, of the tags that are not passed on.
    """

    name: str
    container: str
    codec: str
    profile: str
    stream_index: int
    width: int
    height: int
    pixel_format: str
    bits: int
    time_base: Fraction
    rate_fps: Fraction | None
    frame_count: int | None
    duration_s: float | None
    sample_aspect: Fraction = Fraction(1)
    display_matrix: tuple[int, ...] | None = None
    orientation: Orientation = Orientation.UPRIGHT
    colour: Colour = Colour()
    interlaced: bool = False
    dropped: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright picture, in pixels."""
        return self.orientation.upright_size(self.width, self.height)


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What is known of a photo or an animation, and what its copy needs to look the same.

    Attributes:
        name: the file's label in messages.
        format: "JPEG", "PNG", "WEBP", "TIFF", "GIF", "HEIF", "AVIF", "BMP", "JPEG2000", "PSD" or "PPM".
        width: of the upright picture, in pixels.
        height: likewise.
        mode: how its frames are held in memory: Pillow's mode, with the bits after it where they are not 8 ("RGB;16").
        bits: bits per sample.
        frame_count: pictures in it that are shown; 1 unless it is an animation.
        durations_s: how long each frame of an animation is shown, exact; empty for a photo.
        loop: how often an animation repeats as its format counts it, 0 is for ever; None when it does not say.
        icc: the colour profile, reduced to what colours need.
        quantisation: of a JPEG, the table of each component, 64 numbers in Pillow's order; empty if unknown.
        subsampling: of the chroma, "4:4:4", "4:2:2" or "4:2:0"; None if there is none, or it is another.
        progressive: a JPEG that is.
        lossless: it is stored without loss.
        compression: of a TIFF, Pillow's name ("raw", "tiff_lzw").
        colour: code points of HEIF and AVIF.
        colour_chunks: PNG chunks that say what the colours mean ("gAMA", "cHRM", "sRGB", "cICP"), with their bytes.
        dropped: what else is in the file and is not passed on, in words ("motion photo video").
        metadata: names, never values, of the tags that are not passed on.
    """

    name: str
    format: str
    width: int
    height: int
    mode: str
    bits: int = 8
    frame_count: int = 1
    durations_s: tuple[Fraction, ...] = ()
    loop: int | None = None
    icc: bytes | None = field(default=None, repr=False)
    quantisation: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    subsampling: str | None = None
    progressive: bool = False
    lossless: bool = False
    compression: str | None = None
    colour: Colour = Colour()
    colour_chunks: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    dropped: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()

    @property
    def animated(self) -> bool:
        """Whether it moves."""
        return self.frame_count > 1

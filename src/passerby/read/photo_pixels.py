"""Decoded pictures as arrays, and back: modes, layouts, what a detector looks at."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from passerby.media import PHOTO_TIME_BASE, Frame, Orientation, Picture, PixelLayout, Plane

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""One picture: uint8, or uint16 above 8 bits, shape (H, W, C), values in the low bits."""

_KINDS: dict[str, tuple[Literal["gray", "rgb", "cmyk"], int | None]] = {
    "L": ("gray", None),
    "LA": ("gray", 1),
    "RGB": ("rgb", None),
    "RGBA": ("rgb", 3),
    "CMYK": ("cmyk", None),
}
_SHOWN_AS = {"1": "L", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "La": "LA", "RGBa": "RGBA", "YCbCr": "RGB"}
_GREY = 128
_NARROW = 4


def layout_of(mode: str) -> PixelLayout | None:
    """The layout of pictures of that mode ("RGBA", "RGB;16"), or None for a mode that is not handled."""
    base, _, bits = mode.partition(";")
    if base not in _KINDS:
        return None
    kind, alpha = _KINDS[base]
    return PixelLayout(mode, kind, int(bits or 8), alpha=alpha)


def mode_of(picture: Image.Image) -> str:
    """The mode in which an open Pillow picture is held here; one that `layout_of` does not know is not handled."""
    if re.fullmatch(r"I;16[LBN]?", picture.mode):
        return "L;16"
    mode = _SHOWN_AS.get(picture.mode, picture.mode)
    if mode in ("L", "RGB") and picture.has_transparency_data:
        return mode + "A"
    return mode


def pixels_of(picture: Image.Image, mode: str) -> Pixels:
    """The pixels of a decoded Pillow picture in one of the modes of `mode_of`, a copy."""
    if mode == "L;16":
        return np.array(picture, np.uint16)[..., None]
    converted = picture if picture.mode == mode else picture.convert(mode)
    pixels = np.array(converted, np.uint8)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def upright(pixels: Pixels, orientation: Orientation) -> Pixels:
    """The picture turned upright, packed."""
    return np.ascontiguousarray(orientation.turn(pixels))


def frame_of(pixels: Pixels, layout: PixelLayout, pts: int) -> Frame:
    """A frame whose planes are views of the channels. What full transparency hides is erased.

    Args:
        pixels: packed; the frame takes it over and writes into it.
        layout: of these pixels.
        pts: the picture's number.
    """
    if layout.alpha is not None:
        pixels[pixels[..., layout.alpha] == 0] = 0
    planes: tuple[Plane, ...] = tuple(pixels[..., channel] for channel in range(pixels.shape[2]))
    return Frame(pts, PHOTO_TIME_BASE, layout, planes, carrier=pixels)


def pictures_of(frame: Frame) -> tuple[Picture, ...]:
    """What a detector is to look at: RGB, uint8, shape (H, W, 3), upright; every one of them may show a face.

    The last is the picture as it shows best. One in CMYK comes before that without its black and as its black alone,
    since either may hide the other. One that is partly transparent comes bare, then as its transparency alone, which
    shows on any ground but one of the picture's own colour, then as it shows on mid grey. One of more than 8 bits that
    uses a small part of their range comes last as it is when stretched.
    """
    layout = frame.layout
    stored = np.stack(frame.planes, axis=-1) if layout.alpha is None else np.stack(frame.planes[:-1], axis=-1)
    colour = _eight_bits(stored, layout.bits)
    pictures = [_rgb(colour, layout.kind)]
    if layout.kind == "cmyk":
        pictures = [255 - colour[..., :3], _rgb(255 - colour[..., 3:], "gray"), *pictures]
    if layout.alpha is not None:
        alpha = _eight_bits(frame.planes[layout.alpha][..., None], layout.bits)
        if alpha.min() < 255:
            pictures += [_rgb(alpha, "gray"), _over_grey(pictures[0], alpha)]
    if layout.bits > 8 and (narrow := _stretched(stored)) is not None:
        pictures.append(_rgb(narrow, layout.kind))
    return tuple(np.ascontiguousarray(frame.orientation.turn(picture)) for picture in pictures)


def _eight_bits(samples: npt.NDArray[Any], bits: int) -> npt.NDArray[np.uint8]:
    return (samples >> (bits - 8)).astype(np.uint8) if bits > 8 else np.asarray(samples, np.uint8)


def _rgb(colour: npt.NDArray[np.uint8], kind: str) -> Picture:
    if kind == "gray":
        return np.repeat(colour, 3, axis=2)
    if kind == "cmyk":
        return _from_cmyk(colour)
    return colour


def _from_cmyk(colour: npt.NDArray[np.uint8]) -> Picture:
    height, width, _ = colour.shape
    return np.array(Image.frombytes("CMYK", (width, height), colour.tobytes()).convert("RGB"), np.uint8)


def _over_grey(colour: Picture, alpha: npt.NDArray[np.uint8]) -> Picture:
    weight = alpha.astype(np.uint16)
    return ((colour * weight + _GREY * (255 - weight)) // 255).astype(np.uint8)


def _stretched(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8] | None:
    """The samples spread over the whole range, where they use less than a quarter of it: 12 bits kept in 16."""
    low, high = (float(value) for value in np.percentile(samples[::4, ::4], (0.5, 99.5)))
    if high <= low or (high - low) * _NARROW > np.iinfo(samples.dtype).max:
        return None
    spread = (samples - np.float32(low)) * np.float32(255 / (high - low))
    return np.asarray(np.clip(spread, 0, 255), np.uint8)

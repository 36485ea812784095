"""HEIC and other HEIF pictures: the primary one, with all of its bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pillow_heif
from PIL import Image

from passerby.media import Colour
from passerby.read.photo_pixels import Pixels

_SUBSAMPLING = {420: "4:2:0", 422: "4:2:2", 444: "4:4:4"}


def open_heif(file: IO[bytes]) -> Any:
    """The file's `pillow_heif.HeifFile`, nothing decoded. Raises whatever pillow_heif raises."""
    file.seek(0)
    return pillow_heif.open_heif(file.read(), convert_hdr_to_8bit=False, hdr_to_16bit=False)


def heif_mode(heif: Any) -> str:
    """The mode of the primary picture ("RGB", "RGBA;10"); alpha is never premultiplied here."""
    mode: str = heif.mode
    return mode.replace("I;", "L;").replace("a", "A")


def heif_colour(heif: Any) -> Colour:
    """Code points of the primary picture."""
    nclx = heif.info.get("nclx_profile")
    if not nclx:
        return Colour()
    return Colour(
        int(nclx["color_primaries"]), int(nclx["transfer_characteristics"]), int(nclx["matrix_coefficients"]), True
    )


def heif_subsampling(heif: Any) -> str | None:
    """Of the primary picture's chroma."""
    return _SUBSAMPLING.get(heif.info.get("chroma", 0))


def heif_extras(heif: Any) -> Iterator[str]:
    """What else pillow_heif sees in the file, in words."""
    info = heif.info
    if len(heif) > 1:
        yield f"{len(heif) - 1} further picture{'s' if len(heif) > 2 else ''}"
    if info.get("thumbnails"):
        yield "thumbnail"
    if info.get("depth_images"):
        yield "depth map"
    for urn in info.get("aux") or {}:
        yield "gain map" if "gainmap" in urn else "auxiliary picture"


def heif_exif(heif: Any) -> Image.Exif:
    """The primary picture's EXIF data, empty where there is none."""
    exif = Image.Exif()
    raw = heif.info.get("exif")
    if raw:
        exif.load(raw)
    return exif


def decode_heif(file: IO[bytes]) -> Pixels:
    """The primary picture, upright: libheif applies its rotation and mirroring. Raises whatever pillow_heif raises."""
    heif = open_heif(file)
    premultiplied, mode = heif.premultiplied_alpha, heif_mode(heif)
    pixels: Pixels = np.array(heif)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return _straight(pixels, mode) if premultiplied else pixels


def _straight(pixels: Pixels, mode: str) -> Pixels:
    peak = (1 << int(mode.partition(";")[2] or 8)) - 1
    alpha = pixels[..., -1:].astype(np.float32)
    colour = np.divide(
        pixels[..., :-1] * np.float32(peak),
        alpha,
        out=np.zeros(alpha.shape, np.float32).repeat(pixels.shape[2] - 1, axis=2),
        where=alpha > 0,
    )
    pixels[..., :-1] = np.minimum(np.rint(colour), peak).astype(pixels.dtype)
    return pixels

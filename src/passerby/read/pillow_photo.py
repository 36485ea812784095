"""Pictures that Pillow decodes without loss of bits: most of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import IO, Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from passerby import containers
from passerby.containers import Data
from passerby.media import Orientation
from passerby.read.photo_pixels import Pixels, pixels_of, upright
from passerby.read.quiet import quiet

# Opened by class: Image.open would also try formats that run other programs (EPS) or draw (WMF), and it measures size
# by a limit of the whole process.
_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "PSD": PsdImagePlugin.PsdImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
}
_ANIMATED = frozenset({"PNG", "WEBP", "GIF", "AVIF"})
_ORIENTATION = 0x0112


def open_picture(file: IO[bytes], format_name: str) -> ImageFile.ImageFile:
    """Pillow's picture, its header read, nothing decoded. Raises whatever Pillow raises."""
    file.seek(0)
    with quiet():
        return _DECODERS[format_name](file)


def orientation_of(picture: Image.Image) -> Orientation:
    """How the decoded pixels are to be turned; Pillow turns those of a TIFF by itself.

    EXIF that cannot be parsed turns nothing, as in other viewers.
    """
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        return Orientation.UPRIGHT
    try:
        with quiet():
            return Orientation(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return Orientation.UPRIGHT


def first_frame(picture: ImageFile.ImageFile) -> int:
    """Where an animation begins: a PNG may carry a still picture of its own before it."""
    return 1 if picture.info.get("default_image") and getattr(picture, "n_frames", 1) > 1 else 0


def decoded_frames(
    file: IO[bytes], format_name: str, mode: str, count: int, convert: Callable[[Image.Image], Image.Image] | None
) -> Iterator[Pixels]:
    """Every frame, upright, one at a time. Raises whatever Pillow raises.

    Args:
        file: the picture's file, open for reading.
        format_name: one of the formats that are decoded here.
        mode: in which to hold them.
        count: how many there are.
        convert: applied to each picture before it becomes an array, such as a change of colour space.
    """
    picture = open_picture(file, format_name)
    if format_name in _ANIMATED and getattr(picture, "n_frames", 1) != count + first_frame(picture):
        raise ValueError("frames are missing")
    turn, start, size = orientation_of(picture), first_frame(picture), picture.size
    for index in range(start, start + count):
        with quiet():
            if format_name in _ANIMATED:
                picture.seek(index)
            picture.load()
            # A GIF may draw outside its screen, and Pillow then widens it; nobody is shown that.
            shown: Image.Image = picture.crop((0, 0, *size)) if format_name == "GIF" else picture
            pixels = pixels_of(convert(shown) if convert else shown, mode)
            if format_name == "TIFF" and mode == "L;16" and _white_is_zero(picture):
                pixels = ~pixels
        yield upright(pixels, turn)


def _white_is_zero(picture: Any) -> bool:
    return bool(picture.tag_v2.get(262) == 0)


def timing(file: IO[bytes], data: Data, format_name: str, limit: int) -> tuple[tuple[Fraction, ...], int | None]:
    """How long each frame is shown, in seconds, and how often it repeats; empty for a photo.

    Stops counting one beyond the limit. Nothing is decoded, except of AVIF.
    """
    if format_name == "GIF":
        return _gif_timing(data, limit)
    if format_name == "PNG":
        return _png_timing(data, limit)
    if format_name == "WEBP":
        return _webp_timing(data, limit)
    return _avif_timing(file, limit) if format_name == "AVIF" else ((), None)


def _gif_timing(data: Data, limit: int) -> tuple[tuple[Fraction, ...], int | None]:
    durations: list[Fraction] = []
    delay, loop = 0, None
    for part in containers.gif_blocks(data):
        if part.name == "control":
            delay = int.from_bytes(data[part.content + 2 : part.content + 4], "little")
        elif part.name == "application" and part.read(data, 13)[1:] in (b"NETSCAPE2.0\x03", b"ANIMEXTS1.0\x03"):
            loop = int.from_bytes(data[part.content + 14 : part.content + 16], "little")
        elif part.name == "image":
            durations.append(Fraction(delay, 100))
            delay = 0
        if len(durations) > limit:
            break
    return (tuple(durations), loop) if len(durations) > 1 else ((), None)


def _png_timing(data: Data, limit: int) -> tuple[tuple[Fraction, ...], int | None]:
    durations: list[Fraction] = []
    loop = None
    for part in containers.png_chunks(data):
        if part.name == "acTL":
            loop = int.from_bytes(data[part.content + 4 : part.content + 8], "big")
        elif part.name == "fcTL":
            number, per = (int.from_bytes(data[part.content + at : part.content + at + 2], "big") for at in (20, 22))
            durations.append(Fraction(number, per or 100))
        if len(durations) > limit:
            break
    return (tuple(durations), loop) if len(durations) > 1 else ((), None)


def _webp_timing(data: Data, limit: int) -> tuple[tuple[Fraction, ...], int | None]:
    durations: list[Fraction] = []
    loop = None
    for part in containers.riff_chunks(data):
        if part.name == "ANIM":
            loop = int.from_bytes(data[part.content + 4 : part.content + 6], "little")
        elif part.name == "ANMF":
            durations.append(Fraction(int.from_bytes(data[part.content + 12 : part.content + 15], "little"), 1000))
        if len(durations) > limit:
            break
    return (tuple(durations), loop) if len(durations) > 1 else ((), None)


def _avif_timing(file: IO[bytes], limit: int) -> tuple[tuple[Fraction, ...], int | None]:
    picture = open_picture(file, "AVIF")
    count = getattr(picture, "n_frames", 1)
    if count < 2 or count > limit:
        return (Fraction(0),) * (count if count > 1 else 0), None
    ends = []
    for index in range(count):
        picture.seek(index)
        picture.load()
        ends.append((picture.info["timestamp"], picture.info["duration"]))
    starts = [start for start, _ in ends] + [sum(ends[-1])]
    return tuple(Fraction(after - before, 1000) for before, after in pairwise(starts)), None

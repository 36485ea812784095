"""Colour pictures of more than 8 bits that Pillow would flatten: 16-bit PNG and TIFF, 10- and 12-bit AVIF."""

from __future__ import annotations

from typing import IO

import cv2
import numpy as np
from PIL import ImageFile

from passerby import containers
from passerby.containers import Data
from passerby.errors import SourceUnreadable
from passerby.read.photo_pixels import Pixels, upright
from passerby.read.pillow_photo import open_picture, orientation_of
from passerby.read.quiet import quiet

_COLOUR_TYPES = {2: "RGB;16", 4: "RGBA;16", 6: "RGBA;16"}
_RGB = 2


def stored_bits(data: Data, format_name: str) -> int:
    """Bits per sample as the file states them; 8 where the format has no more."""
    if format_name == "PNG":
        return max(8, data[24])
    if format_name == "TIFF":
        return max([8, *_tiff_numbers(data, 258)])
    if format_name == "AVIF":
        return _avif_bits(data)
    if format_name == "JPEG2000":
        return _jpeg2000_bits(data)
    if format_name == "PPM":
        return 16 if _ppm_peak(bytes(data[:512])) > 255 else 8
    return 8


def deep_mode(data: Data, format_name: str, picture: ImageFile.ImageFile) -> str | None:
    """The mode of a picture that is to be decoded here ("RGB;16"), or None if Pillow keeps all of its bits.

    Raises:
        SourceUnreadable: nothing here decodes it without losing bits; the message lacks the file's name.
    """
    bits = stored_bits(data, format_name)
    if bits == 8 or picture.mode.startswith("I;16"):
        if bits not in (8, 16) or (picture.has_transparency_data and bits > 8):
            raise _too_deep(f"{bits}-bit grey {format_name} of this kind")
        return None
    if format_name == "PNG":
        return "RGBA;16" if picture.has_transparency_data else _COLOUR_TYPES.get(data[25])
    if format_name == "TIFF" and bits == 16 and _tiff_numbers(data, 262) == [_RGB]:
        samples = len(_tiff_numbers(data, 258))
        if samples in (3, 4) and set(_tiff_numbers(data, 339)) <= {1}:
            return "RGB;16" if samples == 3 else "RGBA;16"
    if format_name == "AVIF" and picture.mode in ("RGB", "RGBA") and getattr(picture, "n_frames", 1) == 1:
        return f"{picture.mode};{bits}"
    raise _too_deep(f"{bits}-bit {format_name} of this kind")


def _too_deep(what: str) -> SourceUnreadable:
    return SourceUnreadable(
        f"{what} cannot be copied without losing bits; nothing was written",
        hint="Convert it to a 16-bit PNG or TIFF, or to 8 bits",
    )


def decode_deep(file: IO[bytes], format_name: str, mode: str) -> Pixels:
    """The picture, upright. Raises whatever Pillow or OpenCV raise, ValueError where the decoder gave something else.

    Pillow decodes it first: OpenCV would make up the missing rest of a file that was cut off.
    """
    with quiet():
        picture = open_picture(file, format_name)
        turn = orientation_of(picture)
        picture.load()
        del picture  # not closed: that would close the file
    file.seek(0)
    decoded = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16 or decoded.ndim != 3:
        raise ValueError("the decoder gave no picture of that depth")
    order = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGB
    pixels: Pixels = np.array(cv2.cvtColor(decoded, order), np.uint16)
    if pixels.shape[2] == 4 and mode.startswith("RGB;"):
        pixels = pixels[..., :3]
    # OpenCV turns a TIFF by itself, as Pillow does.
    return upright(pixels, turn)


def _tiff_numbers(data: Data, number: int) -> list[int]:
    for directory in containers.tiff_directories(data, 1):
        tag = directory.tag(number)
        return containers.tiff_values(data, tag) if tag is not None and tag.count <= 64 else []
    return []


def _avif_bits(data: Data) -> int:
    ipco = containers.box(data, "meta/iprp/ipco")
    bits = 8
    for part in containers.boxes(data, ipco.content, ipco.end) if ipco is not None else ():
        if part.name == "av1C" and part.end - part.content >= 4:
            flags = data[part.content + 2]
            bits = max(bits, (12 if flags & 0x20 else 10) if flags & 0x40 else 8)
    return bits


def _jpeg2000_bits(data: Data) -> int:
    """From the SIZ marker: the depth of the deepest component."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0:
        return 8
    components = int.from_bytes(data[at + 40 : at + 42], "big")
    return max([8, *((value & 0x7F) + 1 for value in bytes(data[at + 42 : at + 42 + 3 * components : 3]))])


def _ppm_peak(head: bytes) -> int:
    """The largest value of a PPM or PGM; 1 for a bitmap."""
    kept = b" ".join(line.split(b"#")[0] for line in head.splitlines())
    fields = kept.split()
    if fields[:1] and fields[0] in (b"P1", b"P4"):
        return 1
    return int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else 0

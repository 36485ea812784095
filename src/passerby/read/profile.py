"""Colour profiles (ICC.1) reduced to what colours need: no names, dates, devices, makers or private tags."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

_FIXED_TAGS = {b"wtpt": 20, b"bkpt": 20, b"rXYZ": 20, b"gXYZ": 20, b"bXYZ": 20, b"chad": 44, b"cicp": 12}
_CURVE_TAGS = frozenset({b"rTRC", b"gTRC", b"bTRC", b"kTRC"})
_TABLE_TAGS = frozenset({b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2"})
_TYPES = {b"wtpt": b"XYZ ", b"bkpt": b"XYZ ", b"rXYZ": b"XYZ ", b"gXYZ": b"XYZ ", b"bXYZ": b"XYZ ", b"chad": b"sf32"}
_SPACES = {"L": b"GRAY", "LA": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}
_CLASSES = frozenset({b"mntr", b"scnr", b"prtr", b"spac"})
_NEUTRAL = "colours only"
_LARGEST_BYTES = 8 << 20


def clean_icc(profile: bytes, mode: str) -> bytes | None:
    """The profile with its colour tags alone, neutral texts and an empty header, if it converts colours as before.

    Args:
        profile: the ICC profile as it stands in the file.
        mode: Pillow's mode of the pictures that it describes.

    Returns:
        The reduced profile, or None: it is broken, of another colour space, or cannot be reduced without a change.
        Reducing a reduced profile changes nothing.
    """
    space = _SPACES.get(mode.split(";")[0])
    try:
        cleaned = _rebuild(profile, space)
        if cleaned is None or not _same_colours(profile, cleaned, mode.split(";")[0].removesuffix("A")):
            return None
    except (ImageCms.PyCMSError, struct.error, ValueError, OSError):
        return None
    return cleaned


def _rebuild(profile: bytes, space: bytes | None) -> bytes | None:
    known = profile[36:40] == b"acsp" and profile[12:16] in _CLASSES and profile[16:20] == space
    if not known or not 132 <= len(profile) <= _LARGEST_BYTES or struct.unpack_from(">I", profile)[0] > len(profile):
        return None
    version = profile[8]
    tags: dict[bytes, bytes] = {b"desc": _text(version), b"cprt": _text(version, copyright_tag=True)}
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(min(count, 100)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        content = _colour_content(name, profile[offset : offset + size])
        if content is not None:
            tags[name] = content
    return _assemble(_header(profile), tags)


def _colour_content(name: bytes, content: bytes) -> bytes | None:
    """A tag's content cut to what its type needs, or None where it is not about colours or not of the known type."""
    if name in _FIXED_TAGS:
        size = _FIXED_TAGS[name]
        right = content[:4] == _TYPES.get(name, name) and len(content) >= size
        return content[:4] + bytes(4) + content[8:size] if right else None
    if name in _CURVE_TAGS:
        return _curve(content)
    if name in _TABLE_TAGS and content[:4] in (b"mft1", b"mft2", b"mAB ", b"mBA "):
        return content[:4] + bytes(4) + content[8:]
    return None


def _curve(content: bytes) -> bytes | None:
    if content[:4] == b"curv" and len(content) >= 12:
        size = 12 + 2 * int.from_bytes(content[8:12], "big")
    elif content[:4] == b"para" and len(content) >= 12:
        size = 12 + 4 * {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(int.from_bytes(content[8:10], "big"), 1 << 20)
    else:
        return None
    return content[:4] + bytes(4) + content[8:size] if len(content) >= size else None


def _header(profile: bytes) -> bytearray:
    header = bytearray(128)
    kept = ((8, 24), (36, 40), (64, 80))  # version, class, colour space, connection space; "acsp"; intent, illuminant
    for start, stop in kept:
        header[start:stop] = profile[start:stop]
    header[10:12] = bytes(2)
    return header


def _text(version: int, *, copyright_tag: bool = False) -> bytes:
    if version >= 4:
        text = _NEUTRAL.encode("utf-16-be")
        return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(text), 28) + text
    text = _NEUTRAL.encode("ascii") + b"\0"
    if copyright_tag:
        return b"text" + bytes(4) + text
    return b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)


def _assemble(header: bytearray, tags: dict[bytes, bytes]) -> bytes:
    """Equal contents are stored once, as profile writers do."""
    places: dict[bytes, int] = {}
    body = bytearray()
    start = 132 + 12 * len(tags)
    for _, content in sorted(tags.items()):
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
    table = b"".join(
        struct.pack(">4sII", name, places[content], len(content)) for name, content in sorted(tags.items())
    )
    header[0:4] = struct.pack(">I", start + len(body))
    return bytes(header) + struct.pack(">I", len(tags)) + table + bytes(body)


def to_srgb(profile: bytes, mode: str) -> Callable[[Image.Image], Image.Image] | None:
    """A conversion of pictures of that mode ("L", "RGB", "CMYK") to sRGB, or None where the profile allows none."""
    try:
        transform = _transform(profile, mode)
    except (ImageCms.PyCMSError, ValueError, OSError):
        return None
    return lambda picture: ImageCms.applyTransform(picture, transform) or picture


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    opened = ImageCms.getOpenProfile(io.BytesIO(profile))
    intent = ImageCms.Intent(min(int.from_bytes(profile[64:68], "big"), 3))
    return ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB", intent)


def _same_colours(before: bytes, after: bytes, mode: str) -> bool:
    levels = np.linspace(0, 255, {"L": 256, "RGB": 17, "CMYK": 9}[mode]).astype(np.uint8)
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    grid = np.stack(np.meshgrid(*[levels] * channels, indexing="ij"), axis=-1).reshape(1, -1, channels)
    probe = Image.frombytes(mode, (grid.shape[1], 1), grid.tobytes())
    results = [np.asarray(ImageCms.applyTransform(probe, _transform(p, mode)), np.int16) for p in (before, after)]
    return bool(np.abs(results[0] - results[1]).max() <= 1)

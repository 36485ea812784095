"""The finished photo read back: it decodes whole, is what it should be, and holds nothing else."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import ExifTags, Image

from passerby.check.photo_structure import structure_problems
from passerby.errors import SourceError
from passerby.media import PhotoInfo
from passerby.read.heif_photo import heif_exif, open_heif
from passerby.read.photo import PhotoLimits, open_photo
from passerby.read.photo_format import HEAD_BYTES, photo_format
from passerby.read.pillow_photo import open_picture
from passerby.read.quiet import quiet
from passerby.write.photo import output_format

_NO_LIMITS = PhotoLimits(max_megapixels=float("inf"), max_frames=1 << 31)
_AVIF_TICK_S = Fraction(1, 1000)
_TELLING_BYTES = 8
"""Texts of the source's EXIF data of this length and more do not come up in a compressed picture by chance."""


def read_back_photo(target: Path, expected: PhotoInfo, *, source: Path | None = None) -> list[str]:
    """What is wrong with a finished file, in words; empty if nothing is.

    Args:
        target: the finished file, whatever its suffix.
        expected: the source, as `open_photo` told it.
        source: the source itself, whose EXIF texts are then looked for in the finished file.
    """
    format_name = output_format(expected)[0]
    try:
        with open_photo(target, name=expected.name, limits=_NO_LIMITS) as photo:
            found = photo.info
            decoded = sum(1 for _ in photo.frames()) if found.format == format_name else found.frame_count
    except SourceError as error:
        return [f"it does not read back: {error.message}"]
    if found.format != format_name:
        return [f"it is {found.format}, not {format_name}"]
    with target.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        problems = structure_problems(format_name, data)
        if source is not None and any(data.find(text) >= 0 for text in _telling_texts(source)):
            problems.append("it has texts of the original's EXIF data")
    problems += _picture_problems(found, expected, decoded)
    if _profile(target, format_name) != (expected.icc if format_name not in ("GIF", "BMP") else None):
        problems.append("its colour profile is not the reduced one")
    return problems


def _picture_problems(found: PhotoInfo, expected: PhotoInfo, decoded: int) -> Iterator[str]:
    size, expected_size = (found.width, found.height), (expected.width, expected.height)
    if size != expected_size:
        yield f"it is {size[0]}x{size[1]}, not {expected_size[0]}x{expected_size[1]}"
    if not _same_mode(found, expected):
        yield f"its pixels are {found.mode}, not {expected.mode}"
    if decoded != expected.frame_count or found.frame_count != expected.frame_count:
        yield f"it has {decoded} frames, not {expected.frame_count}"
    if not _same_timing(found, expected):
        yield "its frames are not shown as long as the original's"
    if expected.animated and found.format != "AVIF" and (found.loop or 0) != (expected.loop or 0):
        yield "it does not repeat as the original does"
    if found.colour_chunks != expected.colour_chunks and expected.format == "PNG":
        yield "its colour chunks are not the original's"
    if not _same_code_points(found, expected):
        yield "its colour code points are not the original's"
    yield from (f"it holds {part}" for part in found.dropped)
    if found.metadata:
        yield f"it has metadata ({', '.join(found.metadata[:5])})"


def _same_mode(found: PhotoInfo, expected: PhotoInfo) -> bool:
    # The encoders of WebP and AVIF leave an alpha plane out that is opaque everywhere.
    opaque = found.format in ("WEBP", "AVIF") and found.mode == expected.mode.replace("A", "", 1)
    return found.bits == expected.bits and (found.mode == expected.mode or opaque)


def _same_timing(found: PhotoInfo, expected: PhotoInfo) -> bool:
    tick = _AVIF_TICK_S if found.format == "AVIF" else 0
    if len(found.durations_s) != len(expected.durations_s):
        return False
    pairs = zip(found.durations_s, expected.durations_s, strict=True)
    return all(abs(ours - theirs) <= tick for ours, theirs in pairs)


def _same_code_points(found: PhotoInfo, expected: PhotoInfo) -> bool:
    if expected.format not in ("HEIF", "AVIF") or 2 in (expected.colour.primaries, expected.colour.transfer):
        return True
    ours, theirs = found.colour, expected.colour
    return (ours.primaries, ours.transfer) == (theirs.primaries, theirs.transfer)


def _profile(target: Path, format_name: str) -> bytes | None:
    with target.open("rb") as file:
        if format_name == "HEIF":
            profile = open_heif(file).info.get("icc_profile")
        else:
            profile = open_picture(file, format_name).info.get("icc_profile")
    return bytes(profile) if profile else None


def _telling_texts(source: Path) -> set[bytes]:
    """Texts in the source's EXIF data: makers, models, serial numbers. They only go into a search."""
    with source.open("rb") as file:
        format_name = photo_format(file.read(HEAD_BYTES))
        try:
            with quiet():
                picture = None if format_name in (None, "HEIF") else open_picture(file, format_name or "")
                exif = heif_exif(open_heif(file)) if picture is None else picture.getexif()
                return {text for text in _texts(exif) if len(text) >= _TELLING_BYTES}
        except Exception:  # the source was read before; EXIF that cannot be parsed has no texts to look for
            return set()


def _texts(exif: Image.Exif) -> Iterator[bytes]:
    directories = [dict(exif), *(dict(exif.get_ifd(kind)) for kind in (ExifTags.IFD.Exif, ExifTags.IFD.IFD1))]
    for directory in directories:
        for value in directory.values():
            if isinstance(value, str):
                yield value.strip("\0 ").encode("utf-8", "replace")

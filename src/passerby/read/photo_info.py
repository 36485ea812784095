"""What is known of a picture before it is decoded, and what its copy needs to look the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, Any

from PIL import Image

from passerby import containers
from passerby.containers import Data
from passerby.errors import SourceTooLarge, SourceUnreadable
from passerby.media import Colour, PhotoInfo
from passerby.read.deep_photo import deep_mode
from passerby.read.heif_photo import heif_colour, heif_exif, heif_extras, heif_mode, heif_subsampling, open_heif
from passerby.read.photo_contents import dropped_parts, has_thumbnail, metadata_names
from passerby.read.photo_pixels import layout_of, mode_of
from passerby.read.pillow_photo import first_frame, open_picture, orientation_of, timing
from passerby.read.profile import clean_icc, to_srgb
from passerby.read.quiet import quiet

Convert = Callable[[Image.Image], Image.Image]

_SUBSAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}
_COLOUR_CHUNKS = {"gAMA": 4, "cHRM": 32, "sRGB": 1, "cICP": 4}
_RAW_TAGS = (50706, 33421)
"""DNGVersion, CFARepeatPatternDim: marks of camera raw files, whose first picture is a preview."""


_BROKEN_PROFILE = "colour profile that is broken or of another kind"
_READ_WHOLE = frozenset({"WEBP", "AVIF"})
"""Formats whose decoders take the whole file into memory."""
_BYTES_PER_PIXEL = 8


@dataclass(frozen=True, slots=True)
class Described:
    """What the decoder has to know besides `info`: whether to decode deep, and how to convert colours."""

    info: PhotoInfo
    deep: bool = False
    convert: Convert | None = None


def describe(
    file: IO[bytes], data: Data, format_name: str, name: str, max_megapixels: float, max_frames: int
) -> Described:
    """Everything about the picture that can be known without decoding it.

    Raises whatever the decoders raise, and the SourceError of what is refused.
    """
    if format_name == "HEIF":
        return _describe_heif(file, data, name, max_megapixels)
    if format_name == "TIFF":
        _refuse_raw(data, name)
    if format_name in _READ_WHOLE:
        _refuse_long(name, data, max_megapixels)
    picture = open_picture(file, format_name)
    orientation = orientation_of(picture)
    width, height = orientation.upright_size(*picture.size)
    _refuse_large(name, width, height, max_megapixels)
    durations, loop = timing(file, data, format_name, max_frames)
    if len(durations) > max_frames:
        raise SourceTooLarge(
            f"{name}: has more than {max_frames} frames; nothing was written", hint="Raise the limit with --max-frames"
        )
    mode, deep = _mode(picture, data, format_name, name, bool(durations))
    info = PhotoInfo(
        name=name,
        format=format_name,
        width=width,
        height=height,
        mode=mode,
        bits=_bits(mode, name),
        frame_count=len(durations) or 1,
        durations_s=durations,
        loop=loop,
        lossless=_lossless(data, format_name),
        dropped=_dropped(data, format_name, picture),
        metadata=_metadata(picture),
    )
    return _with_colours(_with_storage(info, data, picture), picture.info.get("icc_profile"), deep)


def _describe_heif(file: IO[bytes], data: Data, name: str, max_megapixels: float) -> Described:
    _refuse_long(name, data, max_megapixels)
    heif = open_heif(file)
    width, height = heif.size
    _refuse_large(name, width, height, max_megapixels)
    mode = heif_mode(heif)
    exif = heif_exif(heif)
    dropped = (*dropped_parts("HEIF", data), *heif_extras(heif))
    info = PhotoInfo(
        name=name,
        format="HEIF",
        width=width,
        height=height,
        mode=mode,
        bits=_bits(mode, name),
        subsampling=heif_subsampling(heif),
        colour=heif_colour(heif),
        dropped=_with_thumbnail(tuple(dict.fromkeys(dropped)), exif),
        metadata=metadata_names(exif),
    )
    return _with_colours(info, heif.info.get("icc_profile"), deep=False)


def _refuse_large(name: str, width: int, height: int, max_megapixels: float) -> None:
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise SourceTooLarge(
            f"{name}: has {megapixels:,.0f} megapixels, over the limit of {max_megapixels:,g}; nothing was written",
            hint="Raise the limit with --max-megapixels if there is memory for it",
        )
    if min(width, height) < 1:
        raise SourceUnreadable(f"{name}: has no pixels; nothing was written")


def _refuse_long(name: str, data: Data, max_megapixels: float) -> None:
    if len(data) > max_megapixels * 1e6 * _BYTES_PER_PIXEL:
        raise SourceTooLarge(
            f"{name}: is longer than a picture of {max_megapixels:,g} megapixels can be; nothing was written",
            hint="Raise the limit with --max-megapixels if there is memory for it",
        )


def _refuse_raw(data: Data, name: str) -> None:
    first = next(containers.tiff_directories(data, 1), None)
    if first is None:
        return
    kind = first.tag(254)
    is_preview = kind is not None and containers.tiff_values(data, kind)[:1] == [1]
    if bytes(data[8:10]) == b"CR" or is_preview or any(first.tag(number) for number in _RAW_TAGS):
        raise SourceUnreadable(
            f"{name}: is a camera raw file or begins with a preview, which cannot be copied; nothing was written",
            hint="Develop it to JPEG, TIFF or HEIC first",
        )


def _mode(picture: Any, data: Data, format_name: str, name: str, animated: bool) -> tuple[str, bool]:
    try:
        deep = deep_mode(data, format_name, picture)
    except SourceUnreadable as error:
        raise SourceUnreadable(f"{name}: {error.message}", hint=error.hint) from error
    if deep is not None:
        if animated:
            raise SourceUnreadable(f"{name}: is an animation of more than 8 bits, which cannot be copied")
        return deep, True
    # A frame of an animation may be transparent where the first is not.
    return ("RGBA" if format_name == "GIF" or (animated and format_name == "PNG") else mode_of(picture)), False


def _bits(mode: str, name: str) -> int:
    layout = layout_of(mode)
    if layout is None:
        raise SourceUnreadable(
            f"{name}: has pixels of a kind that cannot be copied ({mode}); nothing was written",
            hint="Convert it to RGB with 8 or 16 bits",
        )
    return layout.bits


def _lossless(data: Data, format_name: str) -> bool:
    if format_name != "WEBP":
        return format_name in ("PNG", "TIFF", "GIF", "BMP", "PSD", "PPM")
    kinds = set()
    for part in containers.riff_chunks(data):
        kinds.add(part.name)
        if part.name == "ANMF":
            kinds |= {inner.name for inner in containers.anmf_chunks(data, part)}
    return "VP8 " not in kinds


def _with_storage(info: PhotoInfo, data: Data, picture: Any) -> PhotoInfo:
    """How it was compressed, so that the copy is compressed alike."""
    if info.format == "JPEG":
        layers = picture.layer
        tables = tuple(tuple(picture.quantization[layer[3]]) for layer in layers if layer[3] in picture.quantization)
        sampling = _SUBSAMPLING.get((layers[0][1], layers[0][2])) if len(layers) == 3 else None
        if any((layer[1], layer[2]) != (1, 1) for layer in layers[1:]):
            sampling = None
        progressive = bool(picture.info.get("progressive"))
        return replace(info, quantisation=tables, subsampling=sampling, progressive=progressive)
    if info.format == "TIFF":
        return replace(info, compression=str(picture.info.get("compression", "raw")))
    if info.format == "PNG":
        return replace(info, colour_chunks=_colour_chunks(data))
    return replace(info, colour=_code_points(data)) if info.format == "AVIF" else info


def _colour_chunks(data: Data) -> tuple[tuple[str, bytes], ...]:
    found = {}
    for part in containers.png_chunks(data):
        if part.name == "IDAT":
            break
        if part.end - part.content == _COLOUR_CHUNKS.get(part.name):
            found[part.name] = part.read(data)
    return tuple(sorted(found.items()))


def _code_points(data: Data) -> Colour:
    for part in containers.colour_boxes(data):
        at = part.content + 4
        primaries, transfer, matrix = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (0, 2, 4))
        return Colour(primaries, transfer, matrix, True)
    return Colour()


def _with_colours(info: PhotoInfo, profile: bytes | None, deep: bool) -> Described:
    """With the reduced profile; where it cannot be reduced, with a conversion to sRGB; where not even that, without."""
    if not profile:
        return Described(info, deep)
    with quiet():
        cleaned = clean_icc(profile, info.mode)
        if cleaned is not None:
            return Described(replace(info, icc=cleaned), deep)
        convert = to_srgb(profile, "RGB") if info.mode == "RGB" and not deep and info.format != "HEIF" else None
    if convert is not None:
        words = "colour profile that cannot be reduced (colours were converted to sRGB)"
        return Described(replace(info, dropped=(*info.dropped, words)), deep, convert)
    return Described(replace(info, dropped=(*info.dropped, _BROKEN_PROFILE)), deep)


def _has_chunk(data: Data, name: str) -> bool:
    return any(part.name == name for part in containers.png_chunks(data))


def _dropped(data: Data, format_name: str, picture: Any) -> tuple[str, ...]:
    parts = dropped_parts(format_name, data)
    if first_frame(picture):
        parts = (*parts, "still picture before the animation")
    if format_name == "PNG" and "icc_profile" not in picture.info and _has_chunk(data, "iCCP"):
        parts = (*parts, _BROKEN_PROFILE)
    return _with_thumbnail(parts, _exif(picture))


def _with_thumbnail(parts: tuple[str, ...], exif: Image.Exif) -> tuple[str, ...]:
    return tuple("EXIF with thumbnail" if part == "EXIF" and has_thumbnail(exif) else part for part in parts)


def _metadata(picture: Any) -> tuple[str, ...]:
    return metadata_names(_exif(picture))


def _exif(picture: Any) -> Image.Exif:
    try:
        with quiet():
            exif: Image.Exif = picture.getexif()
    except Exception:  # malformed EXIF is not passed on anyway
        return Image.Exif()
    return exif

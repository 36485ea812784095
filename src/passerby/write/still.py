"""One picture into one file, format by format. Nothing is written but pixels and what their colours mean."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

import cv2
import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, PngImagePlugin, TiffImagePlugin

from passerby import containers
from passerby.media import Colour, PhotoInfo

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""One packed picture: uint8, or uint16 above 8 bits, shape (H, W, C)."""

_JPEG_QUALITY = 95
_QUALITY = 90
_HEIF_QUALITY = 80
_HEIF_PRESET = "ultrafast"  # at most 0.3 dB below x265's slower ones at the same size of a photo, in half their time
_UNSPECIFIED = 2
_HEIF_TILE = 512
_HEIF_SINGLE = 4096
"""Pictures with a longer side are stored in tiles: few decoders take HEVC pictures that large."""


def picture_of(pixels: Pixels, mode: str) -> Image.Image:
    """Pillow's picture of 8-bit pixels, or of grey ones of 16."""
    height, width, _ = pixels.shape
    name = "I;16" if mode == "L;16" else mode
    return Image.frombuffer(name, (width, height), np.ascontiguousarray(pixels), "raw", name, 0, 1)


def write_jpeg(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """With the source's quantisation tables and chroma subsampling, unless a quality is asked for."""
    options: dict[str, Any] = {"progressive": like.progressive}
    if quality is None and _are_usable(like.quantisation):
        options["qtables"] = [list(table) for table in dict.fromkeys(like.quantisation)]
    else:
        options["quality"] = quality or _JPEG_QUALITY
    if like.mode == "RGB":
        options["subsampling"] = like.subsampling or "4:4:4"
    picture_of(next(frames), like.mode).save(file, "JPEG", icc_profile=like.icc, **options)


def _are_usable(quantisation: tuple[tuple[int, ...], ...]) -> bool:
    """The encoder gives the first table to the first component and the last one to those that are left over."""
    in_order = quantisation[1:2] == quantisation[2:3]
    return bool(quantisation) and in_order and all(0 < value < 256 for table in quantisation for value in table)


def write_png(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """8 or 16 bits."""
    file.write(png_bytes(next(frames), like))


def png_bytes(pixels: Pixels, like: PhotoInfo) -> bytes:
    """A PNG with the profile and the colour chunks of `like`."""
    if like.bits == 8 or like.mode == "L;16":
        info = PngImagePlugin.PngInfo()
        for name, content in like.colour_chunks:
            info.add(name.encode(), content)
        stored = io.BytesIO()
        picture_of(pixels, like.mode).save(stored, "PNG", pnginfo=info, icc_profile=like.icc)
        return stored.getvalue()
    encoded = _opencv(".png", pixels, [])
    colours = [(name.encode(), content) for name, content in like.colour_chunks]
    if like.icc is not None:
        colours.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(like.icc)))
    after_header = 8 + 25
    return encoded[:after_header] + b"".join(png_chunk(*chunk) for chunk in colours) + encoded[after_header:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk with its length and check sum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _opencv(suffix: str, pixels: Pixels, options: list[int]) -> bytes:
    order = {1: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[pixels.shape[2]]
    try:
        done, encoded = cv2.imencode(suffix, pixels if order is None else cv2.cvtColor(pixels, order), options)
    except cv2.error as error:
        raise RuntimeError("OpenCV could not encode the picture") from error
    if not done:
        raise RuntimeError("OpenCV could not encode the picture")
    return encoded.tobytes()


def write_webp(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """Without loss where the source is."""
    file.write(webp_bytes(next(frames), like, quality, like.icc))


def webp_bytes(pixels: Pixels, like: PhotoInfo, quality: int | None, profile: bytes | None) -> bytes:
    """One WebP picture; its profile may be left to whoever puts it into an animation."""
    stored = io.BytesIO()
    lossless = like.lossless and quality is None
    picture_of(pixels, like.mode).save(
        stored, "WEBP", lossless=lossless, quality=quality or _QUALITY, icc_profile=profile or b""
    )
    return stored.getvalue()


def write_tiff(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """One page, never with loss: as it was if uncompressed, else deflated."""
    pixels = next(frames)
    raw = like.compression == "raw"
    if like.bits == 8 or like.mode == "L;16":
        compression = "raw" if raw else "tiff_adobe_deflate"
        stored = io.BytesIO()  # libtiff does not say why a file took no more
        picture_of(pixels, like.mode).save(stored, "TIFF", compression=compression, icc_profile=like.icc)
        file.write(stored.getbuffer())
        return
    height, width, channels = pixels.shape
    content = pixels.astype("<u2", copy=False).tobytes()
    strip = content if raw else zlib.compress(content)
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    tags[256], tags[257], tags[258], tags[259], tags[262] = width, height, (16,) * channels, 1 if raw else 8, 2
    tags[273], tags[277], tags[278], tags[279], tags[284] = 0, channels, height, len(strip), 1
    if channels == 4:
        tags[338] = 2  # straight alpha
    if like.icc is not None:
        tags.tagtype[34675] = 7
        tags[34675] = like.icc
    tags.save(file)
    file.write(strip)


def write_bmp(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """Grey or RGB."""
    picture_of(next(frames), like.mode).save(file, "BMP")


def write_heif(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """HEVC with the source's bits, chroma subsampling and code points."""
    pixels = next(frames)
    height, width, _ = pixels.shape
    options: dict[str, Any] = {"quality": quality or _HEIF_QUALITY, "exif": None, "xmp": None}
    options["enc_params"] = {"preset": _HEIF_PRESET}
    if like.subsampling is not None:
        options["subsampling"] = like.subsampling
    if like.bits > 8:
        options["bit_depth"] = like.bits
    if like.icc is not None:
        options["icc_profile"] = like.icc
    if max(width, height) > _HEIF_SINGLE and not like.mode.split(";")[0].endswith("A"):
        options["tile_size"] = _HEIF_TILE
    options |= _nclx(like.colour)
    pillow_heif.encode(like.mode, (width, height), pixels.tobytes(), file, **options)


def _nclx(colour: Colour) -> dict[str, int]:
    if _UNSPECIFIED in (colour.primaries, colour.transfer):
        return {}
    return {
        "color_primaries": colour.primaries,
        "transfer_characteristics": colour.transfer,
        "matrix_coefficients": colour.matrix if colour.matrix in (1, 5, 6, 9) else 6,
        "full_range_flag": 1,
    }


def write_avif(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """AV1 with the source's bits and code points."""
    pixels = next(frames)
    if like.bits > 8:
        options = [cv2.IMWRITE_AVIF_DEPTH, like.bits, cv2.IMWRITE_AVIF_QUALITY, quality or _QUALITY]
        file.write(with_code_points(_opencv(".avif", pixels, options), like.colour))
        return
    stored = io.BytesIO()
    picture_of(pixels, like.mode).save(stored, "AVIF", **avif_options(like, quality))
    file.write(with_code_points(stored.getvalue(), like.colour))


def avif_options(like: PhotoInfo, quality: int | None) -> dict[str, Any]:
    """What Pillow's encoder is told."""
    sampling = "4:0:0" if like.mode == "L" else like.subsampling or "4:2:0"
    return {"quality": quality or _QUALITY, "subsampling": sampling, "icc_profile": like.icc or b"", "exif": b""}


def with_code_points(encoded: bytes, colour: Colour) -> bytes:
    """An AVIF with these primaries and transfer in place of sRGB's; the matrix is the encoder's own."""
    if _UNSPECIFIED in (colour.primaries, colour.transfer):
        return encoded
    changed = bytearray(encoded)
    for part in containers.colour_boxes(encoded):
        changed[part.content + 4 : part.content + 8] = struct.pack(">HH", colour.primaries, colour.transfer)
    return bytes(changed)

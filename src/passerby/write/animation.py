"""Animations, frame by frame: only what changed since the frame before is stored, and one frame is held at a time."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from passerby import containers
from passerby.media import PhotoInfo
from passerby.write.still import (
    Pixels,
    avif_options,
    picture_of,
    png_bytes,
    png_chunk,
    webp_bytes,
    with_code_points,
)

Box = tuple[int, int, int, int]

_KEEP, _CLEAR = 1, 2
_OPAQUE = 128


def _changed(before: Pixels | None, now: Pixels, step: int = 1) -> Box:
    """Where two frames differ: x1, y1, x2, y2 with x1 and y1 multiples of `step`; one pixel if nowhere."""
    height, width, _ = now.shape
    if before is None:
        return 0, 0, width, height
    differs = (before != now).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    x1, y1 = int(columns[0]) // step * step, int(rows[0]) // step * step
    return x1, y1, int(columns[-1]) + 1, int(rows[-1]) + 1


def _cut(pixels: Pixels, box: Box) -> Pixels:
    x1, y1, x2, y2 = box
    cut: Pixels = pixels[y1:y2, x1:x2].copy()
    return cut


def write_png_frames(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """APNG: each frame replaces what it covers."""
    before: Pixels | None = None
    sequence = 0
    for pixels, duration in zip(frames, like.durations_s, strict=True):
        box = _changed(before, pixels)
        encoded = png_bytes(_cut(pixels, box), like)
        parts = list(containers.png_chunks(encoded))
        if before is None:
            end = next(part.start for part in parts if part.name == "IDAT")
            file.write(encoded[:33] + png_chunk(b"acTL", struct.pack(">II", like.frame_count, like.loop or 0)))
            file.write(encoded[33:end])
        file.write(png_chunk(b"fcTL", struct.pack(">I", sequence) + _png_control(box, duration)))
        sequence += 1
        for part in (part for part in parts if part.name == "IDAT"):
            content = part.read(encoded)
            if before is None:
                file.write(png_chunk(b"IDAT", content))
            else:
                file.write(png_chunk(b"fdAT", struct.pack(">I", sequence) + content))
                sequence += 1
        before = pixels
    file.write(png_chunk(b"IEND", b""))


def _png_control(box: Box, duration: Fraction) -> bytes:
    x1, y1, x2, y2 = box
    exact = duration.limit_denominator(0xFFFF)
    number, per = (exact.numerator, exact.denominator) if exact.numerator <= 0xFFFF else (0xFFFF, 1)
    return struct.pack(">IIIIHHBB", x2 - x1, y2 - y1, x1, y1, number, per, 0, 0)


def write_webp_frames(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """Animated WebP: each frame replaces what it covers, without blending."""
    alpha, height, width = like.mode == "RGBA", like.height, like.width
    file.write(b"RIFF\0\0\0\0WEBP")
    flags = 0x02 | (0x10 if alpha else 0) | (0x20 if like.icc else 0)
    file.write(_riff(b"VP8X", bytes([flags, 0, 0, 0]) + _24(width - 1) + _24(height - 1)))
    if like.icc is not None:
        file.write(_riff(b"ICCP", like.icc))
    file.write(_riff(b"ANIM", struct.pack("<IH", 0, like.loop or 0)))
    before: Pixels | None = None
    for pixels, duration in zip(frames, like.durations_s, strict=True):
        box = x1, y1, x2, y2 = _changed(before, pixels, step=2)
        encoded = webp_bytes(_cut(pixels, box), like, quality, None)
        kept = [part for part in containers.riff_chunks(encoded) if part.name in ("ALPH", "VP8 ", "VP8L")]
        head = b"".join(_24(value) for value in (x1 // 2, y1 // 2, x2 - x1 - 1, y2 - y1 - 1, _ms(duration)))
        no_blend = b"\x02"
        body = b"".join(_riff(part.name.encode(), part.read(encoded)) for part in kept)
        file.write(_riff(b"ANMF", head + no_blend + body))
        before = pixels
    size = file.tell() - 8
    file.seek(4)
    file.write(struct.pack("<I", size))


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) & 1)


def _24(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _ms(duration: Fraction) -> int:
    return min(round(duration * 1000), 0xFFFFFF)


def write_gif(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """GIF with a colour table for each frame: exact where 256 colours suffice, the nearest without dithering else."""
    file.write(b"GIF89a" + struct.pack("<HHBBB", like.width, like.height, 0, 0, 0))
    if like.animated and like.loop is not None:
        file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", like.loop) + b"\0")
    before: Pixels | None = None
    durations = iter(like.durations_s or (Fraction(0),))
    pixels = next(frames, None)
    while pixels is not None:
        after = next(frames, None)
        # Only a whole frame that is cleared away lets the next one show nothing where this one showed something.
        clear = after is not None and _see_through(after)
        box = (0, 0, like.width, like.height) if clear else _changed(before, pixels)
        file.write(_gif_frame(_cut(pixels, box), box, next(durations), _CLEAR if clear else _KEEP))
        before, pixels = (None if clear else pixels), after
    file.write(b";")


def _see_through(pixels: Pixels) -> bool:
    return pixels.shape[2] == 4 and bool((pixels[..., 3] < _OPAQUE).any())


def _gif_frame(pixels: Pixels, box: Box, duration: Fraction, disposal: int) -> bytes:
    picture, transparent = _indexed(pixels)
    stored = io.BytesIO()
    picture.save(stored, "GIF", interlace=0, optimize=False)
    encoded = stored.getvalue()
    table_bits = encoded[10] & 7
    table = encoded[13 : 13 + (3 << (table_bits + 1))]
    image = next(part for part in containers.gif_blocks(encoded) if part.name == "image")
    delay = min(round(duration * 100), 0xFFFF)
    flags = disposal << 2 | (transparent is not None)
    x1, y1, x2, y2 = box
    control = b"!\xf9\x04" + struct.pack("<BHB", flags, delay, transparent or 0) + b"\0"
    place = b"," + struct.pack("<HHHHB", x1, y1, x2 - x1, y2 - y1, 0x80 | table_bits)
    return control + place + table + encoded[image.start + 10 : image.end]


def _indexed(pixels: Pixels) -> tuple[Image.Image, int | None]:
    """A picture with a colour table, and the number of the colour that is transparent."""
    hidden = pixels[..., 3] < _OPAQUE if pixels.shape[2] == 4 else np.zeros(pixels.shape[:2], np.bool_)
    colours: npt.NDArray[Any] = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    room = 255 if hidden.any() else 256
    packed = colours.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, places = np.unique(packed, return_inverse=True)
    if len(found) <= room:
        indices = places.reshape(packed.shape).astype(np.uint8)
        table = np.stack([found >> 16 & 255, found >> 8 & 255, found & 255], axis=1).astype(np.uint8)
    else:
        reduced = picture_of(np.ascontiguousarray(colours), "RGB").quantize(room, dither=Image.Dither.NONE)
        indices = np.array(reduced, np.uint8)
        table = np.array(reduced.getpalette("RGB"), np.uint8).reshape(-1, 3)
    transparent = 255 if hidden.any() else None
    if transparent is not None:
        indices[hidden] = transparent
        table = np.concatenate([table, np.zeros((256 - len(table), 3), np.uint8)])
    height, width = pixels.shape[:2]
    picture = Image.frombytes("P", (width, height), indices.tobytes())
    picture.putpalette(table.tobytes())
    return picture, transparent


def write_avif_frames(file: IO[bytes], frames: Iterator[Pixels], like: PhotoInfo, quality: int | None) -> None:
    """AVIF sequence; its encoder takes whole milliseconds."""
    mode = "RGB" if like.mode == "L" else like.mode
    running = _Running(frames, mode)
    durations = [_ms(duration) for duration in like.durations_s]
    stored = io.BytesIO()
    running.save(stored, "AVIF", save_all=True, duration=durations, **avif_options(like, quality))
    file.write(with_code_points(stored.getvalue(), like.colour))


class _Running(Image.Image):
    """A picture whose frames come from an iterator: Pillow's encoder seeks forwards and asks for one at a time."""

    is_animated = True

    def __init__(self, frames: Iterator[Pixels], mode: str) -> None:
        super().__init__()
        self._coming, self._shown_as, self._at = frames, mode, -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go on to the next frame; going back does nothing."""
        if frame <= self._at:
            return
        pixels = next(self._coming, None)
        if pixels is None:
            raise EOFError
        picture = picture_of(pixels, "L" if pixels.shape[2] == 1 else self._shown_as).convert(self._shown_as)
        self.im, self._mode, self._size = picture.im, picture.mode, picture.size
        self._at = frame

    def tell(self) -> int:
        """The frame that is there."""
        return self._at

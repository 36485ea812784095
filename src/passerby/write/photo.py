"""Photos and animations out: the format of the source where it can be written, no metadata, the same colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from passerby.errors import OutputError, RedactionIncomplete
from passerby.media import PhotoInfo, Plane, RedactedFrame
from passerby.pending import output_error
from passerby.write.animation import write_avif_frames, write_gif, write_png_frames, write_webp_frames
from passerby.write.still import (
    Pixels,
    write_avif,
    write_bmp,
    write_heif,
    write_jpeg,
    write_png,
    write_tiff,
    write_webp,
)

Write = Callable[[IO[bytes], Iterator[Pixels], PhotoInfo, int | None], None]

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "HEIF": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "BMP": (".bmp", ".dib"),
}
"""What can be written, and how the names of such files end, the usual one first."""
_STILLS: dict[str, Write] = {
    "JPEG": write_jpeg,
    "PNG": write_png,
    "WEBP": write_webp,
    "TIFF": write_tiff,
    "GIF": write_gif,
    "HEIF": write_heif,
    "AVIF": write_avif,
    "BMP": write_bmp,
}
_ANIMATIONS: dict[str, Write] = {
    "GIF": write_gif,
    "PNG": write_png_frames,
    "WEBP": write_webp_frames,
    "AVIF": write_avif_frames,
}


def output_format(info: PhotoInfo) -> tuple[str, str, str | None]:
    """The format of the copy, the suffix that goes with it, and why it is not the source's, None if it is."""
    if info.format in SUFFIXES and not (info.format == "BMP" and info.mode == "RGBA"):
        return info.format, SUFFIXES[info.format][0], None
    what = "with transparency" if info.format == "BMP" else "pictures"
    other = "TIFF" if info.mode == "CMYK" else "PNG"
    return other, SUFFIXES[other][0], f"{info.format} {what} cannot be written, so the copy is a {other}"


def write_photo(target: Path, frames: Iterable[RedactedFrame], like: PhotoInfo, *, quality: int | None = None) -> None:
    """Write the copy. Nothing of the source goes into it but what `like` says of colours and timing.

    Args:
        target: the temporary file to write to, whatever its suffix.
        frames: as many as `like.frame_count`, in order; of an animation one is held at a time.
        like: the source; the format follows from it, see `output_format`.
        quality: of lossy formats, 1 to 100; None takes the quantisation tables of a JPEG and a high quality else.

    Raises:
        OutputError: the disk or the encoder does not take it.
        RedactionIncomplete: there are too few or too many frames.
    """
    encode = _ANIMATIONS[like.format] if like.animated else _STILLS[output_format(like)[0]]
    pixels = _counted(frames, like)
    try:
        with target.open("wb") as file:
            encode(file, pixels, like, quality)
            for _ in pixels:
                pass  # one that the encoder did not ask for is one too many, and raises
    except OSError as error:
        raise _not_encoded(target, error) if error.errno is None else output_error(target, error) from error
    except (ValueError, RuntimeError, MemoryError) as error:
        raise _not_encoded(target, error) from error


def _counted(frames: Iterable[RedactedFrame], like: PhotoInfo) -> Iterator[Pixels]:
    count = 0
    for frame in frames:
        count += 1
        if count > like.frame_count:
            break
        yield _packed(frame, like)
    if count != like.frame_count:
        raise RedactionIncomplete(f"{like.name}: {count} frames came of {like.frame_count}; the copy was withheld")


def _packed(frame: RedactedFrame, like: PhotoInfo) -> Pixels:
    """The frame's planes as one array; no copy where they are channels of one, as the reader makes them."""
    if frame.layout.name != like.mode:
        raise RedactionIncomplete(
            f"{like.name}: a frame is {frame.layout.name}, not {like.mode}; the copy was withheld"
        )
    carrier, planes = frame.carrier, frame.planes
    if isinstance(carrier, np.ndarray) and carrier.shape == (*planes[0].shape, len(planes)):
        channels = [carrier[..., index] for index in range(len(planes))]
        if all(_same(plane, channel) for plane, channel in zip(planes, channels, strict=True)):
            return carrier
    packed: Pixels = np.ascontiguousarray(frame.orientation.turn(np.stack(planes, axis=-1)))
    return packed


def _same(plane: Plane, channel: Plane) -> bool:
    return (
        plane.ctypes.data == channel.ctypes.data and plane.strides == channel.strides and plane.dtype == channel.dtype
    )


def _not_encoded(target: Path, error: Exception) -> OutputError:
    reason = "there is not enough memory" if isinstance(error, MemoryError) else "its encoder failed"
    return OutputError(f"{target.name}: cannot be written: {reason}; nothing was left under that name")

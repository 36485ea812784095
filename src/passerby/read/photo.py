"""Photos and animations in: what is in a file, and its frames, upright."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image

from passerby.containers import Data
from passerby.errors import SourceDamaged, SourceError, SourceTooLarge, SourceUnreadable
from passerby.media import Frame, PhotoInfo, PixelLayout
from passerby.read.deep_photo import decode_deep
from passerby.read.heif_photo import decode_heif
from passerby.read.photo_format import HEAD_BYTES, PHOTO_SUFFIXES, photo_format, unknown_format
from passerby.read.photo_info import Described, describe
from passerby.read.photo_pixels import Pixels, frame_of, layout_of, pictures_of
from passerby.read.pillow_photo import decoded_frames

__all__ = ["PHOTO_SUFFIXES", "Photo", "PhotoLimits", "is_photo", "open_photo", "pictures_of"]


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """How large a picture may be before it is refused, for the sake of memory and time.

    Attributes:
        max_megapixels: width times height of one picture, in millions of pixels.
        max_frames: pictures in one animation.
    """

    max_megapixels: float = 200
    max_frames: int = 10_000


class Photo:
    """An open photo or animation."""

    def __init__(self, file: IO[bytes], described: Described) -> None:
        self.info: PhotoInfo = described.info
        self._file = file
        self._described = described
        self._identity = _identity(file)
        layout = layout_of(self.info.mode)
        assert layout is not None, "describe() lets no other mode through"
        self.layout: PixelLayout = layout

    def frames(self) -> Iterator[Frame]:
        """Every picture that is shown, upright, PTS 0, 1, 2, ...; one is held at a time.

        Raises:
            SourceDamaged: one of them cannot be decoded whole, or the file has been changed since it was opened.
        """
        self._refuse_changes()
        expected = (self.info.height, self.info.width, len(self._channels()))
        with _as_source_errors(self.info.name, SourceDamaged, "cannot be decoded, it is damaged or cut off"):
            for pts, pixels in enumerate(self._decode()):
                if pixels.shape != expected:
                    raise ValueError(f"a picture of another size: {pixels.shape}, expected {expected}")
                yield frame_of(pixels, self.layout, pts)
        self._refuse_changes()

    def _refuse_changes(self) -> None:
        # What is written is decoded anew: it must be what was looked at.
        if _identity(self._file) != self._identity:
            raise SourceDamaged(f"{self.info.name}: was changed while it was being read; nothing was written")

    def _channels(self) -> range:
        colours = {"gray": 1, "rgb": 3, "yuv": 3, "cmyk": 4}[self.layout.kind]
        return range(colours + (self.layout.alpha is not None))

    def _decode(self) -> Iterator[Pixels]:
        info = self.info
        if info.format == "HEIF":
            yield decode_heif(self._file)
        elif self._described.deep:
            yield decode_deep(self._file, info.format, info.mode)
        else:
            convert = self._described.convert
            yield from decoded_frames(self._file, info.format, info.mode, info.frame_count, convert)


def _identity(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def is_photo(path: Path) -> bool:
    """Whether the file begins like a picture that `open_photo` knows; its name does not count.

    Raises:
        SourceUnreadable: the file cannot be read at all.
    """
    try:
        with _opened(path) as file:
            return photo_format(file.read(HEAD_BYTES)) is not None
    except OSError as error:
        raise _unreadable(path.name, error) from error


def _opened(path: Path) -> IO[bytes]:
    """Pipes and devices are no files: opening one could wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file")
    return path.open("rb")


@contextmanager
def open_photo(
    path: Path, *, name: str | None = None, limits: PhotoLimits | None = None
) -> Generator[Photo, None, None]:
    """Open a picture and tell what is in it. Nothing is decoded before `Photo.frames()`.

    Args:
        path: the file.
        name: its label in messages; the file's name if None.
        limits: what is too large.

    Raises:
        SourceUnreadable: it holds no picture, or one that cannot be copied without loss of bits.
        SourceDamaged: it is cut off or broken so early that nothing is known of it.
        SourceTooLarge: it is over a limit.
    """
    label, limits = name or path.name, limits or PhotoLimits()
    try:
        file = _opened(path)
    except OSError as error:
        raise _unreadable(label, error) from error
    with file:
        try:
            head = file.read(HEAD_BYTES)
        except OSError as error:
            raise _unreadable(label, error) from error
        format_name = photo_format(head)
        if format_name is None:
            raise unknown_format(label, head)
        with _mapped(file) as data:
            described = _describe(file, data, format_name, label, limits)
        yield Photo(file, described)


def _describe(file: IO[bytes], data: Data, format_name: str, label: str, limits: PhotoLimits) -> Described:
    with _as_source_errors(label, SourceUnreadable, f"begins like {format_name} and cannot be opened as such"):
        return describe(file, data, format_name, label, limits.max_megapixels, limits.max_frames)


@contextmanager
def _mapped(file: IO[bytes]) -> Generator[Data, None, None]:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _unreadable(label: str, error: OSError) -> SourceUnreadable:
    reason = (error.strerror or "unknown reason").lower()
    return SourceUnreadable(f"{label}: cannot be read: {reason}; nothing was written")


@contextmanager
def _as_source_errors(label: str, kind: type[SourceError], what: str) -> Generator[None, None, None]:
    """Whatever a decoder raises becomes an error of the source: hostile files make them raise anything."""
    hint = "Copy it again from where it came from, or open and save it in a picture editor"
    try:
        yield
    except SourceError:
        raise
    except Image.DecompressionBombError as error:
        raise SourceTooLarge(f"{label}: has more pixels than its decoder takes; nothing was written") from error
    except MemoryError as error:
        raise SourceTooLarge(f"{label}: does not fit into memory; nothing was written") from error
    except Exception as error:
        if "too large" in str(error).lower():
            raise SourceTooLarge(
                f"{label}: unpacks to far more data than a picture holds; nothing was written"
            ) from error
        raise kind(f"{label}: {what}; nothing was written", hint=hint) from error

"""Opening a container: which of its streams is the video, what else is in it, and what the video is like."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from passerby.containers import box, boxes
from passerby.errors import SourceTooLarge, SourceUnreadable

# Demuxers that read other files, devices, the network, text, or single pictures.
_REFUSED_DEMUXERS = """
hls applehttp dash concat concatf ffmetadata sdp rtsp rtp lavfi imf vobsub tty bin ansi adf idf xbin bitpacked alias_pix
brender_pix image2 image2pipe gif apng webp ico
"""
_LOCAL = "file:"
_REFUSED = frozenset(_REFUSED_DEMUXERS.split())
_STILL_BRANDS = frozenset(["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis", "jpeg"])
THREADS = 2
"""Frames that the decoder works on at the same time."""


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is refused unless the user raises the limit: hours of video, megapixels of a frame."""

    max_hours: float = 6.0
    max_megapixels: float = 50.0


@lru_cache(maxsize=1)
def _demuxers() -> str:
    names = sorted(av.formats_available)
    return ",".join(name for name in names if name not in _REFUSED and not name.endswith("_pipe"))


def open_container(path: Path, name: str) -> InputContainer:
    """Opens a local file and nothing that it may refer to.

    Raises:
        SourceUnreadable: no such file, or nothing that FFmpeg takes for a video.
    """
    guard = {"protocol_whitelist": "file", "format_whitelist": _demuxers()}
    try:
        container = av.open(
            f"{_LOCAL}{path}", "r", container_options=guard, metadata_errors="replace", buffer_size=1 << 18
        )
    except FileNotFoundError as error:
        raise SourceUnreadable(f"{name} does not exist") from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unopened(path, name, error) from error
    assert isinstance(container, InputContainer)
    return container


def _unopened(path: Path, name: str, error: Exception) -> SourceUnreadable:
    if path.is_dir():
        return SourceUnreadable(f"{name} is a folder, not a video")
    if isinstance(error, PermissionError):
        return SourceUnreadable(f"{name} may not be read by this user")
    if path.is_file() and path.stat().st_size == 0:
        return SourceUnreadable(f"{name} is empty (0 bytes)")
    if _index_is_missing(path):
        return SourceUnreadable(
            f"{name} cannot be opened, because the index at its end is missing",
            hint="The file was cut off, for example by a copy or a download that did not finish; get it again",
        )
    return SourceUnreadable(f"{name} cannot be opened as a video: no container that FFmpeg knows")


def _index_is_missing(path: Path) -> bool:
    kinds = {kind for kind, _, _ in top_level_boxes(path)}
    return bool(kinds & {b"ftyp", b"mdat", b"wide"}) and b"moov" not in kinds


def top_level_boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and announced end of each top-level box of an MP4 or MOV file (ISO/IEC 14496-12 clause 4.2).

    The end may lie beyond the end of a file that was cut off. A file of another kind gives nothing or nonsense.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size:
            file.seek(at)
            header = file.read(16)
            length, kind = struct.unpack(">I4s", header[:8])
            if length == 1 and len(header) == 16:
                (length,) = struct.unpack(">Q", header[8:])
            elif length == 0:
                length = size - at
            if length < 8 or not all(32 <= byte < 127 or byte == 0xA9 for byte in kind):
                return
            yield kind, at, at + length
            at += length


def choose_stream(container: InputContainer, name: str) -> VideoStream:
    """The video stream with most pixels that is no attached picture; of equal ones the default one, then the first.

    Raises:
        SourceUnreadable: there is none; the message says what there is instead.
    """
    brand = container.metadata.get("major_brand", "").strip()
    if brand in _STILL_BRANDS:
        raise SourceUnreadable(f"{name} is a picture ({brand}), not a video")
    candidates = [stream for stream in container.streams.video if _shows_pictures(stream)]
    if not candidates:
        inside = ", ".join(describe(stream) for stream in container.streams) or "nothing"
        raise SourceUnreadable(f"{name} has no video stream that can be decoded; it holds {inside}")
    default = Disposition.default
    return max(candidates, key=lambda stream: (_pixels(stream), bool(stream.disposition & default), -stream.index))


def is_attached_picture(stream: Stream) -> bool:
    """Whether the stream is a cover or a thumbnail, not a video."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _shows_pictures(stream: VideoStream) -> bool:
    return _has_decoder(stream) and not is_attached_picture(stream) and not _is_empty(stream)


def _has_decoder(stream: Stream) -> bool:
    # PyAV's annotations leave out that a stream may have none.
    context: CodecContext | None = stream.codec_context
    return context is not None


def _is_empty(stream: VideoStream) -> bool:
    # A track that FFmpeg has indexed, and whose index is empty.
    fixed_index = stream.container.format.name.startswith("mov") and stream.duration == 0
    return fixed_index and not stream.frames and not len(stream.index_entries)


def _pixels(stream: VideoStream) -> int:
    return (stream.width or 0) * (stream.height or 0)


def describe(stream: Stream) -> str:
    """What a stream is, in words: "audio (aac)", "second-rate video stream (h264, 640x360)" and so on."""
    codec = _codec_name(stream)
    if isinstance(stream, VideoStream):
        if is_attached_picture(stream):
            return f"attached cover picture ({codec})"
        size = f", {stream.width}x{stream.height}" if _has_decoder(stream) and stream.width else ""
        return f"video stream ({codec}{size})"
    kind = {"subtitle": "subtitles", "unknown": "data"}.get(stream.type, stream.type)
    return f"{kind} ({codec})"


def _codec_name(stream: Stream) -> str:
    if _has_decoder(stream):
        return stream.codec_context.codec.canonical_name
    kinds = _sample_entries(Path(stream.container.name.removeprefix(_LOCAL)))
    return kinds[stream.index] if stream.index < len(kinds) else "unknown"


def _sample_entries(path: Path) -> list[str]:
    """What each track of an MP4 or MOV file calls its content; FFmpeg tells that of known codecs only."""
    if not _is_mov(path):
        return []
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        movie = box(data, "moov")
        tracks = [part for part in boxes(data, movie.content, movie.end) if part.name == "trak"] if movie else []
        tables = [box(data, "mdia/minf/stbl/stsd", track) for track in tracks]
        # A full box: version and flags, number of entries; then the first entry's size and type.
        names = [data[table.content + 12 : table.content + 16] if table else b"" for table in tables]
    return [name.decode("ascii") if name.isalnum() else "unknown" for name in names]


def _is_mov(path: Path) -> bool:
    return any(kind == b"moov" for kind, _, _ in top_level_boxes(path))


def dropped_parts(container: InputContainer, chosen: VideoStream) -> tuple[str, ...]:
    """Everything in the container that is not the chosen stream, in words, equal ones counted."""
    words: list[str] = []
    for stream in container.streams:
        if stream.index != chosen.index:
            text = describe(stream)
            words.append(f"second {text}" if text.startswith("video stream") else text)
    if container.chapters():
        words.append("chapters")
    counts = {word: words.count(word) for word in words}
    return tuple(word if count == 1 else f"{count} x {word}" for word, count in counts.items())


def check_limits(name: str, width: int, height: int, duration_s: float | None, limits: VideoLimits) -> None:
    """Refuses what is larger than the user allows.

    Raises:
        SourceTooLarge: over `max_megapixels` or `max_hours`.
    """
    if width * height > limits.max_megapixels * 1e6:
        raise SourceTooLarge(
            f"{name} has frames of {width}x{height}, over the limit of {limits.max_megapixels:g} megapixels",
            hint="Raise the limit with --max-megapixels",
        )
    if duration_s is not None and duration_s > limits.max_hours * 3600:
        raise SourceTooLarge(
            f"{name} lasts {duration_s / 3600:.1f} hours, over the limit of {limits.max_hours:g}",
            hint="Raise the limit with --max-hours",
        )


def is_video(path: Path) -> bool:
    """Whether the content is a video: a container with a stream of pictures that can be decoded, no still picture."""
    try:
        with closing(open_container(path, path.name)) as container:
            choose_stream(container, path.name)
    except SourceUnreadable:
        return False
    return True

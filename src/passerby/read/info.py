"""What is known of a video before its frames are decoded."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.media import Colour, Orientation, VideoInfo
from passerby.read.streams import dropped_parts

# What FFmpeg reports as a tag although it is structure that every file of the kind has.
_STRUCTURE = frozenset(("major_brand", "minor_version", "compatible_brands", "language", "vendor_id", "duration"))


def metadata_names(container: InputContainer, chosen: VideoStream) -> tuple[str, ...]:
    """Names, never values, of the tags of the container and of the chosen stream."""
    names = {*container.metadata, *chosen.metadata}
    return tuple(sorted(name for name in names if name.lower() not in _STRUCTURE))


def video_info(
    container: InputContainer, stream: VideoStream, first: VideoFrame, pixel_format: str, name: str
) -> VideoInfo:
    """What is known of the chosen stream, from the container and its first frame."""
    matrix = display_matrix(first)
    time_base = stream.time_base or Fraction(1, av.time_base)
    return VideoInfo(
        name=name,
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        profile=stream.profile or "",
        stream_index=stream.index,
        width=first.width,
        height=first.height,
        pixel_format=pixel_format,
        bits=max(part.bits for part in av.VideoFormat(pixel_format).components),
        time_base=time_base,
        rate_fps=stream.average_rate or stream.guessed_rate or None,
        frame_count=announced_frames(container, stream),
        duration_s=announced_duration(container, stream),
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
        display_matrix=matrix,
        orientation=orientation_of(matrix),
        colour=_colour(first),
        interlaced=first.interlaced_frame or stream.codec_context.field_order not in (0, 1),
        dropped=dropped_parts(container, stream),
        metadata=metadata_names(container, stream),
    )


def announced_frames(container: InputContainer, stream: VideoStream) -> int | None:
    """Frames that the index lists, without those that an edit list hides, or None where there is no full index."""
    if not stream.frames or not container.format.name.startswith("mov"):
        return stream.frames or None
    entries = stream.index_entries
    return sum(not entry.is_discard for entry in entries) if len(entries) else stream.frames


def announced_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds that the container gives for the stream, or for itself, or None."""
    if stream.duration and stream.duration > 0 and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration and container.duration > 0 else None


def _colour(frame: VideoFrame) -> Colour:
    ranges = {1: False, 2: True}
    full_range = True if frame.format.name.startswith("yuvj") else ranges.get(int(frame.color_range))
    return Colour(int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), full_range)


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The nine integers of the display matrix that FFmpeg hands on with a frame, row by row, or None."""
    # A mapping by type, whatever PyAV's annotations say.
    side_data: Any = frame.side_data
    side = side_data.get(Type.DISPLAYMATRIX)
    return struct.unpack("=9i", bytes(side)[:36]) if side is not None else None


# Signs of a, b, c, d in [a b u; c d v; x y w], where a point (p, q) is shown at (a p + c q, b p + d q).
_TURNS: dict[tuple[int, ...], Orientation] = {
    (1, 0, 0, 1): Orientation.UPRIGHT,
    (-1, 0, 0, 1): Orientation.MIRRORED,
    (-1, 0, 0, -1): Orientation.UPSIDE_DOWN,
    (1, 0, 0, -1): Orientation.UPSIDE_DOWN_MIRRORED,
    (0, 1, 1, 0): Orientation.TRANSPOSED,
    (0, 1, -1, 0): Orientation.QUARTER_RIGHT,
    (0, -1, -1, 0): Orientation.TRANSVERSED,
    (0, -1, 1, 0): Orientation.QUARTER_LEFT,
}


def orientation_of(matrix: tuple[int, ...] | None) -> Orientation:
    """The display matrix as one of the eight turns (scale and offset do not matter), UPRIGHT when it is none."""
    if matrix is None:
        return Orientation.UPRIGHT
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    size = max(abs(a), abs(b), abs(c), abs(d))
    signs = tuple(0 if abs(value) * 8 <= size else (value > 0) - (value < 0) for value in (a, b, c, d))
    return _TURNS.get(signs, Orientation.UPRIGHT)

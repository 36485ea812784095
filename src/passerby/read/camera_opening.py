"""The first picture of a camera, and what is known from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import CameraLost, CameraUnusable
from passerby.media import VideoInfo
from passerby.read.camera_address import CameraAddress
from passerby.read.camera_h264 import annex_b, standing_sets
from passerby.read.camera_packets import Arrival
from passerby.read.info import video_info
from passerby.read.layouts import shown_format
from passerby.read.packets import Decoder
from passerby.read.picture import Sample

_PACKETS_TO_TRY = 1000
_LARGEST_PIXELS = 50_000_000
_FASTEST_FPS = 300
"""What is announced beyond it is the rate of the clock, not that of the frames."""
_ARRIVAL_TIME_BASE = Fraction(1, 90000)
"""Of MJPEG over HTTP, which has no times of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """What is known of a camera that has sent its first picture.

    Attributes:
        info: see there.
        stream: what is known of its codec; everything else of it belongs to the thread that receives.
        decoder: of the stream, at its start.
        extradata: parameter sets of H.264, in annex B where the packets are, else as avcC; b"" of other codecs.
        sample: what every frame must be like.
    """

    info: VideoInfo
    stream: VideoStream
    decoder: Decoder
    extradata: bytes
    sample: Sample


def from_keyframe(address: CameraAddress, arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
    """The packets from the first keyframe on: nothing before it can be decoded.

    Raises:
        CameraUnusable: there is none among the first thousand.
    """
    for number, arrival in enumerate(arrivals, 1):
        if arrival.packet.is_keyframe:
            yield arrival
            yield from arrivals
        elif number >= _PACKETS_TO_TRY:
            raise CameraUnusable(f"camera {address.name} sends no keyframe, so none of its pictures can be decoded")


def open_first(
    address: CameraAddress, container: InputContainer, stream: VideoStream, arrivals: Iterator[Arrival]
) -> tuple[Opened, list[Arrival]]:
    """Decodes until the first picture comes. The packets that it took are to be decoded again.

    Raises:
        CameraUnusable: none can be decoded, or it is too large.
        CameraLost: the packets end before.
    """
    decoder = Decoder(stream, threads=1, strict=True)
    lead: list[Arrival] = []
    for arrival in arrivals:
        lead.append(arrival)
        decoded = decoder.decode(len(lead), arrival.packet)
        if decoded:
            decoder.reset()
            first = decoded[0][1]
            info = _info(address, container, stream, first)
            return Opened(info, stream, decoder, _extradata(info, stream, lead[0]), Sample.of(first)), lead
        if len(lead) >= _PACKETS_TO_TRY:
            raise CameraUnusable(f"camera {address.name} sends nothing that can be decoded")
    raise CameraLost(f"camera {address.name} ended the connection before it had sent a picture")


def _info(address: CameraAddress, container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    name = address.name
    if first.width * first.height > _LARGEST_PIXELS:
        raise CameraUnusable(f"camera {name} sends pictures of {first.width}x{first.height}, which is too large")
    info = video_info(container, stream, first, shown_format(first.format.name), name)
    rate = info.rate_fps if info.rate_fps and info.rate_fps <= _FASTEST_FPS else None
    base = _ARRIVAL_TIME_BASE if address.kind == "http" else info.time_base
    return replace(info, time_base=base, rate_fps=rate, frame_count=None, duration_s=None)


def _extradata(info: VideoInfo, stream: VideoStream, first: Arrival) -> bytes:
    if info.codec != "h264":
        return b""
    told = stream.codec_context.extradata or b""
    if info.container != "rtsp":
        return told
    with suppress(ValueError):
        return annex_b(standing_sets(told, bytes(first.packet)))
    return b""

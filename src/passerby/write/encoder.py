"""One encoder: opened for a video, fed with redacted frames, its packets freed of all but pictures."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags, ThreadType
from av.sidedata.sidedata import Type as SideData
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from passerby import nal
from passerby.errors import OutputError, RedactionIncomplete
from passerby.media import Colour, RedactedFrame, VideoInfo
from passerby.write.codecs import Encoding, encoder_rate, keyframe_interval
from passerby.write.units import TIMING_MESSAGES, annex_b, without_other_messages

_X265_DELAY = 2
"""x265 knows how much later than it decodes it shows pictures, once it got more of them than this."""

# SVT-AV1 talks on stderr unless this says that only errors matter.
os.environ.setdefault("SVT_LOG", "1")


class Encoder:
    """Encodes frames in the order in which they are shown.

    Attributes:
        context: the encoder of the library, opened at the first frame or by `open`.
        time_base: seconds per unit of PTS of the packets.
    """

    def __init__(
        self, context: VideoCodecContext, encoding: Encoding, like: VideoInfo, time_base: Fraction, threads: int
    ) -> None:
        self.context = context
        self.time_base = time_base
        self._encoding = encoding
        self._like = like
        self._last: int | None = None
        self._fed = 0
        self._durations: dict[int, int] = {}
        self._usual_duration = 0
        configure(context, encoding, like, time_base, threads)

    def open(self, *, reorder: bool | None = None, set_id: int | None = None, first: Any = None) -> None:
        """Open it now.

        Args:
            reorder: whether later pictures may be coded before earlier ones: one at a time, or not at all; None leaves
                that to the encoder.
            set_id: the number that its parameter sets go by, from 0 to 31 (x264).
            first: the first frame's carrier, for what HDR screens want to know.

        Raises:
            OutputError: it cannot be opened here, or not for pictures like these.
        """
        settings = dict(self._encoding.settings)
        parameters = [f"sps-id={set_id}", "open-gop=0", "b-pyramid=none"] if set_id is not None else []
        if reorder is not None:
            settings["bf"] = "2" if reorder else "0"
        if self._encoding.encoder == "libx265":
            parameters += ["log-level=none", "info=0", *_x265_screen(first)]
        elif self._encoding.encoder == "libsvtav1":
            parameters += _svt_screen(first)
        if parameters:
            settings[_PARAMETERS[self._encoding.encoder]] = ":".join(parameters)
        self.context.options = settings
        try:
            self.context.open()
        except av.error.FFmpegError as error:
            like = self._like
            raise OutputError(
                f"{like.name}: {self._encoding.encoder} cannot be opened here for {like.width}x{like.height} "
                f"{self._encoding.pixel_format}; nothing was written",
                hint="Choose another --codec, or leave the hardware encoder out",
            ) from error

    def encode(self, frame: RedactedFrame) -> Iterator[av.Packet[Any]]:
        """Feed one frame, get what comes out: cleaned packets, in decoding order."""
        if not isinstance(frame, RedactedFrame):
            raise TypeError(f"only redacted frames are written, not {type(frame).__name__}")
        if not self.context.is_open:
            self.open(first=frame.carrier)
        picture = self._picture(frame)
        self._fed += 1
        for packet in self.context.encode(picture):
            yield self._cleaned(packet)

    def flush(self) -> Iterator[av.Packet[Any]]:
        """What is still inside; nothing can be fed after."""
        if self.context.is_open:
            for packet in self.context.encode(None):
                cleaned = self._cleaned(packet)
                if self._encoding.encoder == "libx265" and self._fed <= _X265_DELAY:
                    # It gives what happened to lie in memory. So few are never reordered.
                    cleaned.dts = cleaned.pts
                yield cleaned

    def _picture(self, frame: RedactedFrame) -> av.VideoFrame:
        picture: av.VideoFrame = frame.carrier
        if (picture.width, picture.height) != (self._like.width, self._like.height):
            raise RedactionIncomplete(f"{self._like.name}: the size of the picture changes on the way")
        duration = exact(picture.duration or 0, frame.time_base, self.time_base, self._like.name)
        if picture.format.name not in (self._like.pixel_format, self._encoding.pixel_format):
            raise RedactionIncomplete(f"{self._like.name}: the pixel format of the picture changes on the way")
        if picture.format.name != self._encoding.pixel_format:
            picture = picture.reformat(format=self._encoding.pixel_format)
        pts = exact(frame.pts, frame.time_base, self.time_base, self._like.name)
        if self._last is not None:
            if pts <= self._last:
                raise RedactionIncomplete(f"{self._like.name}: the times of two frames are the same or go backwards")
            self._usual_duration = pts - self._last
        self._last = pts
        self._durations[pts] = duration or self._usual_duration
        picture.pts, picture.dts, picture.time_base = pts, None, self.time_base
        picture.duration = self._durations[pts]
        picture.pict_type = PictureType.NONE
        return picture

    def _cleaned(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        cleaned = av.Packet(_without_messages(bytes(packet), self._encoding.codec))
        cleaned.pts, cleaned.dts, cleaned.time_base = packet.pts, packet.dts, self.time_base
        cleaned.is_keyframe = packet.is_keyframe
        cleaned.duration = self._durations.pop(packet.pts or 0, 0) or self._usual_duration
        return cleaned


def exact(value: int, given: Fraction, wanted: Fraction, name: str) -> int:
    """A time in other units, to the last bit.

    Raises:
        OutputError: the other units are too coarse for it.
    """
    scaled = value * given / wanted
    if scaled.denominator != 1:
        raise OutputError(
            f"{name}: the times of its frames cannot be kept in this container, which counts in steps of "
            f"{wanted} s; nothing was written",
            hint="Write to .mp4",
        )
    return scaled.numerator


_PARAMETERS = {"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}


def configure(
    context: VideoCodecContext, encoding: Encoding, like: VideoInfo, time_base: Fraction, threads: int
) -> None:
    """Tell an encoder that is not open yet what pictures it will get, and that nothing but them goes out."""
    context.width, context.height = like.width, like.height
    context.pix_fmt = encoding.pixel_format
    context.time_base = time_base
    context.framerate = encoder_rate(like)
    context.gop_size = keyframe_interval(like)
    context.sample_aspect_ratio = like.sample_aspect
    context.thread_count = threads
    # PyAV's default, slices, costs x264 and x265 both speed and size.
    context.thread_type = ThreadType.FRAME
    context.flags |= Flags.bitexact | Flags.global_header
    if encoding.interlaced:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    if encoding.codec == "hevc":
        context.codec_tag = "hvc1"
    _tag(context, encoding.colour)


def _tag(context: VideoCodecContext, colour: Colour) -> None:
    context.color_primaries = colour.primaries
    context.color_trc = colour.transfer
    context.colorspace = colour.matrix
    context.color_range = {None: 0, False: 1, True: 2}[colour.full_range]


def _without_messages(data: bytes, codec: str) -> bytes:
    """A packet in annex B without encoder settings, captions and other SEI that no picture needs; AV1 as it is."""
    if codec == "av1" or not data.startswith((b"\0\0\1", b"\0\0\0\1")):
        return data
    header, kinds = (1, {nal.SEI}) if codec == "h264" else (2, {nal.HEVC_PREFIX_SEI, nal.HEVC_SUFFIX_SEI})
    wanted = {**nal.DISPLAY_MESSAGES, **TIMING_MESSAGES}
    kept: list[bytes] = []
    for unit in nal.annex_b_units(data):
        if (nal.unit_type(unit) if codec == "h264" else nal.hevc_unit_type(unit)) not in kinds:
            kept.append(unit)
        elif filtered := without_other_messages(unit, header, wanted):
            kept.append(filtered)
    return annex_b(kept)


def _screen(first: Any) -> tuple[list[Fraction] | None, tuple[int, int] | None]:
    """Mastering display (red, green, blue and white x and y, lowest and highest cd/m²) and content light level.

    The structures are FFmpeg's AVMasteringDisplayMetadata and AVContentLightMetadata.
    """
    mastering = light = None
    if first is not None and (found := first.side_data.get(SideData.MASTERING_DISPLAY_METADATA)) is not None:
        numbers = struct.unpack_from("=22i", bytes(found))
        if numbers[20] and numbers[21] and all(numbers[1:20:2]):
            mastering = [Fraction(n, d) for n, d in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    if first is not None and (found := first.side_data.get(SideData.CONTENT_LIGHT_LEVEL)) is not None:
        light = struct.unpack_from("=2I", bytes(found))
    return mastering, light


def _x265_screen(first: Any) -> list[str]:
    mastering, light = _screen(first)
    said = ["repeat-headers=1"] if mastering or light else []
    if mastering:
        rx, ry, gx, gy, bx, by, wx, wy = (round(v * 50000) for v in mastering[:8])
        low, high = (round(v * 10000) for v in mastering[8:])
        said.append(f"master-display=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({high},{low})")
    if light:
        said.append(f"max-cll={light[0]},{light[1]}")
    return said


def _svt_screen(first: Any) -> list[str]:
    mastering, light = _screen(first)
    said = []
    if mastering:
        rx, ry, gx, gy, bx, by, wx, wy, low, high = (f"{float(v):.5f}" for v in mastering)
        said.append(f"mastering-display=G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({high},{low})")
    if light:
        said.append(f"content-light={light[0]},{light[1]}")
    return said

"""H.264 for who watches live: each picture comes out as soon as it went in, in the format that browsers play."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace

from passerby.errors import OutputError
from passerby.media import Colour, RedactedFrame, VideoInfo
from passerby.write.codecs import USUAL_RATE_FPS, EncodeOptions, Quality, Speed, choose_encoding
from passerby.write.encoder import configure

_RATES = tuple(map(Fraction, ("1", "2", "3", "5", "6", "8", "10", "12.5", "15", "20", "25", "30", "50", "60")))
_BT709 = Colour(1, 1, 1, False)


def as_recorded(camera: VideoInfo) -> VideoInfo:
    """How the pictures of a camera are recorded: 8 bits, 4:2:0, even sides, whole frames, a usual frame rate.

    Browsers play nothing else of H.264. The rate only spaces keyframes and stands in the parameter sets, which stay the
    same from one recording to the next where it does.
    """
    pixels = camera.pixel_format
    rgb = pixels.startswith(("rgb", "bgr", "gbr", "0rgb", "0bgr", "argb", "abgr"))
    # Without a tag FFmpeg takes gray for full range and YUV for limited.
    full = pixels.startswith("yuvj") or (pixels.startswith("gray") and camera.colour.full_range is not False)
    return replace(
        camera,
        width=camera.width & ~1,
        height=camera.height & ~1,
        pixel_format="yuvj420p" if full else "yuv420p",
        bits=8,
        colour=_BT709 if rgb else camera.colour,
        rate_fps=_usual_rate(camera.rate_fps),
        interlaced=False,
    )


def _usual_rate(rate: Fraction | None) -> Fraction:
    if rate is None or rate <= 0:
        return USUAL_RATE_FPS
    return min(_RATES, key=lambda usual: abs(usual - rate))


class LiveEncoder:
    """One picture in, one packet out.

    Attributes:
        extradata: its parameter sets, in annex B.
    """

    def __init__(
        self, like: VideoInfo, time_base: Fraction, *, quality: Quality, speed: Speed, threads: int, set_id: int
    ) -> None:
        """`like` is what `as_recorded` says; `set_id` is the number of its parameter sets.

        Raises:
            OutputError: x264 does not take pictures of that size.
        """
        self._like, self._time_base = like, time_base
        options = EncodeOptions(codec="h264", quality=quality, speed=speed, threads=threads)
        encoding = choose_encoding(like, options, "mp4")
        context = av.CodecContext.create(encoding.encoder, "w")
        assert isinstance(context, VideoCodecContext)
        configure(context, encoding, like, time_base, threads)
        # Threads that work on frames side by side would hold some back.
        context.thread_type = ThreadType.SLICE
        context.options = {
            **encoding.settings,
            "tune": "zerolatency",
            "forced-idr": "1",
            "bf": "0",
            "x264-params": f"sps-id={set_id}:open-gop=0",
        }
        self._context = context
        self._open()
        self.extradata = bytes(context.extradata or b"")

    def encode(self, frame: RedactedFrame, time: int, *, keyframe: bool) -> bytes:
        """The packet of this picture, in annex B.

        Args:
            frame: its carrier is handed to the encoder.
            time: rising, in units of the time base.
            keyframe: make it an IDR picture, from which nothing looks back.

        Raises:
            OutputError: it has another size than the camera's pictures had, or the encoder fails.
        """
        if not isinstance(frame, RedactedFrame):
            raise TypeError(f"only redacted frames are written, not {type(frame).__name__}")
        picture = fitted(frame.carrier, self._like)
        picture.pts, picture.dts, picture.time_base = time, None, self._time_base
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            packets = self._context.encode(picture)
        except av.error.FFmpegError as error:
            raise OutputError(f"{self._like.name}: a picture cannot be encoded; the recording ends there") from error
        if len(packets) != 1 or packets[0].pts != time:
            raise OutputError(f"{self._like.name}: the encoder holds pictures back; the recording ends there")
        return bytes(packets[0])

    def _open(self) -> None:
        try:
            self._context.open()
        except av.error.FFmpegError as error:
            like = self._like
            raise OutputError(
                f"{like.name}: pictures of {like.width}x{like.height} cannot be encoded as H.264; nothing is recorded",
                hint="Choose another resolution in the camera's settings",
            ) from error


def fitted(picture: av.VideoFrame, like: VideoInfo) -> av.VideoFrame:
    """The picture in the pixel format and size that are recorded; the odd column or row at the edge is left out.

    Raises:
        OutputError: its size is another one.
    """
    if (picture.width & ~1, picture.height & ~1) != (like.width, like.height):
        raise OutputError(f"{like.name}: the size of the picture changes on the way; the recording ends there")
    if picture.format.name != like.pixel_format:
        picture = _converted(picture, like)
    return picture if (picture.width, picture.height) == (like.width, like.height) else _cropped(picture, like)


def _converted(picture: av.VideoFrame, like: VideoInfo) -> av.VideoFrame:
    if picture.format.is_rgb:
        return picture.reformat(
            format=like.pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
    full = like.pixel_format.startswith("yuvj") or picture.color_range == ColorRange.JPEG
    kept = ColorRange.JPEG if full else ColorRange.MPEG
    return picture.reformat(format=like.pixel_format, src_color_range=kept, dst_color_range=kept)


def _cropped(picture: av.VideoFrame, like: VideoInfo) -> av.VideoFrame:
    smaller = av.VideoFrame(like.width, like.height, like.pixel_format)
    for source, target in zip(picture.planes, smaller.planes, strict=True):
        _rows(target)[:, : target.width] = _rows(source)[: target.height, : target.width]
    return smaller


def _rows(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    # Python 3.12's buffer protocol, which PyAV's annotations use, is unknown to the checker below it.
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload,no-any-return]

"""Redacted frames, and packets of GOPs that needed no paint, into one video file that shows as the source did.

Nothing but pictures goes in: no tags, no dates, no encoder settings, no messages beside the pictures.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from passerby.errors import OutputError, RedactionIncomplete, SettingsError
from passerby.media import Colour, Gop, RedactedFrame, VideoInfo
from passerby.nal import read_avcc
from passerby.pending import SUFFIX, output_error
from passerby.write.audio import AudioCopy
from passerby.write.codecs import Container, EncodeOptions, Encoding, choose_encoding, encoder_rate
from passerby.write.encoder import Encoder, exact
from passerby.write.held_back import HeldBack
from passerby.write.splice import Splicer, splice_obstacle

__all__ = [
    "Container",
    "EncodeOptions",
    "VideoWriter",
    "Written",
    "choose_encoding",
    "container_of",
    "open_writer",
    "splice_obstacle",
]

_MUXERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}
_BY_SUFFIX: dict[str, Container] = {
    "": "mp4",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".qt": "mov",
    ".mkv": "mkv",
    ".webm": "webm",
}
_MILLISECOND = Fraction(1, 1000)
_SOUND_TIMESCALE = 96000
_LARGEST_TIMESCALE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished file holds.

    Attributes:
        gops_copied: GOPs whose packets were copied.
        gops_encoded: GOPs of the source that were encoded; 0 when the caller named none.
        frames_copied: frames in the copied GOPs.
        frames_encoded: frames that were encoded.
        size_bytes: of the file.
        encoder: FFmpeg's name of the encoder.
        codec: "h264", "hevc" or "av1".
        pixel_format: what the encoder was fed.
        colour: the colour tags.
        time_base: seconds per unit of PTS in the file: 1/den of the source's in MP4 and MOV.
        audio: codecs of the streams of sound that were copied.
        stated: what a person should know about the encoding, or None.
    """

    gops_copied: int
    gops_encoded: int
    frames_copied: int
    frames_encoded: int
    size_bytes: int
    encoder: str
    codec: str
    pixel_format: str
    colour: Colour
    time_base: Fraction
    audio: tuple[str, ...] = ()
    stated: str | None = None


def container_of(target: Path) -> Container:
    """The container that goes with a file's name; MP4 for one without a suffix.

    Raises:
        SettingsError: the name says another one, which is not written.
    """
    container = _BY_SUFFIX.get(target.suffix.lower())
    if container is None:
        raise SettingsError(
            f"{target.name}: copies of videos are written as MP4, MOV, MKV or WebM, and the name says otherwise; "
            "nothing was written",
            hint="choose a name that ends in .mp4",
        )
    return container


def open_writer(
    target: Path,
    container: Container,
    like: VideoInfo,
    options: EncodeOptions = EncodeOptions(),  # noqa: B008 - frozen
    *,
    source: Path | None = None,
    splice: bool = False,
) -> VideoWriter:
    """Start a video file that shows as `like` did.

    Args:
        target: where to write, usually a temporary name; what stands there is overwritten.
        container: the format, whatever the name says.
        like: the source, as the reader describes it.
        options: what the user chose.
        source: the source's file; needed to keep the sound and to copy GOPs.
        splice: GOPs will be copied; only where `splice_obstacle` has none.

    Raises:
        SettingsError: the options do not go together.
        OutputError: the pictures, times or sound cannot be kept in such a file, or it cannot be written.
    """
    encoding = choose_encoding(like, options, container)
    if (splice or options.keep_audio) and source is None:
        raise ValueError("copying needs the source")
    return VideoWriter(
        target, container, like, options, encoding, source if splice or options.keep_audio else None, splice
    )


class VideoWriter:
    """A video file on its way; a context manager. Leaving it by an exception leaves an unfinished file behind."""

    def __init__(
        self,
        target: Path,
        container: Container,
        like: VideoInfo,
        options: EncodeOptions,
        encoding: Encoding,
        source: Path | None,
        splice: bool,
    ) -> None:
        self._target, self._like, self._options, self._encoding = target, like, options, encoding
        self._time_base = _time_base(like, container)
        self._gops = [0, 0]
        self._frames = [0, 0]
        self._last_dts: int | None = None
        self._held_back = HeldBack()
        self._closed = False
        self._splicer: Splicer | None = None
        self._audio: AudioCopy | None = None
        with self._storing():
            self._file = _open(target, container, self._time_base)
            try:
                self._stream = self._add_stream()
                self._encoder = self._new_encoder(self._stream.codec_context)
                if splice and source is not None:
                    self._prepare_splice(source)
                if options.keep_audio and source is not None:
                    self._audio = AudioCopy(source, like.name, self._file)
            except BaseException:
                self._abandon()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
        elif not self._closed:
            self.close()

    def encode(self, frames: Iterable[RedactedFrame], gops: Sequence[Gop] = ()) -> None:
        """Encode a stretch of frames, in the order in which they are shown.

        Args:
            frames: the stretch; each frame's carrier is handed to the encoder and must not be used afterwards.
            gops: the GOPs of the source that these frames make up; needed in a file with copied GOPs.

        Raises:
            RedactionIncomplete: the frames are not those of the GOPs, or their times do not rise.
            OutputError: the encoder or the disk does not take them.
        """
        with self._storing():
            if self._splicer is not None:
                self._encode_between(self._splicer, frames, gops)
            else:
                for frame in frames:
                    self._frames[1] += 1
                    self._mux(self._encoder.encode(frame))
        self._gops[1] += len(gops)

    def copy(self, packets: Iterable[av.Packet[Any]], gop: Gop) -> None:
        """Copy the packets of one clear, closed GOP, in decoding order.

        Raises:
            RedactionIncomplete: these are not the packets of a GOP that may be copied.
            OutputError: the disk does not take them.
        """
        if self._splicer is None:
            raise ValueError("this file was not opened for copying")
        if not gop.copyable:
            raise RedactionIncomplete(f"{self._like.name}: a GOP that may not be copied was to be ({gop.why_not})")
        copies = [self._copied(self._splicer, packet) for packet in packets]
        expected = [int(pts) for pts in gop.pts]
        if not copies or sorted(copy.pts or 0 for copy in copies) != [self._scaled(pts) for pts in expected]:
            raise RedactionIncomplete(f"{self._like.name}: the packets to be copied are not those that were examined")
        if not self._splicer.starts_at_idr(bytes(copies[0])):
            raise RedactionIncomplete(f"{self._like.name}: a GOP to be copied does not start with an IDR picture")
        with self._storing():
            self._mux(copies)
        self._gops[0] += 1
        self._frames[0] += len(copies)

    def close(self) -> Written:
        """Finish the file.

        Raises:
            RedactionIncomplete: not one frame was written.
            OutputError: the disk does not take the rest.
        """
        if not sum(self._frames):
            self._abandon()
            raise RedactionIncomplete(f"{self._like.name}: not one frame was there to write")
        with self._storing():
            if self._splicer is None:
                self._mux(self._encoder.flush())
            last = self._held_back.last()
            if last is not None:
                self._store(last)
            self._mux_audio(None)
            self._closed = True
            self._file.close()
        if self._audio is not None:
            self._audio.close()
        return Written(
            self._gops[0],
            self._gops[1],
            self._frames[0],
            self._frames[1],
            self._target.stat().st_size,
            self._encoding.encoder,
            self._encoding.codec,
            self._encoding.pixel_format,
            self._encoding.colour,
            self._time_base,
            self._audio.kept if self._audio else (),
            self._encoding.stated,
        )

    def _add_stream(self) -> VideoStream:
        stream = self._file.add_stream(self._encoding.encoder, encoder_rate(self._like), time_base=self._time_base)
        assert isinstance(stream, VideoStream)
        stream.time_base = self._time_base
        if self._like.display_matrix is not None:
            stream.set_display_matrix(self._like.display_matrix)
        return stream

    def _new_encoder(self, context: VideoCodecContext) -> Encoder:
        return Encoder(context, self._encoding, self._like, self._time_base, self._options.threads)

    def _splice_encoder(self, splicer: Splicer, reorder: bool) -> Encoder:
        context = av.CodecContext.create(self._encoding.encoder, "w")
        assert isinstance(context, VideoCodecContext)
        encoder = self._new_encoder(context)
        encoder.open(reorder=reorder, set_id=splicer.reordered_id if reorder else splicer.plain_id)
        return encoder

    def _prepare_splice(self, source: Path) -> None:
        with av.open(f"file:{source}") as file:
            sets = read_avcc(file.streams[self._like.stream_index].codec_context.extradata or b"")
        if sets is None:
            raise OutputError(f"{self._like.name}: its GOPs cannot be copied; nothing was written")
        self._splicer = Splicer(self._like, sets)
        own = [self._splice_encoder(self._splicer, reorder).context.extradata or b"" for reorder in (False, True)]
        # The stream's own encoder never sees a frame: it gives the container size, colour and aspect.
        self._encoder.open()
        self._stream.codec_context.extradata = self._splicer.join(*own)

    def _encode_between(self, splicer: Splicer, frames: Iterable[RedactedFrame], gops: Sequence[Gop]) -> None:
        shown = [self._scaled(int(pts)) for gop in gops for pts in gop.pts]
        coded = [self._scaled(int(dts)) for gop in gops for dts in gop.dts]
        if len(coded) < len(shown):
            raise RedactionIncomplete(f"{self._like.name}: some packets have no place in the order of decoding")
        # One picture may be coded ahead of its turn if every DTS leaves room for that.
        reorder = all(dts <= pts for dts, pts in zip(coded[1:], shown, strict=False))
        encoder = self._splice_encoder(splicer, reorder)
        if not splicer.holds(encoder.context.extradata or b""):
            raise RedactionIncomplete(f"{self._like.name}: the encoder changed its parameter sets on the way")
        order = iter(coded)
        expected = iter(shown)
        for frame in frames:
            if self._scaled(frame.pts) != next(expected, None):
                raise RedactionIncomplete(f"{self._like.name}: a frame came that is not in the plan")
            self._frames[1] += 1
            self._mux(_in_order(splicer, encoder.encode(frame), order, self._like.name))
        if next(expected, None) is not None:
            raise RedactionIncomplete(f"{self._like.name}: a frame is missing that is in the plan")
        self._mux(_in_order(splicer, encoder.flush(), order, self._like.name))

    def _copied(self, splicer: Splicer, packet: av.Packet[Any]) -> av.Packet[Any]:
        if packet.is_corrupt or packet.is_discard or packet.pts is None or packet.dts is None:
            raise RedactionIncomplete(f"{self._like.name}: a packet was to be copied that is damaged or hidden")
        copy = av.Packet(splicer.copied(bytes(packet)))
        copy.pts, copy.dts = self._scaled(packet.pts), self._scaled(packet.dts)
        copy.duration, copy.time_base = self._scaled(packet.duration or 0), self._time_base
        copy.is_keyframe = packet.is_keyframe
        return copy

    def _scaled(self, time: int) -> int:
        return exact(time, self._like.time_base, self._time_base, self._like.name)

    def _mux(self, packets: Iterable[av.Packet[Any]]) -> None:
        for packet in packets:
            dts = packet.dts or 0
            if self._last_dts is not None and dts <= self._last_dts:
                raise RedactionIncomplete(f"{self._like.name}: the times of its packets do not rise")
            self._last_dts = dts
            before = self._held_back.swap(packet)
            if before is not None:
                self._store(before)

    def _store(self, packet: av.Packet[Any]) -> None:
        packet.stream = self._stream
        self._mux_audio((packet.dts or 0) * self._time_base)
        self._file.mux(packet)

    def _mux_audio(self, time_s: Fraction | None) -> None:
        if self._audio is not None:
            for packet in self._audio.until(time_s):
                self._file.mux(packet)

    def _abandon(self) -> None:
        self._closed = True
        if self._audio is not None:
            self._audio.close()
        with suppress(Exception):
            self._file.close()

    @contextmanager
    def _storing(self) -> Generator[None, None, None]:
        """Say what the library reports in the words of the user's file."""
        try:
            yield
        except av.error.FFmpegError as error:
            name = self._target.name.removesuffix(SUFFIX)
            name = name.removeprefix(".") if name != self._target.name else name
            raise output_error(Path(name), OSError(error.errno or 0, error.strerror or "unknown")) from error


def _in_order(
    splicer: Splicer, packets: Iterable[av.Packet[Any]], order: Iterator[int], name: str
) -> Iterator[av.Packet[Any]]:
    """Our packets with the source's DTS, so that they fit between copied ones."""
    for packet in packets:
        spliced = av.Packet(splicer.encoded(bytes(packet)))
        spliced.pts, spliced.dts = packet.pts, next(order)
        spliced.duration, spliced.time_base = packet.duration, packet.time_base
        spliced.is_keyframe = packet.is_keyframe
        if (spliced.pts or 0) < spliced.dts:
            raise RedactionIncomplete(f"{name}: a picture would be decoded after it is shown")
        yield spliced


def _time_base(like: VideoInfo, container: Container) -> Fraction:
    if container in ("mkv", "webm"):
        return _MILLISECOND
    if like.time_base.denominator > _LARGEST_TIMESCALE:
        raise OutputError(
            f"{like.name}: {container.upper()} cannot count time as finely as it does; nothing was written"
        )
    return Fraction(1, like.time_base.denominator)


def _open(target: Path, container: Container, time_base: Fraction) -> OutputContainer:
    settings = {"fflags": "+bitexact"}
    if container in ("mp4", "mov"):
        scale = time_base.denominator
        # Edit lists count in the movie's time scale: a multiple of the pictures' is exact, and fine enough for sound.
        movie_scale = scale * max(1, _SOUND_TIMESCALE // scale)
        settings |= {
            "movflags": "+faststart",
            "video_track_timescale": str(scale),
            "movie_timescale": str(movie_scale),
        }
    return av.open(f"file:{target}", "w", format=_MUXERS[container], container_options=settings)

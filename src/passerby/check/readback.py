"""Reads a finished video back before it gets its name: is it what the plan says, the whole of it, and nothing else.

One pass: every packet is demuxed and examined, every frame decoded strictly, and the container's structure walked.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.check.bitstream import BitstreamScan
from passerby.check.boxes import HANDLER_NAMES, examine_mp4
from passerby.check.ebml import TAG_VALUES, examine_matroska
from passerby.media import Colour, Frame, VideoInfo
from passerby.read.info import orientation_of
from passerby.read.picture import frame_of

STRICT = {"err_detect": "+crccheck+bitstream+buffer+explode"}
"""Decoder options: whatever the decoder can notice is an error. It was tried with single flipped bits: all that
FFmpeg's log reports is then raised or marked in the frame too, also from decoder threads, whose log lines get lost."""

MAX_CROPPED_PX = 15
"""A coded picture may be this much wider or higher than what is shown of it: one block of alignment."""

_SIDE_DATA_ALLOWED = frozenset(
    ["DISPLAYMATRIX", "STEREO3D", "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "FILM_GRAIN_PARAMS"]
)
_SIDE_DATA_EVERY = 32
_IDENTITY = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


VideoContainer = Literal["mp4", "mov", "mkv", "webm"]


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedVideo:
    """What the finished file must be.

    Attributes:
        container: by the suffix of its files.
        codec: FFmpeg's name ("h264").
        pts: int64, PTS of every frame, rising, in units of `time_base`.
        time_base: seconds per unit of PTS; the file's own may differ, the times may not.
        width: of the stored picture, in pixels.
        height: likewise.
        display_matrix: the nine integers, or None, which is the same as the identity.
        sample_aspect: width of a pixel over its height; 0 is taken as 1.
        colour: colour tags. An untagged range is taken as limited.
        bits: bits per sample.
        audio_kept: audio streams are expected; otherwise they must not be there.
        duration_s: how long the video lasts; None: from the first PTS to the last, and one frame more.
        duration_tolerance_s: how far the container's statement may be off.
    """

    container: VideoContainer
    codec: str
    pts: npt.NDArray[np.int64]
    time_base: Fraction
    width: int
    height: int
    display_matrix: tuple[int, ...] | None = None
    sample_aspect: Fraction = Fraction(1)
    colour: Colour = field(default_factory=Colour)
    bits: int = 8
    audio_kept: bool = False
    duration_s: float | None = None
    duration_tolerance_s: float = 0.1

    @classmethod
    def copy_of(
        cls,
        original: VideoInfo,
        *,
        container: VideoContainer,
        codec: str,
        pts: npt.NDArray[np.int64],
        colour: Colour | None = None,
        audio_kept: bool = False,
        duration_tolerance_s: float = 0.1,
    ) -> ExpectedVideo:
        """What a copy of that video must be: `pts` in units of its time base, `colour` as there if None."""
        return cls(
            container=container,
            codec=codec,
            pts=pts,
            time_base=original.time_base,
            width=original.width,
            height=original.height,
            display_matrix=original.display_matrix,
            sample_aspect=original.sample_aspect,
            colour=original.colour if colour is None else colour,
            bits=original.bits,
            audio_kept=audio_kept,
            duration_tolerance_s=duration_tolerance_s,
        )


OnFrame = Callable[[int, Frame], None]


def read_back_video(
    target: Path, expected: ExpectedVideo, *, on_frame: OnFrame | None = None, sample: Container[int] | None = None
) -> list[str]:
    """Problems of a finished file, in words without its name; empty if it is good.

    Args:
        target: the file, whatever it is called for now.
        expected: what it must be.
        on_frame: called with the number of a frame, from 0, and the frame, in the order in which they are shown, while
            the file is read; not for frames beyond the expected ones. What it raises is passed on.
        sample: numbers of the frames that it is called for; None: all.
    """
    reading = _Reading(expected, on_frame, sample)
    try:
        media = reading.examine_structure(target)
        with av.open(f"file:{target}", "r", metadata_errors="replace") as container:
            reading.examine_streams(container)
            if container.streams.video:
                reading.decode(container)
                reading.examine_totals(media)
    except (av.error.FFmpegError, OSError) as error:
        reading.problem(f"it cannot be read ({type(error).__name__})")
    return reading.problems


class Extents:
    """Which bytes of a file belong to something; runs that touch are kept as one, so that it stays small."""

    def __init__(self) -> None:
        self._start_by_end: dict[int, int] = {}

    def add(self, start: int, size: int) -> None:
        """Bytes `start` to `start + size` belong to something."""
        self._start_by_end[start + size] = min(
            self._start_by_end.pop(start, start), self._start_by_end.get(start + size, start)
        )

    def missing(self, start: int, end: int) -> int:
        """How many bytes from `start` to `end` belong to nothing."""
        missing, at = 0, start
        for run_end, run_start in sorted(self._start_by_end.items(), key=lambda run: run[1]):
            if run_end > at:
                missing += max(0, min(run_start, end) - at)
                at = run_end
        return missing + max(0, end - at)


class _Reading:
    """One reading of one file."""

    def __init__(self, expected: ExpectedVideo, on_frame: OnFrame | None, sample: Container[int] | None) -> None:
        self._expected = expected
        self._on_frame = on_frame
        self._sample = sample
        self._said: dict[str, None] = {}
        self._extents = Extents()
        self._frames = self._packets = self._wrong_times = 0
        self._kind: tuple[object, ...] = ()

    @property
    def problems(self) -> list[str]:
        return list(self._said)

    def problem(self, words: str) -> None:
        self._said[words] = None

    def _compare(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            self.problem(f"{what} is {found}, expected {expected}")

    def examine_structure(self, target: Path) -> list[tuple[int, int]]:
        """Walk the container; where media data stands in an MP4, start and end in bytes."""
        with target.open("rb") as file:
            if self._expected.container in ("mkv", "webm"):
                found, media = examine_matroska(file, audio=self._expected.audio_kept), []
            else:
                structure = examine_mp4(file, audio=self._expected.audio_kept)
                found, media = structure.problems, structure.media
        for words in found:
            self.problem(words)
        return media

    def examine_streams(self, container: InputContainer) -> None:
        kinds = [stream.type for stream in container.streams]
        self._compare("the number of video streams", kinds.count("video"), 1)
        if self._expected.audio_kept != ("audio" in kinds):
            self.problem("there is audio in it" if "audio" in kinds else "the audio is missing")
        for kind in sorted({str(kind) for kind in kinds} - {"video", "audio"}):
            self.problem(f"there is a {kind} stream in it")
        if container.chapters():
            self.problem("there are chapters in it")
        self._examine_tags("file", container.metadata)
        for stream in container.streams:
            self._examine_tags(str(stream.type), stream.metadata)
            if stream.disposition & stream.disposition.__class__.attached_pic:
                self.problem("there is an attached picture in it")

    def _examine_tags(self, whose: str, tags: dict[str, str]) -> None:
        for name, value in tags.items():
            if not _tag_allowed(whose, name, value):
                self.problem(f"the {whose} has a tag {name[:40]!r}")

    def decode(self, container: InputContainer) -> None:
        """Every packet of every stream, and every frame of the first video stream."""
        stream = container.streams.video[0]
        if stream.codec_context is None:
            self.problem("no decoder knows its codec")
            return
        stream.thread_type = "AUTO"
        stream.codec_context.options = dict(STRICT)
        self._compare("the codec", stream.codec_context.codec.canonical_name, self._expected.codec)
        scan = BitstreamScan(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        for packet in container.demux():
            self._note_packet(packet)
            if packet.stream is stream:
                scan.examine(memoryview(packet))
                for frame in self._decoded(packet):
                    self._examine_frame(frame, stream)
        for words in scan.problems:
            self.problem(words)
        self._examine_stream(container, stream)

    def _note_packet(self, packet: Packet[Stream]) -> None:
        if not packet.size:
            return
        if packet.pos is not None and packet.pos >= 0:
            self._extents.add(packet.pos, packet.size)
        if packet.is_corrupt:
            self.problem("a packet is marked as damaged")
        if packet.stream.type == "video":
            self._packets += 1
            if packet.is_discard:
                self.problem("an edit list hides frames")
            if packet.has_sidedata("new_extradata"):
                self.problem("the codec's parameters change on the way")

    def _decoded(self, packet: Packet[Stream]) -> Iterator[VideoFrame]:
        try:
            yield from packet.decode()  # type: ignore[misc]
        except av.error.FFmpegError as error:
            self.problem(f"decoding fails around frame {self._frames} ({type(error).__name__})")

    def _examine_frame(self, frame: VideoFrame, stream: VideoStream) -> None:
        index, self._frames = self._frames, self._frames + 1
        if frame.is_corrupt:
            self.problem("a frame is marked as damaged")
        self._examine_time(index, frame, stream)
        kind = (frame.width, frame.height, frame.format.name, frame.color_primaries, frame.color_trc, frame.colorspace,
                frame.color_range)  # fmt: skip
        if kind != self._kind:
            self._kind = kind
            self._examine_kind(frame)
        # In PyAV a frame that was asked for its side data is freed by the garbage collector only, dozens of them late.
        # What frames carry comes out of SEI messages and the like, and all packets are scanned for those.
        if index % _SIDE_DATA_EVERY == 0:
            self._examine_side_data(frame)
        wanted = index < len(self._expected.pts) and (self._sample is None or index in self._sample)
        if self._on_frame is not None and wanted:
            turn, time_base = orientation_of(self._expected.display_matrix), Fraction(stream.time_base or 0)
            self._on_frame(index, frame_of(frame, frame.pts or 0, time_base, turn, damaged=False, writable=False))

    def _examine_side_data(self, frame: VideoFrame) -> None:
        if unwanted := sorted({data.type.name for data in _side_data(frame)} - _SIDE_DATA_ALLOWED):
            self.problem(f"frames carry side data ({', '.join(unwanted)})")

    def _examine_time(self, index: int, frame: VideoFrame, stream: VideoStream) -> None:
        """As exact times: PTS times time base, compared as whole numbers."""
        have, want = Fraction(stream.time_base or 0), self._expected.time_base
        if index >= len(self._expected.pts) or frame.pts is None:
            self._wrong_times += 1
            return
        ours = frame.pts * have.numerator * want.denominator
        if ours != int(self._expected.pts[index]) * want.numerator * have.denominator:
            self._wrong_times += 1

    def _examine_kind(self, frame: VideoFrame) -> None:
        expected = self._expected
        self._compare("the size", (frame.width, frame.height), (expected.width, expected.height))
        self._compare("the number of bits per sample", frame.format.components[0].bits, expected.bits)
        found = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range == 2)
        colour = expected.colour
        self._compare(
            "the colour", found, (colour.primaries, colour.transfer, colour.matrix, colour.full_range is True)
        )
        matrix = next(
            (tuple(_int32(data)) for data in _side_data(frame) if data.type.name == "DISPLAYMATRIX"), _IDENTITY
        )
        self._compare("the display matrix", matrix, expected.display_matrix or _IDENTITY)

    def _examine_stream(self, container: InputContainer, stream: VideoStream) -> None:
        context, expected = stream.codec_context, self._expected
        aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
        self._compare("the sample aspect ratio", Fraction(aspect), expected.sample_aspect or Fraction(1))
        if max(context.coded_width - context.width, context.coded_height - context.height) > MAX_CROPPED_PX:
            self.problem("part of the coded picture is hidden by cropping")
        self._examine_duration(container, stream)

    def _examine_duration(self, container: InputContainer, stream: VideoStream) -> None:
        expected, pts = self._expected, self._expected.pts
        first_s = float(pts[0] * expected.time_base) if len(pts) else 0.0
        frame = int(np.diff(pts).max()) if len(pts) > 1 else 0
        wanted = expected.duration_s
        slack_s = expected.duration_tolerance_s + (float(frame * expected.time_base) if wanted is None else 0.0)
        if wanted is None:
            wanted = float((int(pts[-1]) - int(pts[0])) * expected.time_base) if len(pts) else 0.0
        if stream.duration is not None:
            stated = float(stream.duration * Fraction(stream.time_base or 0))
        else:  # Matroska states when the video ends
            stated = (container.duration or 0) / av.time_base - max(0.0, first_s)
        if abs(stated - wanted) > slack_s:
            self.problem(f"the duration is {stated:.3f} s, expected {wanted:.3f} s")

    def examine_totals(self, media: list[tuple[int, int]]) -> None:
        """What is known at the end: how many frames, their times, and bytes that belong to none."""
        self._compare("the number of frames", self._frames, len(self._expected.pts))
        if self._packets != self._frames:
            self.problem(f"{self._packets} packets make {self._frames} frames, so that some are not shown")
        if self._wrong_times:
            self.problem(f"frames shown at another time than in the original: {self._wrong_times}")
        if missing := sum(self._extents.missing(start, end) for start, end in media):
            self.problem(f"{missing} bytes of media data belong to no frame")


def _tag_allowed(whose: str, name: str, value: str) -> bool:
    if name in ("major_brand", "minor_version", "compatible_brands"):
        return whose == "file"  # the walk over the boxes has looked at the brands
    if name == "language":
        return whose == "audio" or value == "und"
    if name == "handler_name":
        return value in HANDLER_NAMES
    if name == "vendor_id":
        return value in ("[0][0][0][0]", "FFMP")
    pattern = TAG_VALUES.get(name.upper())
    return pattern is not None and pattern.fullmatch(value) is not None


def _side_data(frame: VideoFrame) -> Iterable[SideData]:
    return cast("Iterable[SideData]", frame.side_data)


def _int32(data: SideData) -> list[int]:
    return cast("list[int]", np.frombuffer(bytes(data), np.int32).tolist())

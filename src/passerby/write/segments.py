"""What a live camera leaves behind: segments on disk, and the same bytes as parts for who watches.

A recording is an unbroken run of segments with one init. A segment is a whole fragmented MP4: init, then parts of at
most a second, each written out as soon as it is whole. It starts at a keyframe and at time zero; the parts for who
watches count from the start of the recording.

Only redacted frames get in, and packets of GOPs that the plan calls clear.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import av

from passerby import nal
from passerby.errors import OutputError, RedactionIncomplete
from passerby.live import LivePart, SegmentInfo
from passerby.media import RedactedFrame, VideoInfo
from passerby.nal import ParameterSets
from passerby.write.codecs import KEYFRAME_EVERY_S, Quality, Speed
from passerby.write.encoder import exact
from passerby.write.export import export
from passerby.write.live_encoder import LiveEncoder, as_recorded
from passerby.write.movie_boxes import LENGTH_BYTES, Sample, Track, fragment_head, init_segment
from passerby.write.notes import SegmentNote, note_of
from passerby.write.parts import CodedPicture, Part, PartCutter
from passerby.write.recovery import recover
from passerby.write.segment_file import SegmentFile, segment_path, storage_error
from passerby.write.splice import Splicer, obstacle_in

__all__ = ["SegmentOptions", "SegmentWriter", "export", "recover"]

_LARGEST_TIMESCALE = 2**31 - 1
_LONGEST_DURATION = 2**32 - 1

OnPart = Callable[[LivePart], None]
OnSegment = Callable[[SegmentInfo, Path], None]


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """How a recording is cut and encoded.

    Attributes:
        segment_s: a new file begins at the first keyframe after so many seconds; encoded pictures get one then.
        part_s: longest part, in seconds; what a crash takes away at most.
        quality: as in `EncodeOptions`.
        speed: likewise.
        threads: of the encoder; 0 is as many as there are cores.
    """

    segment_s: float = 30.0
    part_s: float = 1.0
    quality: Quality = "good"
    speed: Speed = "fastest"
    threads: int = 1


class SegmentWriter:
    """One recording of one camera, from connecting to losing it. Not to be shared between threads.

    After an `OutputError` there is nothing to do but `close` it and start another recording. Where the disk was the
    reason, what was whole by then has been stored and told.

    Attributes:
        recording: 32 hexadecimal digits.
        why_not_copied: why `copy` refuses every GOP of this camera, in a few words; empty if it does not.
    """

    def __init__(
        self,
        folder: Path,
        camera: str,
        info: VideoInfo,
        extradata: bytes,
        *,
        options: SegmentOptions = SegmentOptions(),
        on_part: OnPart,
        on_segment: OnSegment,
        begins_at: datetime,
    ) -> None:
        """Nothing is written before the first part is whole.

        Args:
            folder: of the archive.
            camera: its name, which is also that of its folder.
            info: the camera's stream.
            extradata: its H.264 parameter sets, as avcC or in annex B, which is then how its packets are; else empty.
            options: see there.
            on_part: gets the init before the first part, then each part once it is stored.
            on_segment: gets each segment once it stands durably under its final name, and that name. What either of
                the two raises ends the recording, and is passed on.
            begins_at: when the first frame arrived.

        Raises:
            OutputError: pictures like these cannot be recorded.
            SettingsError: the camera's name is none for a folder.
        """
        self.recording = uuid.uuid4().hex
        self._folder, self._camera, self._options = folder, camera, options
        self._on_part, self._on_segment, self._begins_at = on_part, on_segment, begins_at
        segment_path(camera, self.recording, 0, begins_at)
        self._like = as_recorded(info)
        self._timescale = _timescale(info)
        sets, self.why_not_copied = _parameter_sets(info, extradata)
        self._splicer = Splicer(self._like, sets, start_codes=nal.read_avcc(extradata) is None)
        self._encoder = self._new_encoder()
        avcc = self._splicer.join(self._encoder.extradata)
        like = self._like
        self._track = Track(
            like.width, like.height, self._timescale, avcc, like.sample_aspect or Fraction(1), like.display_matrix
        )
        self._init = init_segment(self._track)
        longest = round(options.part_s * self._timescale)
        self._cutter = PartCutter(max(1, longest), max(1, round(self._timescale / (like.rate_fps or 25))))
        self._segment_units = round(options.segment_s * self._timescale)
        self._file: SegmentFile | None = None
        self._parts = self._segments = self._segment_starts = 0
        self._first_s = Fraction(0)
        self._last_time, self._next_keyframe = -1, 0
        self._keyframe_due = True
        self._copying = False
        self._closed = False

    def copy(self, packets: Sequence[av.Packet[Any]], arrived_at: datetime) -> None:
        """Store clear pictures as the camera sent them; of its SEI messages only what showing them needs.

        Args:
            packets: a closed GOP from its IDR picture on, or what follows the packets copied last, none left out; in
                the order in which they are shown, which must be that of decoding.
            arrived_at: when the first of them did; aware.

        Raises:
            RedactionIncomplete: these packets may not be copied; none was, and they can be encoded instead.
            OutputError: the parameter sets change, the times do not rise, or the disk is full.
        """
        self._check_open()
        follows, self._copying = self._copying, False
        if self.why_not_copied:
            raise RedactionIncomplete(f"{self._camera}: packets cannot be copied: {self.why_not_copied}")
        pictures = list(self._copies(packets, arrived_at))
        if any(after.time <= before.time for before, after in pairwise(pictures)):
            raise RedactionIncomplete(f"{self._camera}: the pictures to be copied are not in order")
        if not pictures or not (follows or pictures[0].keyframe):
            raise RedactionIncomplete(f"{self._camera}: a GOP to be copied does not start with an IDR picture")
        self._keyframe_due = True
        for picture in pictures:
            self._push(picture)
        self._copying = True

    def encode(
        self, frame: RedactedFrame, arrived_at: datetime, covered_share: float, *, keyframe: bool = False
    ) -> None:
        """Encode and store one redacted frame.

        Args:
            frame: its carrier is handed to the encoder and must not be used afterwards.
            arrived_at: when the camera's frame did; aware.
            covered_share: painted share of the picture, from 0 to 1.
            keyframe: viewers shall be able to start here. The first frame, those after copied GOPs, those where a
                segment is due and one every two seconds are keyframes without asking.

        Raises:
            OutputError: the size changes, the times do not rise, or the disk is full.
        """
        self._check_open()
        if not isinstance(frame, RedactedFrame):
            raise TypeError(f"only redacted frames are written, not {type(frame).__name__}")
        time = self._time(frame.pts, frame.time_base, begins=True)
        wanted = keyframe or self._keyframe_due or time >= self._next_keyframe or self._segment_due(time)
        data = self._splicer.encoded(self._encoder.encode(frame, time, keyframe=wanted))
        starts = self._splicer.starts_at_idr(data)
        if wanted and not starts:
            raise OutputError(f"{self._camera}: the encoder gives no keyframe; the recording ends there")
        self._keyframe_due = self._copying = False
        self._push(CodedPicture(data, time, starts, False, covered_share, arrived_at))

    def end_gop(self) -> None:
        """What comes next stands for itself: copied packets, or a frame that becomes a keyframe.

        The encoder holds nothing back, so there is nothing to wait for.
        """
        self._copying = False
        self._keyframe_due = True

    def close(self) -> None:
        """Finish the segment; nothing can be added after. Does nothing the second time.

        Raises:
            OutputError: the disk does not take the rest; what was whole before is stored, or left for `recover`.
        """
        if not self._closed:
            self._closed = True
            with self._ending_on_failure():
                self._end_segment()

    def _new_encoder(self) -> LiveEncoder:
        """An encoder whose parameter sets go by a number that comes from what is in them.

        So they are the same in every recording with the same settings, and most likely have another number in those
        with others: `export` can put both into one file.
        """
        ids = self._splicer.free_ids
        return self._encoder_with(ids[crc32(self._encoder_with(ids[0]).extradata) % len(ids)])

    def _encoder_with(self, set_id: int) -> LiveEncoder:
        options, base = self._options, Fraction(1, self._timescale)
        quality, speed, threads = options.quality, options.speed, options.threads
        return LiveEncoder(self._like, base, quality=quality, speed=speed, threads=threads, set_id=set_id)

    def _check_open(self) -> None:
        if self._closed:
            raise OutputError(f"{self._camera}: this recording has ended, and takes no more")

    def _copies(self, packets: Sequence[av.Packet[Any]], arrived_at: datetime) -> Iterator[CodedPicture]:
        first: int | None = None
        for packet in packets:
            if not isinstance(packet, av.Packet):
                raise TypeError(f"only packets are copied, not {type(packet).__name__}")
            if packet.is_corrupt or packet.is_discard or packet.pts is None or packet.time_base is None:
                raise RedactionIncomplete(f"{self._camera}: a packet was to be copied that is damaged or has no time")
            time = self._time(packet.pts, Fraction(packet.time_base), begins=first is None)
            first = time if first is None else first
            data = self._copied(bytes(packet))
            at = arrived_at + timedelta(seconds=(time - first) / self._timescale)
            yield CodedPicture(data, time, self._splicer.starts_at_idr(data), True, 0.0, at)

    def _copied(self, data: bytes) -> bytes:
        if self._splicer.changes_parameters(data):
            raise OutputError(
                f"{self._camera}: the camera changed its H.264 parameters, which go with a recording; "
                "the recording ends there"
            )
        return self._splicer.copied(data)

    def _time(self, pts: int, time_base: Fraction, *, begins: bool) -> int:
        """From the start of the recording, in units of time; after that of everything before.

        `begins`: the recording may begin here, if nothing is in it yet.
        """
        at_s = pts * time_base
        if begins and self._last_time < 0:
            self._first_s = at_s
        time = exact(1, at_s - self._first_s, Fraction(1, self._timescale), self._camera)
        if not self._last_time < time <= self._last_time + _LONGEST_DURATION:
            raise OutputError(f"{self._camera}: the times of its frames jump; the recording ends there")
        return time

    def _segment_due(self, time: int) -> bool:
        return time - self._segment_starts >= self._segment_units

    def _push(self, picture: CodedPicture) -> None:
        with self._ending_on_failure():
            if picture.keyframe and self._segment_due(picture.time):
                self._end_segment(picture.time - self._last_time)
                self._segment_starts = picture.time
            self._last_time = picture.time
            if picture.keyframe:
                self._next_keyframe = picture.time + KEYFRAME_EVERY_S * self._timescale
            for part in self._cutter.push(picture):
                self._store(part)

    def _store(self, part: Part) -> None:
        samples = [Sample(picture.duration, len(picture.data), picture.keyframe) for picture in part.pictures]
        data = b"".join(picture.data for picture in part.pictures)
        number = self._parts + 1
        with self._storing():
            if self._file is None:
                self._file = self._new_file(part)
            in_segment = fragment_head(number, part.starts - self._segment_starts, samples) + data
            self._file.append(in_segment, note_of(part, self._segment_starts, self._timescale))
        if not self._parts:
            self._tell("init", self._init, part)
        self._parts = number
        self._tell("part", fragment_head(number, part.starts, samples) + data, part)

    def _new_file(self, part: Part) -> SegmentFile:
        begins_at = part.pictures[0].arrived_at
        path = segment_path(self._camera, self.recording, self._segments, begins_at)
        note = SegmentNote(self._camera, self.recording, begins_at, part.starts / self._timescale)
        file = SegmentFile(self._folder, path, note, self._track)
        try:
            file.append(self._init)
        except OSError:
            file.abandon()
            raise
        return file

    def _tell(self, kind: Literal["init", "part"], data: bytes, part: Part) -> None:
        keyframe, at = kind == "part" and part.keyframe, part.pictures[0].arrived_at
        codec, media_s = self._track.codec, part.starts / self._timescale
        self._on_part(LivePart(kind, data, keyframe, codec, at, media_s, self.recording))

    def _end_segment(self, last_duration: int = 0) -> None:
        """Write out what waits, and give the file its name. `last_duration` is that of the last picture, if known."""
        for part in self._cutter.finish(last_duration):
            self._store(part)
        file, self._file = self._file, None
        if file is not None:
            with self._storing():
                info = file.finish()
            self._hand_over(file, info)

    def _hand_over(self, file: SegmentFile, info: SegmentInfo) -> None:
        self._segments += 1
        self._on_segment(info, file.path)
        file.forget_notes()

    @contextmanager
    def _storing(self) -> Generator[None, None, None]:
        try:
            yield
        except OSError as error:
            raise storage_error(self._camera, error) from error

    @contextmanager
    def _ending_on_failure(self) -> Generator[None, None, None]:
        """Where the disk fails, or somebody who is told something, the recording ends with the last stored part."""
        try:
            yield
        except BaseException:
            self._closed = True
            self._salvage()
            raise

    def _salvage(self) -> None:
        """Finish the segment as it is, or leave it to `recover`; a segment without any part goes."""
        file, self._file = self._file, None
        if file is None:
            return
        if not file.parts:
            file.abandon()
            return
        try:
            info = file.finish()
        except OSError:
            return
        self._hand_over(file, info)


def _timescale(info: VideoInfo) -> int:
    if info.time_base.denominator > _LARGEST_TIMESCALE:
        raise OutputError(f"{info.name}: MP4 cannot count time as finely as this camera does; nothing is recorded")
    return info.time_base.denominator


def _parameter_sets(info: VideoInfo, extradata: bytes) -> tuple[ParameterSets, str]:
    """What the camera says of its packets, if they can be copied; else nothing, and why."""
    none = ParameterSets(LENGTH_BYTES, (), ())
    if info.codec != "h264":
        return none, f"{info.codec} is not copied, only H.264 is"
    if info.interlaced:
        return none, "it is interlaced"
    if info.pixel_format not in ("yuv420p", "yuvj420p"):
        return none, f"browsers do not play {info.pixel_format}"
    sets = nal.read_avcc(extradata) or _annex_b_sets(extradata)
    obstacle = obstacle_in(sets)
    if obstacle is None and sets.length_bytes != LENGTH_BYTES:
        obstacle = "its packets leave no room for ours"
    return (sets, "") if obstacle is None else (none, obstacle)


def _annex_b_sets(extradata: bytes) -> ParameterSets:
    units = list(nal.annex_b_units(extradata))
    kinds = {kind: tuple(unit for unit in units if nal.unit_type(unit) == kind) for kind in (nal.SPS, nal.PPS)}
    return ParameterSets(LENGTH_BYTES, kinds[nal.SPS], kinds[nal.PPS])

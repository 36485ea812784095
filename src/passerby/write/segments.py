"""What a live camera leaves behind: segments on disk, and the same bytes as parts for who watches.

A recording is an unbroken run of segments with one init. A segment is a whole fragmented MP4: init, then parts of at
most a second, each written out as soon as it is whole. It starts at a keyframe and at time zero; the parts for who
watches count from the start of the recording.

Only redacted frames get in, and packets of GOPs that the plan calls clear.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import av

from passerby.errors import OutputError
from passerby.live import LivePart, SegmentInfo
from passerby.media import RedactedFrame, VideoInfo
from passerby.write.codecs import Quality, Speed
from passerby.write.export import export
from passerby.write.live_coder import LiveCoder
from passerby.write.movie_boxes import Sample, fragment_head, init_segment
from passerby.write.notes import SegmentNote, note_of
from passerby.write.parts import CodedPicture, Part, PartCutter
from passerby.write.recovery import recover
from passerby.write.segment_file import SegmentFile, segment_path, storage_error

__all__ = ["SegmentOptions", "SegmentWriter", "export", "recover"]


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
        quality, speed, threads = options.quality, options.speed, options.threads
        self._coder = LiveCoder(camera, info, extradata, quality=quality, speed=speed, threads=threads)
        self._track, self.why_not_copied = self._coder.track, self._coder.why_not_copied
        self._init = init_segment(self._track)
        self._timescale = self._track.timescale
        self._cutter = PartCutter(max(1, round(options.part_s * self._timescale)), self._coder.usual_duration)
        self._segment_units = round(options.segment_s * self._timescale)
        self._file: SegmentFile | None = None
        self._parts = self._segments = self._segment_starts = 0
        self._last_time = 0
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
        for picture in self._coder.copied(packets, arrived_at):
            self._push(picture)

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
        keyframe_from = 0 if keyframe else self._segment_starts + self._segment_units
        self._push(self._coder.encoded(frame, arrived_at, covered_share, keyframe_from=keyframe_from))

    def end_gop(self) -> None:
        """What comes next stands for itself: copied packets, or a frame that becomes a keyframe.

        The encoder holds nothing back, so there is nothing to wait for.
        """
        self._coder.end_gop()

    def close(self) -> None:
        """Finish the segment; nothing can be added after. Does nothing the second time.

        Raises:
            OutputError: the disk does not take the rest; what was whole before is stored, or left for `recover`.
        """
        if not self._closed:
            self._closed = True
            with self._ending_on_failure():
                self._end_segment()

    def _check_open(self) -> None:
        if self._closed:
            raise OutputError(f"{self._camera}: this recording has ended, and takes no more")

    def _push(self, picture: CodedPicture) -> None:
        with self._ending_on_failure():
            if picture.keyframe and picture.time - self._segment_starts >= self._segment_units:
                self._end_segment(picture.time - self._last_time)
                self._segment_starts = picture.time
            self._last_time = picture.time
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

"""From pictures whose delay has passed to recordings: clear ones are copied, the others painted and encoded.

The packets of a closed GOP are copied from its start on, one by one, for as long as its frames are known and clear.
From the first one that is not, up to the next keyframe of the camera, all are painted and encoded: what is copied
never looks past what was painted, and nothing has to wait for the end of a GOP.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from passerby.errors import OutputError, RedactionIncomplete
from passerby.live import LivePart, SegmentInfo
from passerby.media import RedactedFrame, VideoInfo
from passerby.pipeline.stream_buffer import Waiting
from passerby.pipeline.stream_told import RECORDING_BROKE, Told
from passerby.redact.cover import Painter, Style
from passerby.redact.live_plan import covered_share
from passerby.regions import Regions
from passerby.write.jpeg import jpeg_of
from passerby.write.segments import SegmentOptions, SegmentWriter

_CLOCK_STEP_S = 2.0
"""A wall clock that has moved by more than this against the time that passed begins a new recording."""
_STILL_S = 1.0


class Recorder:
    """Recordings of one connection to a camera."""

    def __init__(
        self,
        folder: Path,
        camera_name: str,
        info: VideoInfo,
        extradata: bytes,
        *,
        options: SegmentOptions,
        style: Style,
        copy_clear: bool,
        on_part: Callable[[LivePart], None],
        on_segment: Callable[[SegmentInfo, Path], None],
        on_still: Callable[[bytes, datetime], None],
        told: Told,
    ) -> None:
        """As in `SegmentWriter`; `on_still` gets a JPEG about once a second."""
        self._folder, self._camera, self._info, self._extradata = folder, camera_name, info, extradata
        self._options, self._copy_clear = options, copy_clear
        self._on_part, self._on_segment, self._on_still, self._told = on_part, on_segment, on_still, told
        self._painter = Painter(style)
        self._writer: SegmentWriter | None = None
        self._parts = 0
        self._clock_s = 0.0
        self._copying = self._in_gop = False
        self._still_s = -_STILL_S

    def record(self, waiting: Waiting, regions: Regions | None) -> None:
        """Store a picture; `regions` is what the plan says of it.

        Raises:
            OutputError: it cannot be stored.
        """
        picture = waiting.picture
        writer = self._writer_for(waiting)
        if picture.starts_closed:
            self._end_gop()
            self._in_gop, self._copying = True, self._copy_clear and not writer.why_not_copied
        elif waiting.after_gap:
            self._copying = False
        clear = regions is not None and not len(regions) and not picture.damaged
        self._copying = self._copying and clear and picture.packet is not None and not picture.why_not_copied
        share = 0.0
        if not (self._copying and self._copied(waiting, writer)):
            self._copying = False
            frame = waiting.take()
            share = 1.0 if frame.damaged else covered_share(regions, frame.upright_size)
            redacted = self._painter.cover(frame, regions)
            self._show(redacted, waiting)
            self._encode(redacted, waiting, share)
        self._told.written(waiting, regions, share)

    def leave_out(self, waiting: Waiting) -> None:
        """A picture is dropped: it is too late to paint it."""
        waiting.pass_by()
        self._told.left_out += 1
        self._copying = False

    def close(self) -> None:
        """Finish the segment."""
        self._end_gop()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _copied(self, waiting: Waiting, writer: SegmentWriter) -> bool:
        """Copy the packet of a clear picture; False where the writer wants it encoded."""
        picture = waiting.picture
        assert picture.packet is not None
        try:
            writer.copy([picture.packet], picture.arrived_at)
        except RedactionIncomplete:
            return False
        except OutputError as error:
            # New parameter sets, or a disk that failed: encoding into a new recording tells which.
            self._begin_again(waiting, error)
            return False
        if self._still_is_due(waiting):
            self._show(self._painter.cover((waiting.small or waiting).take(), Regions()), waiting)
        waiting.pass_by()
        return True

    def _encode(self, redacted: RedactedFrame, waiting: Waiting, share: float) -> None:
        arrived_at = waiting.picture.arrived_at
        writer = self._writer_for(waiting)
        try:
            writer.encode(redacted, arrived_at, share)
        except OutputError as error:
            self._begin_again(waiting, error)
            self._writer_for(waiting).encode(redacted, arrived_at, share)

    def _writer_for(self, waiting: Waiting) -> SegmentWriter:
        """The recording that goes on, or a new one if there is none, or the clock was set."""
        clock_s = waiting.picture.arrived_at.timestamp() - waiting.picture.arrived_s
        if self._writer is not None and abs(clock_s - self._clock_s) > _CLOCK_STEP_S:
            self.close()
        if self._writer is None:
            self._writer = SegmentWriter(
                self._folder,
                self._camera,
                self._info,
                self._extradata,
                options=self._options,
                on_part=self._part,
                on_segment=self._on_segment,
                begins_at=waiting.picture.arrived_at,
            )
            self._parts, self._clock_s, self._copying = 0, clock_s, False
        return self._writer

    def _begin_again(self, waiting: Waiting, error: OutputError) -> None:
        """After a failure: what is whole is kept, and a new recording begins.

        Raises:
            OutputError: the recording that failed had stored nothing yet, so that another would fail, too.
        """
        if not self._parts:
            raise error
        self._told.trouble(RECORDING_BROKE)
        with suppress(OutputError):
            self.close()
        self._writer = None
        self._writer_for(waiting)

    def _part(self, part: LivePart) -> None:
        self._told.bytes_written += len(part.data)
        self._on_part(part)
        self._parts += 1

    def _end_gop(self) -> None:
        if self._in_gop:
            self._told.copied_gops += self._copying
            self._told.encoded_gops += not self._copying
        self._in_gop = self._copying = False

    def _still_is_due(self, waiting: Waiting) -> bool:
        return waiting.picture.arrived_s - self._still_s >= _STILL_S

    def _show(self, redacted: RedactedFrame, waiting: Waiting) -> None:
        if self._still_is_due(waiting):
            self._still_s = waiting.picture.arrived_s
            self._on_still(jpeg_of(redacted), waiting.picture.arrived_at)

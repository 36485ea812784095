"""The path of a live camera: redacted in memory with a delay, recorded, and shown to who watches.

Three threads: one reads and decodes, one looks, one paints and writes. What the second has no verdict on when the delay
has passed, the third paints whole; it never waits for it.

Where a smaller stream of the camera is looked at, a fourth thread reads that one, and the main one's packets wait
undecoded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import cv2

from passerby.detect.background import Background
from passerby.detect.detector import Detector
from passerby.detect.evidence import sketch_of
from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.pipeline.choosing import video_detector
from passerby.pipeline.stream_buffer import Buffer, Waiting
from passerby.pipeline.stream_looker import Looker, Verdicts
from passerby.pipeline.stream_memory import return_large_blocks
from passerby.pipeline.stream_moments import Moments
from passerby.pipeline.stream_pair import PairedVerdicts
from passerby.pipeline.stream_threads import running
from passerby.pipeline.stream_told import Told
from passerby.pipeline.stream_writer import Recorder
from passerby.read.camera import CameraStream
from passerby.read.camera_pair import CameraPair
from passerby.redact.polygons import Polygon
from passerby.settings import Settings
from passerby.write.segments import SegmentOptions

_LATE_S = 1.0
"""A picture that is so much older than the delay is dropped."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a live camera is redacted.

    Attributes:
        settings: what is covered and how. The encoder is as fast as it can be unless `speed` was set.
        delay_s: pictures wait so long in memory, so that what is found late is covered in those that still wait.
        most_waiting_bytes: pictures that find no room in that much memory are dropped.
        segment_s: length of a file, in seconds; see `write.segments.SegmentOptions`.
        part_s: longest part of a file, in seconds: what a crash may take, and what who watches waits for at most.
        threads: of the encoder.
    """

    settings: Settings
    delay_s: float = 2.0
    most_waiting_bytes: int = 256 * 2**20
    segment_s: float = 30.0
    part_s: float = 0.5
    threads: int = 1


class StreamOutlet(Protocol):
    """Who gets what comes out; called from the thread that called `redact_stream`. What it raises ends the stream."""

    def part(self, part: LivePart) -> None:
        """A piece for who watches: the init of a recording, or a part of at most a second."""

    def segment(self, info: SegmentInfo, path: Path) -> None:
        """A finished segment: it stands durably under its final name."""

    def figures(self, figures: CameraFigures) -> None:
        """Once a second; counts are those of this connection, `reconnects` is 0."""

    def state(self, state: CameraState, why: str) -> None:
        """The state changed; `why` is a sentence, empty when all is well."""

    def still(self, jpeg: bytes, at: datetime) -> None:
        """A redacted picture, about once a second, its longer side at most 640 px; `at` is when it arrived."""


def redact_stream(
    camera: CameraStream | CameraPair,
    folder: Path,
    options: StreamOptions,
    outlet: StreamOutlet,
    *,
    camera_name: str,
    stop: threading.Event,
    detector: Detector | None = None,
) -> None:
    """Redact one connection to a camera until `stop` is set; the pictures that wait then are written first.

    Args:
        camera: connected; its pictures are taken. Of a pair, the smaller stream is looked at.
        folder: of the archive.
        options: see there.
        outlet: who gets what comes out.
        camera_name: the folder of its segments, and what messages call it.
        stop: ends it, with a finished segment.
        detector: who looks; by default what looks at videos.

    Raises:
        CameraError: the camera is gone. What it sent was written.
        OutputError: nothing can be stored any more.
        ModelError: a model cannot run here; nothing was started.
    """
    cv2.setNumThreads(1)  # of the whole process: sketches are so small that waking others takes longer than they do
    return_large_blocks()
    looks_with = _detector_of(options.settings) if detector is None else detector
    stages = _Stages(camera, folder, options, outlet, camera_name, looks_with)
    stages.told.tick()
    with ExitStack() as beside:
        look = beside.enter_context(running(f"look {camera_name}", stages.looker.run, stages.buffer.release))
        reading = [running(f"read {camera_name}", read, stages.end) for read in stages.readers()]
        threads = [look, *(beside.enter_context(thread) for thread in reading)]
        try:
            while not stages.buffer.is_over():
                if stop.is_set() or look.failure is not None:
                    stages.end()
                stages.write()
                stages.told.tick()
        finally:
            stages.close()
    for thread in threads:
        if thread.failure is not None and not stop.is_set():
            raise thread.failure


def _detector_of(settings: Settings) -> Detector | None:
    """Who looks at videos; None where nobody has to."""
    ensemble = video_detector(settings)
    return ensemble if ensemble.members else None


class _Stages:
    """What the threads of one connection share.

    Attributes:
        buffer: what is to be stored.
        told: to whom state and figures go.
        looker: looks at what waits.
    """

    def __init__(
        self,
        camera: CameraStream | CameraPair,
        folder: Path,
        options: StreamOptions,
        outlet: StreamOutlet,
        camera_name: str,
        detector: Detector | None,
    ) -> None:
        settings, delay_s = options.settings, options.delay_s
        pair = camera if isinstance(camera, CameraPair) else None
        look_info = camera.info if pair is None else pair.look.info
        self.buffer = Buffer(delay_s, options.most_waiting_bytes)
        self._camera, self._delay_s = camera, delay_s
        self._watched = self.buffer if pair is None else Buffer(delay_s, options.most_waiting_bytes)
        watches = "motion" in settings.cover
        self._background = Background() if watches else None
        self.told = Told(outlet.state, outlet.figures, self.buffer, self._watched, camera, watches=watches)
        keep, only = ([Polygon.of(points) for points in given] for given in (settings.keep, settings.only))
        seen = Verdicts(look_info, delay_s, settings.margins, keep, only)
        self._verdicts = (
            seen if pair is None else PairedVerdicts(seen, self._watched, camera.info, look_info, self.told)
        )
        self.looker = Looker(self._watched, seen, detector, delay_s, self.told)
        self._recorder = _recorder(camera, folder, options, outlet, camera_name, self.told)

    def readers(self) -> list[Callable[[], None]]:
        """What takes pictures from the camera, for a thread each."""
        buffer, watched, background = self.buffer, self._watched, self._background
        if isinstance(self._camera, CameraPair):
            main, look = self._camera.main, self._camera.look
            return [lambda: _hold(main, buffer), lambda: _read(look, watched, background, Moments())]
        camera = self._camera
        return [lambda: _read(camera, buffer, background)]

    def write(self) -> None:
        """Paint and store the next picture whose delay has passed, if one has soon; one that is late is dropped."""
        due = self.buffer.take(_POLL_S)
        if due is None:
            return
        waiting, after = due
        if waiting.age_s() > self._delay_s + _LATE_S:
            self._verdicts.leave_out(waiting)
            self._recorder.leave_out(waiting)
        else:
            self._recorder.record(waiting, self._verdicts.final(waiting, after))

    def end(self) -> None:
        """Nothing more will come."""
        self.buffer.end()
        self._watched.end()

    def close(self) -> None:
        """Finish the recording; what waits is given up."""
        self.buffer.give_up()
        self._watched.give_up()
        self._recorder.close()
        self.told.close()


def _read(camera: CameraStream, buffer: Buffer, background: Background | None, moments: Moments | None = None) -> None:
    """Pictures that are looked at; their moments are told where there is another stream."""
    for picture in camera.pictures():
        sketch = None if picture.frame.damaged else sketch_of(picture.frame)
        blocks = background.blocks(picture.frame) if background is not None else None
        if buffer.is_ended():
            return
        buffer.put(Waiting(picture, sketch, blocks, moments.of(picture) if moments else None))


def _hold(camera: CameraStream, buffer: Buffer) -> None:
    """Pictures that are only stored."""
    moments = Moments()
    for picture in camera.held_pictures():
        if buffer.is_ended():
            return
        buffer.put(Waiting(picture, None, moment=moments.of(picture)))


def _recorder(
    camera: CameraStream | CameraPair,
    folder: Path,
    options: StreamOptions,
    outlet: StreamOutlet,
    camera_name: str,
    told: Told,
) -> Recorder:
    settings = options.settings
    speed = settings.speed if "speed" in settings.model_fields_set else "fastest"
    return Recorder(
        folder,
        camera_name,
        camera.info,
        camera.extradata,
        options=SegmentOptions(options.segment_s, options.part_s, settings.quality, speed, options.threads),
        style=settings.style,
        copy_clear=settings.copy_clear,
        on_part=outlet.part,
        on_segment=outlet.segment,
        on_still=outlet.still,
        told=told,
    )

"""The path of a live camera: redacted in memory with a delay, recorded, and shown to who watches.

Three threads: one reads and decodes, one looks, one paints and writes. What the second has no verdict on when the delay
has passed, the third paints whole; it never waits for it.

Where a smaller stream of the camera is looked at, a fourth thread reads that one, and the main one's packets wait
undecoded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
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
_ENDING_S = 5.0
"""How long the threads may take to end: a detector that hangs is left behind."""


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
    settings = options.settings
    cv2.setNumThreads(1)  # of the whole process: sketches are so small that waking others takes longer than they do
    return_large_blocks()
    ensemble = video_detector(settings) if detector is None else None
    looks_with = detector if ensemble is None else (ensemble if ensemble.members else None)
    buffer = Buffer(options.delay_s, options.most_waiting_bytes)
    pair = camera if isinstance(camera, CameraPair) else None
    watched = buffer if pair is None else Buffer(options.delay_s, options.most_waiting_bytes)
    look_info = camera.info if pair is None else pair.look.info
    told = Told(outlet.state, outlet.figures, buffer, watched, camera, watches="motion" in settings.cover)
    keep, only = ([Polygon.of(points) for points in given] for given in (settings.keep, settings.only))
    seen = Verdicts(look_info, options.delay_s, settings.margins, keep, only)
    verdicts = seen if pair is None else PairedVerdicts(seen, watched, camera.info, look_info, told)
    looker = Looker(watched, seen, looks_with, options.delay_s, told)
    background = Background() if "motion" in settings.cover else None
    recorder = _recorder(camera, folder, options, outlet, camera_name, told)
    told.tick()

    def end() -> None:
        buffer.end()
        watched.end()

    with ExitStack() as beside:
        look = beside.enter_context(_running(f"look {camera_name}", looker.run, buffer.release))
        readers = [
            beside.enter_context(_running(f"read {camera_name}", read, end))
            for read in _readers(camera, buffer, watched, background)
        ]
        try:
            while not buffer.is_over():
                if stop.is_set() or look.failure is not None:
                    end()
                due = buffer.take(_POLL_S)
                if due is not None:
                    _write(*due, verdicts, recorder, options.delay_s)
                told.tick()
        finally:
            buffer.give_up()
            watched.give_up()
            recorder.close()
            told.close()
    for thread in (look, *readers):
        if thread.failure is not None and not stop.is_set():
            raise thread.failure


def _write(
    waiting: Waiting, after: Waiting | None, verdicts: Verdicts | PairedVerdicts, recorder: Recorder, delay_s: float
) -> None:
    """Paint and store a picture, or drop it where that comes too late."""
    if waiting.age_s() > delay_s + _LATE_S:
        verdicts.leave_out(waiting)
        recorder.leave_out(waiting)
    else:
        recorder.record(waiting, verdicts.final(waiting, after))


def _readers(
    camera: CameraStream | CameraPair, buffer: Buffer, watched: Buffer, background: Background | None
) -> list[Callable[[], None]]:
    if isinstance(camera, CameraPair):
        main, look = camera.main, camera.look
        return [lambda: _hold(main, buffer), lambda: _read(look, watched, background, Moments())]
    return [lambda: _read(camera, buffer, background)]


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


class _Thread:
    """A thread that runs beside the writer; `failure` is what it ended with, if not well."""

    def __init__(self, name: str, run: Callable[[], None], at_end: Callable[[], None]) -> None:
        self.failure: BaseException | None = None
        self._run, self._at_end = run, at_end
        self.thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as failure:
            self.failure = failure
        finally:
            self._at_end()


@contextmanager
def _running(name: str, run: Callable[[], None], at_end: Callable[[], None]) -> Generator[_Thread]:
    beside = _Thread(name, run, at_end)
    beside.thread.start()
    try:
        yield beside
    finally:
        beside.thread.join(_ENDING_S)


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

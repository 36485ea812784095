"""What is told of a live camera while it runs: its state in a word and a sentence, and its figures once a second."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from passerby.live import CameraFigures, CameraState
from passerby.pipeline.stream_buffer import Buffer, TooLate, Waiting
from passerby.regions import Regions

_FIGURES_S, _POLL_S = 1.0, 0.1
_RECOVERED_S = 5.0
"""A camera is well again when it was well for so long."""
_SILENT_S = 5.0
"""A detector that has not answered for so long does not answer."""
_LAST_LOOKS = 20

LOOK_FAILED = "the detector failed, so that pictures are covered whole until it works again"
LOOK_HANGS = "the detector does not answer, so that pictures are covered whole"
LOOKING_LATE = "looking does not keep up, so that some pictures are covered whole"
DAMAGED = "the camera sent damaged pictures, which are covered whole"
DROPPED = "the machine does not keep up, so that some pictures are left out"
LOOK_STREAM_LATE = "the stream to look at has no pictures of the same time, so that all is covered whole"
ANOTHER_PICTURE = "the stream to look at does not show the same picture, so that all is covered whole"
NOT_COMPARED = "too little stands out to tell that both streams show the same picture, so that all is covered whole"
RECORDING_BROKE = "a recording broke off, and a new one was begun"


class Source(Protocol):
    """What a camera counts."""

    @property
    def bytes_in(self) -> int:
        """Received, in packets."""

    @property
    def dropped(self) -> int:
        """Packets that were left out because nobody took them in time."""


@dataclass(slots=True)
class _Second:
    """What happened since figures were last told."""

    began_s: float
    arrived: int = 0
    written: int = 0
    share: float = 0.0
    delay_s: float = 0.0


class Told:
    """Counts, and tells. `looked` and `looking` come from the looker's thread, everything else from the writer's."""

    def __init__(
        self,
        on_state: Callable[[CameraState, str], None],
        on_figures: Callable[[CameraFigures], None],
        buffer: Buffer,
        watched: Buffer,
        camera: Source,
        *,
        watches: bool,
    ) -> None:
        """Get ready.

        Args:
            on_state: told when the state changes.
            on_figures: told once a second.
            buffer: of the pictures that are stored.
            watched: of those that are looked at; often the same.
            camera: that they come from.
            watches: what differs from the background is covered, so that it has to be learned first.
        """
        self._watches = watches
        self.frames = self.left_out = self.covered_whole = 0
        self.copied_gops = self.encoded_gops = self.bytes_written = 0
        self._on_state, self._on_figures = on_state, on_figures
        self._buffer, self._camera = buffer, camera
        self._buffers = {buffer, watched}
        self._lock = threading.Lock()
        self._looks, self._look_s = 0, deque[float](maxlen=_LAST_LOOKS)
        self._looking_since: float | None = None
        self._troubles: dict[str, float] = {}
        self._known_once = False
        self._state: tuple[CameraState, str] | None = None
        self._second = _Second(time.monotonic())
        self._told_drops = 0

    def looking(self) -> None:
        """A look begins."""
        self._looking_since = time.monotonic()

    def looked(self, seconds: float, failure: Exception | None) -> None:
        """A look ended after so many seconds; why it failed, if it did."""
        with self._lock:
            self._looking_since = None
            if failure is None:
                self._looks += 1
                self._look_s.append(seconds)
            elif not isinstance(failure, TooLate):
                self._troubles[LOOK_FAILED] = time.monotonic()

    def trouble(self, why: str) -> None:
        """Something is not as it should be: a sentence without a full stop."""
        with self._lock:
            self._troubles[why] = time.monotonic()

    def written(self, waiting: Waiting, regions: Regions | None, share: float) -> None:
        """A picture was stored; `regions` is what was painted in it, `share` of the picture."""
        self.frames += 1
        self._second.written += 1
        self._second.share += share
        self._second.delay_s += waiting.age_s()
        whole = regions is None or waiting.picture.damaged
        self.covered_whole += whole
        if waiting.picture.damaged:
            self.trouble(DAMAGED)
        elif self._watches and (waiting.small or waiting).blocks is None:
            self._known_once = False  # the background is being learned, and that is no trouble
        elif not whole:
            self._known_once = True
        elif self._known_once:
            self.trouble(LOOKING_LATE)

    def tick(self) -> None:
        """Tell what is due."""
        now_s = time.monotonic()
        if self._dropped() > self._told_drops:
            self._told_drops = self._dropped()
            self.trouble(DROPPED)
        since = self._looking_since
        if since is not None and now_s - since > _SILENT_S:
            self.trouble(LOOK_HANGS)
        self._tell_state(now_s)
        if now_s - self._second.began_s >= _FIGURES_S:
            self._on_figures(self._figures(now_s))

    def close(self) -> None:
        """Tell the last figures."""
        self._on_figures(self._figures(time.monotonic()))

    def _dropped(self) -> int:
        """Before they were decoded, before they were held, and after."""
        return self._camera.dropped + sum(buffer.dropped for buffer in self._buffers) + self.left_out

    def _tell_state(self, now_s: float) -> None:
        with self._lock:
            self._troubles = {why: at_s for why, at_s in self._troubles.items() if now_s - at_s < _RECOVERED_S}
            why = next(iter(self._troubles), "")
        state = CameraState.LIVE if self._known_once else CameraState.LEARNING
        if not self._buffer.arrived:
            state = CameraState.STARTING
        told = (CameraState.DEGRADED, why) if why else (state, "")
        if told != self._state:
            self._state = told
            self._on_state(*told)

    def _figures(self, now_s: float) -> CameraFigures:
        second, passed_s = self._second, now_s - self._second.began_s
        arrived = self._buffer.arrived
        self._second = _Second(now_s, arrived=arrived)
        count = max(1, second.written)
        with self._lock:
            looks, look_s = self._looks, list(self._look_s)
        return CameraFigures(
            fps=(arrived - second.arrived) / max(passed_s, _POLL_S),
            frames=self.frames,
            dropped=self._dropped(),
            covered_whole=self.covered_whole,
            looks=looks,
            look_s=sum(look_s) / max(1, len(look_s)),
            covered_share=second.share / count,
            delay_s=second.delay_s / count,
            bytes_in=self._camera.bytes_in,
            bytes_written=self.bytes_written,
            copied_gops=self.copied_gops,
            encoded_gops=self.encoded_gops,
            waiting_bytes=sum(buffer.waiting_bytes for buffer in self._buffers),
            memory_bytes=_memory_bytes(),
        )


def _memory_bytes() -> int:
    """Of this process; 0 where psutil is not installed."""
    try:
        import psutil
    except ImportError:
        return 0
    return int(psutil.Process().memory_info().rss)

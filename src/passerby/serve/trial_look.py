"""While a camera is tried: what its smaller stream sends, and whether it shows the same."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from passerby.detect.evidence import Luma, sketch_of
from passerby.detect.likeness import likeness_to_any
from passerby.errors import CameraLost
from passerby.media import Frame
from passerby.read.camera import CameraStream
from passerby.serve.network import LookTrial

_KEPT = 90
"""Of so many pictures the sketches are kept: those of some seconds."""
_PATIENCE_S = 5.0


class WatchedLook:
    """Watches the stream in a thread of its own until it is left. A context manager."""

    def __init__(self, look: CameraStream) -> None:
        self._look = look
        self._sketches: deque[Luma] = deque(maxlen=_KEPT)
        self._times_s: list[float] = []
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="try look", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join(_PATIENCE_S)

    def seen(self, last: Frame) -> LookTrial:
        """What was seen; `last` is the last picture of the main stream, compared with all of the last seconds.

        Raises:
            CameraLost: no whole picture came.
        """
        times_s, sketches = list(self._times_s), list(self._sketches)
        if not sketches:
            raise CameraLost(f"camera {self._look.info.name} sent no whole picture while the main stream was watched")
        width, height = self._look.info.upright_size
        return LookTrial(width, height, mean_rate_fps(times_s), likeness_to_any(sketch_of(last), reversed(sketches)))

    def _watch(self) -> None:
        try:
            for picture in self._look.pictures():
                if self._left.is_set():
                    return
                self._times_s.append(float(picture.pts * picture.time_base))
                if not picture.damaged:
                    self._sketches.append(sketch_of(picture.frame))
        except CameraLost:
            return  # what came before it is told


def mean_rate_fps(times_s: Sequence[float]) -> float:
    """Of pictures of those times, at least one; 0 of a single one."""
    lasted_s = times_s[-1] - times_s[0]
    return (len(times_s) - 1) / lasted_s if lasted_s > 0 else 0.0

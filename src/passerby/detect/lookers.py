"""The threads that look. A look that fails is counted and gives nothing; that no look worked is an error."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from passerby.detect.detector import Detector
from passerby.errors import ModelError
from passerby.media import Frame, Picture
from passerby.regions import Boxes, Detections


class Lookers:
    """Looks at a few frames at the same time; asking for one more waits until a thread is nearly free.

    Attributes:
        failed: a look has failed since this was last set to False.
    """

    def __init__(
        self, picture_of: Callable[[Frame], Picture], detector: Detector, threads: int, longest_px: float = math.inf
    ) -> None:
        """Get ready to look; a picture's longer side is looked at no larger than `longest_px`."""
        self._picture_of = picture_of
        self._longest_px = longest_px
        self._detector = detector
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="look")
        self._running: set[Future[Detections]] = set()
        self._worked = self._broke = 0
        self._last_error: Exception | None = None
        self.failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def look(self, frame: Frame, areas: Boxes | None) -> Future[Detections]:
        """Look at some areas of a frame, or at the whole of it; at most one look more than threads is under way."""
        while len(self._running) > self._threads:
            self._running = wait(self._running, return_when=FIRST_COMPLETED).not_done
        look = self._pool.submit(self._look, frame, areas)
        self._running.add(look)
        return look

    def result(self, look: Future[Detections]) -> Detections | None:
        """What a look gave, waiting for it; None if it failed."""
        error = look.exception()
        if error is None:
            self._worked += 1
            return look.result()
        if not isinstance(error, Exception):
            raise error
        self._broke += 1
        self._last_error = error
        self.failed = True
        return None

    def refuse_if_all_failed(self) -> None:
        """Raise ModelError if there were looks and none worked."""
        if self._broke and not self._worked:
            raise ModelError(
                f"the detector failed at each of {self._broke} looks ({type(self._last_error).__name__}), "
                "so that nothing is known of the frames and all of them were given up",
                hint="run passerby models to see what works on this machine",
            ) from self._last_error

    def _look(self, frame: Frame, areas: Boxes | None) -> Detections:
        picture = self._picture_of(frame)
        scale = min(1.0, self._longest_px / max(picture.shape[:2]))
        if areas is None:
            return self._detector.find(picture, scale=scale)
        return self._detector.find_in_areas(picture, areas, scale=scale)

"""The pictures of a live camera between arriving and being painted: held for the delay, bounded in bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from passerby.detect.evidence import Luma, Mask
from passerby.media import Frame, Picture
from passerby.pipeline.stream_moments import Moment
from passerby.read.camera import HeldPicture, LivePicture
from passerby.read.picture import own, picture_of


class TooLate(Exception):
    """The picture was painted already, so that nothing can be learned from it any more."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A picture whose delay has not passed.

    Attributes:
        picture: as the camera gave it.
        sketch: see `detect.evidence`; None where it is damaged.
        blocks: squares that differ from the background; None where that is not known, or nobody wants to know.
        moment: when it was taken; None where there is no other stream to compare it with.
        small: in the stream that is looked at, if that is another one, a picture of about the same time; or None.
        after_gap: pictures before it were dropped.
    """

    picture: LivePicture | HeldPicture
    sketch: Luma | None
    blocks: Mask | None = None
    moment: Moment | None = None
    small: Waiting | None = None
    after_gap: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _taken: bool = False

    @property
    def frame(self) -> Frame:
        """The picture's frame."""
        return self.picture.frame

    @property
    def pts(self) -> int:
        """Of the frame."""
        return self.picture.pts

    @property
    def at_s(self) -> float:
        """The frame's time in the stream, in seconds."""
        return float(self.picture.pts * self.picture.time_base)

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return self.picture.size_bytes + (self.sketch.nbytes if self.sketch is not None else 0)

    def age_s(self) -> float:
        """Seconds since it arrived."""
        return time.monotonic() - self.picture.arrived_s

    def shown(self) -> Picture:
        """The picture to look at, in memory of its own.

        Raises:
            TooLate: it is being painted.
        """
        with self._lock:
            if self._taken:
                raise TooLate
            return picture_of(self.frame)

    def take(self) -> Frame:
        """The frame, to be painted: nobody looks at it from here on."""
        with self._lock:
            self._taken = True
            return own(self.frame)

    def pass_by(self) -> None:
        """The frame is not painted: nobody looks at it from here on."""
        with self._lock:
            self._taken = True
            self.picture.pass_by()


class Buffer:
    """Pictures in the order in which they came. The reader puts, the looker looks, the writer takes.

    Attributes:
        dropped: pictures that found no room.
        arrived: pictures that came, with or without room.
    """

    def __init__(self, delay_s: float, most_bytes: int) -> None:
        self.dropped = self.arrived = 0
        self._delay_s, self._most_bytes = delay_s, most_bytes
        self._changed = threading.Condition()
        self._pictures: deque[Waiting] = deque()
        self._bytes = 0
        self._gap = self._ended = False

    @property
    def waiting_bytes(self) -> int:
        """What the pictures that wait take in memory."""
        return self._bytes

    def put(self, waiting: Waiting) -> None:
        """A picture came; where there is no room, it is dropped. One always has room."""
        with self._changed:
            self.arrived += 1
            size = waiting.size_bytes
            if self._pictures and self._bytes + size > self._most_bytes:
                self.dropped += 1
                self._gap = True
                return
            waiting.after_gap, self._gap = self._gap, False
            self._pictures.append(waiting)
            self._bytes += size
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def release(self) -> None:
        """Nothing more will be learned of the pictures that wait: they wait no longer."""
        with self._changed:
            self._delay_s = 0.0
            self._changed.notify_all()

    def give_up(self) -> None:
        """Nobody will take what waits."""
        with self._changed:
            self._ended = True
            self._pictures.clear()
            self._bytes = 0
            self._changed.notify_all()

    def is_ended(self) -> bool:
        """Whether nothing more will be taken in."""
        with self._changed:
            return self._ended

    def is_over(self) -> bool:
        """Whether everything that came was taken, and nothing more will come."""
        with self._changed:
            return self._ended and not self._pictures

    def take(self, timeout_s: float) -> tuple[Waiting, Waiting | None] | None:
        """The first picture, once its delay has passed, and the one after it, if there is one; None: time is up."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                now_s = time.monotonic()
                if self._pictures and self._due_s() <= now_s:
                    first = self._pictures.popleft()
                    self._bytes -= first.size_bytes
                    return first, self._pictures[0] if self._pictures else None
                wake_s = min(until_s, self._due_s()) if self._pictures else until_s
                if now_s >= until_s or (self._ended and not self._pictures):
                    return None
                self._changed.wait(wake_s - now_s)

    def take_if(self, is_due: Callable[[Waiting], bool]) -> tuple[Waiting, Waiting | None] | None:
        """As `take`, at once and whatever its delay, if the first picture is due by that; else None."""
        with self._changed:
            if not self._pictures or not is_due(self._pictures[0]):
                return None
            first = self._pictures.popleft()
            self._bytes -= first.size_bytes
            return first, self._pictures[0] if self._pictures else None

    def after(self, pts: int | None, timeout_s: float) -> list[Waiting] | None:
        """The pictures that wait and came after this PTS, maybe none after the time-out; None: no more will come."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                newer = self._newer(pts)
                left_s = until_s - time.monotonic()
                if newer or left_s <= 0:
                    return newer
                if self._ended:
                    return None
                self._changed.wait(left_s)

    def _newer(self, pts: int | None) -> list[Waiting]:
        newer = list(takewhile(lambda waiting: pts is None or waiting.pts > pts, reversed(self._pictures)))
        return newer[::-1]

    def _due_s(self) -> float:
        return self._pictures[0].picture.arrived_s + self._delay_s

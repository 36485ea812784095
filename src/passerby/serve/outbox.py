"""What a camera's process has to tell, on its way to the supervisor: bounded, and never a reason to wait."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime

from passerby.live import CameraFigures, CameraState, LivePart, SegmentInfo
from passerby.serve.link import Link, LinkClosed, Message, figures_message, part_message, segment_message

MOST_BYTES = 8 << 20


class Outbox:
    """Sends in a thread of its own. Everything returns at once.

    When the supervisor is slow, live parts are dropped up to the next keyframe, and only the last still picture and the
    last figures wait. States and segments are few and small; they all arrive, in order.
    """

    def __init__(self, link: Link, most_bytes: int = MOST_BYTES) -> None:
        self._link, self._most_bytes = link, most_bytes
        self._waiting: deque[Message] = deque()
        self._latest: dict[str, Message] = {}
        self._bytes = 0
        self._needs_keyframe = False
        self._changed = threading.Condition()
        self._closing = self._gone = False
        self._thread = threading.Thread(target=self._send_all, name="outbox", daemon=True)
        self._thread.start()

    def say(self, kind: str, **told: object) -> None:
        """Something small that has to arrive."""
        self._put(Message(kind, told))

    def waits(self, for_s: float) -> None:
        """The camera is not there, and is tried again after so many seconds; what was live of it is not any more."""
        with self._changed:
            self._latest.pop("still", None)
        self.say("waits", for_s=for_s)

    def answer(self, message: Message) -> None:
        """Something that has to arrive, with its bytes."""
        self._put(message)

    def state(self, state: CameraState, why: str) -> None:
        """How the camera is now."""
        self.say("state", state=state.value, why=why)

    def segment(self, info: SegmentInfo) -> None:
        """A segment is finished and stored."""
        self._put(segment_message(info))

    def figures(self, figures: CameraFigures) -> None:
        """The figures of the last second."""
        self._put_latest(figures_message(figures))

    def still(self, jpeg: bytes, at: datetime) -> None:
        """The last redacted picture."""
        self._put_latest(Message("still", {"at": at.isoformat()}, jpeg))

    def part(self, part: LivePart) -> None:
        """A live part; dropped, with those up to the next keyframe, when too many bytes wait."""
        with self._changed:
            full = self._bytes + len(part.data) > self._most_bytes
            if part.kind == "part" and (full or (self._needs_keyframe and not part.keyframe)):
                self._needs_keyframe = True
                return
            self._needs_keyframe = False
        self._put(part_message(part))

    def close(self, timeout_s: float = 2.0) -> None:
        """Send what waits, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _put(self, message: Message) -> None:
        with self._changed:
            if self._gone:
                return
            self._waiting.append(message)
            self._bytes += len(message.data)
            self._changed.notify()

    def _put_latest(self, message: Message) -> None:
        with self._changed:
            self._latest[message.kind] = message
            self._changed.notify()

    def _send_all(self) -> None:
        try:
            while (message := self._next()) is not None:
                self._link.send(message)
        except LinkClosed:
            with self._changed:
                self._gone = True  # nobody hears any more; whoever watches the link ends this process
                self._waiting.clear()

    def _next(self) -> Message | None:
        with self._changed:
            while not self._waiting and not self._latest:
                if self._closing:
                    return None
                self._changed.wait()
            if self._waiting:
                message = self._waiting.popleft()
                self._bytes -= len(message.data)
                return message
            return self._latest.pop(next(iter(self._latest)))

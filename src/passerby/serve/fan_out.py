"""Live parts of one camera, handed to everybody who watches. Who reads slowly loses parts, and holds up nobody."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from passerby.live import LivePart

MOST_BYTES = 16 << 20
"""What waits for one viewer at most, and what is kept for those who come: over it, the next keyframe is waited for."""


def _nobody() -> None:
    pass


class Subscription:
    """Parts of one camera in order: an init, then parts from a keyframe on; another init when a recording begins.

    A context manager. After a gap the next part begins with a keyframe.
    """

    def __init__(self, on_ready: Callable[[], None], leave: Callable[[Subscription], None], most_bytes: int) -> None:
        self._on_ready, self._leave, self._most_bytes = on_ready, leave, most_bytes
        self._waiting: deque[LivePart] = deque()
        self._bytes = 0
        self._needs_keyframe = True
        self._changed = threading.Condition()
        self._closed = False
        self.lost = 0
        """Parts that this reader was too slow for."""

    @property
    def closed(self) -> bool:
        """Nothing more will come: the camera was removed, or the reader left."""
        return self._closed

    def get(self, timeout_s: float) -> LivePart | None:
        """The next part; None when none came within so many seconds, or none will."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not self._waiting:
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    return None
                self._changed.wait(left)
            part = self._waiting.popleft()
            self._bytes -= len(part.data)
            return part

    def close(self) -> None:
        """Want nothing more; idempotent."""
        self._leave(self)
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def _offer(self, part: LivePart) -> None:
        """Called by the `FanOut` alone, with its lock held."""
        with self._changed:
            if not self._take(part):
                return
            self._changed.notify()
        self._on_ready()

    def _take(self, part: LivePart) -> bool:
        if part.kind == "init":
            self._needs_keyframe = True
        elif self._needs_keyframe and not part.keyframe:
            self.lost += 1
            return False
        elif self._bytes + len(part.data) > self._most_bytes:
            self._forget_waiting()
            if not part.keyframe:
                self.lost += 1
                return False
        if part.kind == "part":
            self._needs_keyframe = False
        self._waiting.append(part)
        self._bytes += len(part.data)
        return True

    def _forget_waiting(self) -> None:
        # Of what goes, the last init has to stay: what comes is understood with it alone.
        init = next((part for part in reversed(self._waiting) if part.kind == "init"), None)
        self.lost += sum(part.kind == "part" for part in self._waiting)
        self._waiting = deque([init] if init else [])
        self._bytes = len(init.data) if init else 0
        self._needs_keyframe = True

    def _end(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._on_ready()


class FanOut:
    """The live parts of one camera. `publish` never waits for a reader."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._init: LivePart | None = None
        self._parts: list[LivePart] = []
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._closed = False

    def publish(self, part: LivePart) -> None:
        """Hand a part to all readers, and keep it for those who come before the next keyframe."""
        with self._lock:
            self._keep(part)
            for subscription in tuple(self._subscriptions):
                subscription._offer(part)

    def subscribe(self, on_ready: Callable[[], None] = _nobody) -> Subscription:
        """Another reader: it gets the init, and what came since the last keyframe, at once.

        `on_ready` is called, from whatever thread publishes, when there is something to get; it must return at once,
        and may not call back into the camera.
        """
        subscription = Subscription(on_ready, self._forget, self._most_bytes)
        with self._lock:
            if self._closed:
                subscription._end()
                return subscription
            for part in [*([self._init] if self._init else []), *self._parts]:
                subscription._offer(part)
            self._subscriptions.add(subscription)
        return subscription

    def pause(self) -> None:
        """Its process has ended: who comes now gets no old picture, and who is here waits for the next recording."""
        with self._lock:
            self._init, self._parts = None, []

    def close(self) -> None:
        """End all readers."""
        with self._lock:
            self._closed = True
            ended, self._subscriptions = self._subscriptions, set()
        for subscription in ended:
            subscription._end()

    def _keep(self, part: LivePart) -> None:
        if part.kind == "init":
            self._init, self._parts = part, []
        elif part.keyframe:
            self._parts = [part]
        elif self._parts:
            self._parts.append(part)
            if sum(len(kept.data) for kept in self._parts) > self._most_bytes:
                self._parts = []

    def _forget(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions.discard(subscription)

"""The thread that takes what a camera sends, so that nothing waits in the network while frames are decoded.

It alone touches the connection, because FFmpeg's cannot be shared. A call that blocks there ends by itself when the
time-out has passed; who waits for packets never waits for that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain

from av.container import InputContainer
from av.video.stream import VideoStream

from passerby.errors import CameraError, CameraLost, CameraUnreachable
from passerby.read.camera_address import CameraAddress
from passerby.read.camera_file import FilePlayer
from passerby.read.camera_opening import Opened, from_keyframe, open_first
from passerby.read.camera_packets import Arrival, Waiting
from passerby.read.camera_slices import whole_pictures
from passerby.read.camera_source import choose_live_stream, connect, explained, silent
from passerby.read.camera_told import told_time

_POLL_S = 0.1
_GRACE_S = 0.5


class Connection:
    """A camera that is connected, or is going to be.

    Attributes:
        bytes_in: received in packets.
    """

    def __init__(self, address: CameraAddress, speed: float, began_s: float | None = None) -> None:
        """`speed` and `began_s` are of a file; see `FilePlayer`."""
        self._address, self._speed, self._began_s = address, speed, began_s
        self._closed = threading.Event()
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._waiting = Waiting()
        self._error: CameraError | None = None
        self._opened: Opened | None = None
        self._sign_of_life_s = time.monotonic()
        self.bytes_in = 0
        threading.Thread(target=self._run, name=f"camera {address.name}", daemon=True).start()

    @property
    def dropped(self) -> int:
        """Packets that were left out because nobody took them in time."""
        return self._waiting.dropped

    def close(self) -> None:
        """Ends the thread, at once or when the camera's time-out has passed; does not wait for it."""
        self._closed.set()

    def opened(self, stop: threading.Event) -> Opened:
        """Waits for the first picture.

        Raises:
            CameraError: there was none in time, or `stop` was set.
        """
        while not self._ready.wait(_POLL_S):
            if stop.is_set():
                name = self._address.name
                raise CameraUnreachable(f"camera {name} was given up on request, before it had sent a picture")
            if self._is_overdue:
                raise silent(self._address, connected=False)
        if self._opened is None:
            raise self._failure()
        return self._opened

    def arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """The packets from the first keyframe on, as they come; ends when `stop` is set.

        Raises:
            CameraLost: the camera ended the stream, sent nothing for too long, or broke off.
        """
        while not stop.is_set():
            # Asked first: what was put before the end is taken before it is told.
            ended = self._ended.is_set()
            arrival = self._waiting.take(0 if ended else _POLL_S)
            if arrival is not None:
                yield arrival
            elif ended:
                raise self._failure()
            elif self._is_overdue:
                raise silent(self._address, connected=True)

    def _failure(self) -> CameraError:
        return self._error or CameraLost(f"camera {self._address.name} ended the connection")

    @property
    def _silent_s(self) -> float:
        return time.monotonic() - self._sign_of_life_s

    @property
    def _is_overdue(self) -> bool:
        """Whether the thread should have noticed the silence, and hangs: looking up a name cannot be interrupted."""
        return self._address.kind != "file" and self._silent_s >= self._address.timeout_s + _GRACE_S

    def _run(self) -> None:
        try:
            with closing(connect(self._address)) as container:
                self._sign_of_life_s = time.monotonic()
                self._receive(container)
        except Exception as error:
            connected = self._opened is not None
            told = explained(self._address, error, connected=connected, waited_s=self._silent_s)
            # The frames of a traceback hold the connection, which knows the password.
            self._error = told.with_traceback(None)
        finally:
            self._ended.set()
            self._ready.set()

    def _receive(self, container: InputContainer) -> None:
        stream = choose_live_stream(container, self._address)
        came = self._arrivals(container, stream)
        if self._address.kind == "rtsp" and stream.codec_context.codec.canonical_name == "h264":
            came = whole_pictures(came)
        arrivals = from_keyframe(self._address, came)
        self._opened, lead = open_first(self._address, container, stream, arrivals)
        self._ready.set()
        for arrival in chain(lead, arrivals):
            if self._address.kind == "file":
                self._waiting.wait_for_room(self._closed)
            self._waiting.put(arrival)

    def _arrivals(self, container: InputContainer, stream: VideoStream) -> Iterator[Arrival]:
        player: FilePlayer | None = None
        if self._address.kind == "file":
            began_s = time.monotonic() if self._began_s is None else self._began_s
            player = FilePlayer(self._address, self._speed, self._closed, began_s)
        for packet in player.packets(container) if player else container.demux(stream):
            if self._closed.is_set() or not packet.size:
                return
            # FFmpeg gives what it had kept of the packet before when it is interrupted.
            late = player is None and self._silent_s >= self._address.timeout_s
            self.bytes_in += packet.size
            at_s = time.monotonic()
            due_s = player.due_s if player else at_s
            # FFmpeg numbers the pictures of HTTP, as if they came at a fixed rate.
            pts = None if self._address.kind == "http" else packet.pts
            told_at = told_time(packet)
            taken_s = player.due_s if player else (told_at.timestamp() if told_at else None)
            yield Arrival(packet, pts, packet.duration or 0, datetime.now(UTC), at_s, due_s, taken_s)
            if late:
                raise silent(self._address, connected=self._opened is not None)
            self._sign_of_life_s = time.monotonic()

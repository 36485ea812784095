"""The thread that takes what a camera sends, so that nothing waits in the network while frames are decoded.

It alone touches the connection, because FFmpeg's cannot be shared. A call that blocks there ends by itself when the
time-out has passed; who waits for packets never waits for that.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import chain

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import CameraError, CameraLost, CameraUnreachable, CameraUnusable
from passerby.media import VideoInfo
from passerby.read.camera_address import CameraAddress
from passerby.read.camera_file import FilePlayer
from passerby.read.camera_h264 import annex_b, standing_sets
from passerby.read.camera_source import choose_live_stream, connect, explained
from passerby.read.info import video_info
from passerby.read.layouts import shown_format
from passerby.read.packets import Decoder
from passerby.read.picture import Sample

_POLL_S = 0.1
_MOST_WAITING_BYTES = 64 << 20
_LONGEST_WAIT_S = 10.0
_PACKETS_TO_TRY = 1000
_LARGEST_PIXELS = 50_000_000
_FASTEST_FPS = 300
"""What is announced beyond it is the clock's rate, not that of the frames."""
_MOST_READ_AHEAD = 8
"""Packets of a file, which can wait."""


@dataclass(slots=True, eq=False)
class Arrival:
    """A packet as it came.

    Attributes:
        packet: itself.
        pts: in stream units, or None.
        duration: likewise, 0 if unknown.
        at: wall clock.
        at_s: `time.monotonic()`.
        due_s: what PTS are judged by: `at_s`, or of a file the second that it is due.
        after_gap: packets before it were left out, because nobody took them.
    """

    packet: Packet[VideoStream]
    pts: int | None
    duration: int
    at: datetime
    at_s: float
    due_s: float
    after_gap: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """What is known of a camera that has sent its first picture.

    Attributes:
        info: see there.
        stream: what is known of its codec; everything else of it belongs to the thread.
        decoder: of the stream, at its start.
        extradata: parameter sets of H.264, in annex B where the packets are, else as avcC; b"" of other codecs.
        sample: what every frame must be like.
    """

    info: VideoInfo
    stream: VideoStream
    decoder: Decoder
    extradata: bytes
    sample: Sample


class _Waiting:
    """Packets that arrived and were not taken yet: bounded. What does not fit is left out up to the next keyframe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._gap = False
        self.dropped = 0

    def put(self, arrival: Arrival) -> None:
        with self._changed:
            full = self._arrivals and self._is_full(arrival)
            if full or (self._gap and not arrival.packet.is_keyframe):
                self._gap = True
                self.dropped += 1
                return
            arrival.after_gap, self._gap = self._gap, False
            self._arrivals.append(arrival)
            self._bytes += arrival.packet.size
            self._changed.notify_all()

    def _is_full(self, arrival: Arrival) -> bool:
        waited_s = arrival.at_s - self._arrivals[0].at_s
        return self._bytes + arrival.packet.size > _MOST_WAITING_BYTES or waited_s > _LONGEST_WAIT_S

    def take(self, timeout_s: float) -> Arrival | None:
        with self._changed:
            if not self._arrivals:
                self._changed.wait(timeout_s)
            if not self._arrivals:
                return None
            arrival = self._arrivals.popleft()
            self._bytes -= arrival.packet.size
            self._changed.notify_all()
            return arrival

    def wait_for_room(self, closed: threading.Event) -> None:
        with self._changed:
            while len(self._arrivals) >= _MOST_READ_AHEAD and not closed.is_set():
                self._changed.wait(_POLL_S)


class Connection:
    """A camera that is connected, or is going to be.

    Attributes:
        bytes_in: received in packets.
    """

    def __init__(self, address: CameraAddress, speed: float) -> None:
        self._address, self._speed = address, speed
        self._closed = threading.Event()
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._waiting = _Waiting()
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
            self._check(stop)
        if self._opened is None:
            raise self._failure()
        return self._opened

    def _check(self, stop: threading.Event) -> None:
        who, timeout_s = f"camera {self._address.name}", self._address.timeout_s
        if stop.is_set():
            raise CameraUnreachable(f"{who} was given up before it had sent a picture, as it was told to stop")
        if time.monotonic() - self._sign_of_life_s > timeout_s:
            raise CameraUnreachable(f"{who} cannot be reached: it did not answer within {timeout_s:g} s")

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
            elif time.monotonic() - self._sign_of_life_s > self._address.timeout_s:
                raise CameraLost(f"camera {self._address.name} sent nothing for {self._address.timeout_s:g} s")

    def _failure(self) -> CameraError:
        return self._error or CameraLost(f"camera {self._address.name} ended the connection")

    def _run(self) -> None:
        try:
            with closing(connect(self._address)) as container:
                self._sign_of_life_s = time.monotonic()
                self._receive(container)
        except Exception as error:
            self._error = explained(self._address, error, connected=self._opened is not None)
        finally:
            self._ended.set()
            self._ready.set()

    def _receive(self, container: InputContainer) -> None:
        stream = choose_live_stream(container, self._address)
        arrivals = self._arrivals(container, stream)
        decoder = Decoder(stream, threads=1)
        lead, first = self._first_picture(arrivals, decoder)
        info = self._describe(container, stream, first)
        self._opened = Opened(info, stream, decoder, _extradata(info, stream, lead[0]), Sample.of(first))
        self._ready.set()
        for arrival in chain(lead, arrivals):
            self._hand_over(arrival)

    def _hand_over(self, arrival: Arrival) -> None:
        if self._address.kind == "file":
            self._waiting.wait_for_room(self._closed)
        self._waiting.put(arrival)

    def _arrivals(self, container: InputContainer, stream: VideoStream) -> Iterator[Arrival]:
        """What arrives from the first keyframe on, until this is closed."""
        player = FilePlayer(self._address, self._speed, self._closed) if self._address.kind == "file" else None
        packets = player.packets(container) if player else container.demux(stream)
        lead_in = 0
        started = False
        for packet in packets:
            if self._closed.is_set() or not packet.size:
                return
            self._sign_of_life_s = at_s = time.monotonic()
            self.bytes_in += packet.size
            started = started or packet.is_keyframe
            if started:
                due_s = player.due_s if player else at_s
                yield Arrival(packet, packet.pts, packet.duration or 0, datetime.now(UTC), at_s, due_s)
            elif (lead_in := lead_in + 1) >= _PACKETS_TO_TRY:
                raise CameraUnusable(f"camera {self._address.name} sends no keyframe, so nothing can be decoded")

    def _first_picture(self, arrivals: Iterator[Arrival], decoder: Decoder) -> tuple[list[Arrival], VideoFrame]:
        """Decodes until a picture comes; the packets it took are to be decoded again."""
        lead: list[Arrival] = []
        for arrival in arrivals:
            lead.append(arrival)
            decoded = decoder.decode(len(lead), arrival.packet)
            if decoded:
                decoder.reset()
                return lead, decoded[0][1]
            if len(lead) >= _PACKETS_TO_TRY:
                break
        raise CameraUnusable(f"camera {self._address.name} sends nothing that can be decoded")

    def _describe(self, container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
        name = self._address.name
        if first.width * first.height > _LARGEST_PIXELS:
            raise CameraUnusable(f"camera {name} sends pictures of {first.width}x{first.height}, which is too large")
        info = video_info(container, stream, first, shown_format(first.format.name), name)
        rate = info.rate_fps if info.rate_fps and info.rate_fps <= _FASTEST_FPS else None
        # MJPEG over HTTP has no times of its own.
        base = Fraction(1, 90000) if self._address.kind == "http" else info.time_base
        return replace(info, time_base=base, rate_fps=rate, frame_count=None, duration_s=None)


def _extradata(info: VideoInfo, stream: VideoStream, first: Arrival) -> bytes:
    if info.codec != "h264":
        return b""
    told = stream.codec_context.extradata or b""
    if info.container != "rtsp":
        return told
    with suppress(ValueError):
        return annex_b(standing_sets(told, bytes(first.packet)))
    return b""

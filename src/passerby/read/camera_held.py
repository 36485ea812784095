"""Packets of a camera that nobody may ever have to decode: kept by GOP, and decoded when a frame of theirs is wanted.

A frame of H.264 needs all those before it, back to its keyframe. So the packets of a GOP stay in memory as long as a
picture of it waits, and the first frame that is wanted takes them through the decoder; the next goes on from there.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from av.packet import Packet
from av.video.stream import VideoStream

from passerby.media import Frame
from passerby.read.camera_opening import Opened
from passerby.read.camera_packets import Arrival
from passerby.read.camera_pictures import LivePictures
from passerby.read.packets import Decoder
from passerby.read.picture import frame_of

_MOST_PASSED_BYTES = 16 << 20
"""A GOP of which more has passed undecoded is decoded up to there: some cameras send a keyframe a minute."""
_MOST_HELD_BYTES = 256 << 20
"""A GOP that is larger is given up, because nobody takes its pictures."""
_NO_PTS = -1


@dataclass(slots=True, eq=False)
class HeldPicture:
    """A picture as `LivePicture` is, whose frame is decoded when it is asked for.

    Attributes:
        pts: larger than that of the one before.
        time_base: of the PTS.
        packet: the H.264 packet, with PTS and DTS as in `LivePicture`.
        starts_closed: as in `LivePicture`; likewise all that follow.
        why_not_copied: see there.
        arrived_at: see there.
        arrived_s: see there.
        taken_s: see there.
        damaged: it was decoded, and is damaged.
    """

    pts: int
    time_base: Fraction
    packet: Packet[VideoStream] = field(repr=False)
    starts_closed: bool
    why_not_copied: str
    arrived_at: datetime
    arrived_s: float
    taken_s: float | None
    gop: HeldGop = field(repr=False)
    damaged: bool = False
    _frame: Frame | None = field(default=None, repr=False)

    @property
    def frame(self) -> Frame:
        """Decoded now, unless it was before. Of one connection, frames are asked for in order, and by one thread."""
        if self._frame is None:
            self._frame = self.gop.frame(self.pts)
            self.damaged = self._frame.damaged
        return self._frame

    @property
    def is_decoded(self) -> bool:
        """Whether asking for the frame costs nothing."""
        return self._frame is not None

    @property
    def size_bytes(self) -> int:
        """What it takes in memory while it waits."""
        return self.packet.size

    def pass_by(self) -> None:
        """Nobody will need the frame any more; asked in order, and by the thread that asks for frames."""
        self._frame = None
        self.gop.passed(self.pts, self.packet.size)


class HeldDecoder:
    """Decodes what is held of one connection; for one thread.

    Attributes:
        decoded: packets so far.
    """

    def __init__(self, opened: Opened) -> None:
        self._info, self._sample = opened.info, opened.sample
        decoder = Decoder(opened.stream, threads=1, strict=True, beside=True)
        self._pictures = LivePictures(replace(opened, decoder=decoder), _TimesAsTold())
        self.decoded = 0

    def frame(self, arrivals: list[Arrival], pts: int) -> Frame:
        """Takes packets through the decoder; the frame with that PTS, damaged and black if it does not come out.

        Raises:
            CameraLost: pictures of another size or kind come out.
        """
        found: Frame | None = None
        for arrival in arrivals:
            for picture in self._pictures.push(arrival):
                found = picture.frame if picture.pts == pts else found
            # The decoder numbers packets in their times; who copies this one needs them.
            arrival.packet.pts = arrival.packet.dts = arrival.pts
        self.decoded += len(arrivals)
        if found is None:
            info = self._info
            found = frame_of(self._sample.black(), pts, info.time_base, info.orientation, damaged=True, writable=False)
        return found


class HeldGop:
    """The packets of a closed GOP that were not decoded yet. One thread adds what comes, another one wants frames."""

    def __init__(self, decoder: HeldDecoder) -> None:
        self._decoder = decoder
        self._lock = threading.Lock()
        self._arrivals: deque[Arrival] = deque()
        self._bytes = self._passed_bytes = 0
        self._given_up = False

    def add(self, arrival: Arrival) -> None:
        """One more packet, with its final PTS."""
        with self._lock:
            self._given_up = self._given_up or self._bytes > _MOST_HELD_BYTES
            if self._given_up:
                self._arrivals.clear()
                return
            self._arrivals.append(arrival)
            self._bytes += arrival.packet.size

    def frame(self, pts: int) -> Frame:
        """Decodes up to the picture with that PTS."""
        self._passed_bytes = 0
        return self._decoder.frame(self._up_to(pts), pts)

    def passed(self, pts: int, size: int) -> None:
        """The frame with that PTS is not needed, but those after it may be."""
        self._passed_bytes += size
        if self._passed_bytes > _MOST_PASSED_BYTES:
            self.frame(pts)

    def _up_to(self, pts: int) -> list[Arrival]:
        due: list[Arrival] = []
        with self._lock:
            while self._arrivals and (self._arrivals[0].pts or 0) <= pts:
                due.append(self._arrivals.popleft())
                self._bytes -= due[-1].packet.size
        return due


class _TimesAsTold:
    """A clock for packets that have their final PTS already."""

    def of_frame(self, pts: int | None, at_s: float) -> tuple[int, bool]:
        return (_NO_PTS if pts is None else pts), False

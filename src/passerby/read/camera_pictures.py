"""From packets as they arrive to frames: decoded at once, damage marked, times put right, GOPs judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import CameraLost
from passerby.media import Frame
from passerby.read.camera_checks import DAMAGED, MISSING, Checked, PacketChecks
from passerby.read.camera_clock import FrameClock
from passerby.read.camera_opening import Opened
from passerby.read.camera_packets import Arrival
from passerby.read.gops import GopDraft
from passerby.read.order import Group, PresentationOrder, Shown, Slot
from passerby.read.picture import frame_of

_INTRA_ONLY = frozenset({"mjpeg", "rawvideo"})
"""Codecs whose frames come in the order of their packets, whatever their times are."""
_LOST_AFTER = 20
"""Packets that may be sent before a frame comes out; decoders hold back 16."""


@dataclass(frozen=True, slots=True, eq=False)
class LivePicture:
    """A frame as it came from the camera. Private, as `Frame` is.

    Attributes:
        frame: decoded; to be painted it needs memory of its own (`picture.own`). Its PTS is larger than that of the one
            before.
        packet: the H.264 packet that it came from, with the frame's PTS as PTS and DTS; None where packets and frames
            do not follow one another one to one, or the codec is another. Its stream is not to be used: the
            connection may have ended.
        starts_closed: nothing from here on is predicted from anything before it: in H.264 an IDR picture.
        why_not_copied: why the GOP that it belongs to cannot be copied, in a few words; empty if nothing is known
            against it so far. A later frame of the same GOP may know of something.
        arrived_at: when its packet had arrived, and those of all frames before it, UTC.
        arrived_s: the same by `time.monotonic()`.
        taken_s: when it was taken, in seconds of a clock that all streams of the camera share; None where it does not
            tell.
    """

    frame: Frame
    packet: Packet[VideoStream] | None = field(repr=False)
    starts_closed: bool
    why_not_copied: str
    arrived_at: datetime
    arrived_s: float
    taken_s: float | None = None

    @property
    def pts(self) -> int:
        """Of the frame."""
        return self.frame.pts

    @property
    def time_base(self) -> Fraction:
        """Of its PTS."""
        return self.frame.time_base

    @property
    def damaged(self) -> bool:
        """Whether the frame is."""
        return self.frame.damaged

    @property
    def is_decoded(self) -> bool:
        """Whether asking for the frame costs nothing."""
        return True

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return sum(plane.nbytes for plane in self.frame.planes) + (self.packet.size if self.packet is not None else 0)

    def pass_by(self) -> None:
        """Nobody will need the frame any more."""


class LivePictures:
    """Makes pictures of the packets of one connection. A packet that gives no frame gives a black, damaged one."""

    def __init__(self, opened: Opened, clock: FrameClock) -> None:
        info = opened.info
        self._info, self._sample = info, opened.sample
        self._decoder = opened.decoder
        self._checks = PacketChecks(opened)
        self._clock = clock
        self._order = PresentationOrder(fields=info.interlaced)
        self._group = self._group_before = Group()
        self._group_pts: int | None = None
        self._draft = GopDraft(0, 0)
        self._sent: dict[int, tuple[Arrival, bool]] = {}
        self._latest: Arrival | None = None
        self._tag = -1
        self._delayed = False

    def push(self, arrival: Arrival) -> Iterator[LivePicture]:
        """The pictures that are finished with this packet.

        Raises:
            CameraLost: the camera changes to pictures of another size, format or kind.
        """
        checked = self._checks.check(arrival)
        self._tag += 1
        decoded = self._decoder.decode(self._tag, arrival.packet)
        for _, picture in decoded:
            self._refuse_another_size(picture)
        self._send(arrival, checked)
        self._take(decoded)
        yield from self._show(arrival.due_s)

    def finish(self) -> Iterator[LivePicture]:
        """The last pictures; afterwards nothing may be pushed but what begins with a closed GOP."""
        latest = self._sent.get(self._tag)
        self._take(self._decoder.drain())
        self._order.flush()
        yield from self._show(latest[0].due_s if latest else 0.0)

    def _send(self, arrival: Arrival, checked: Checked) -> None:
        starts = checked.starts_closed
        if checked.damage == MISSING:
            self._group.damage(self._tag, MISSING)
        if starts:
            self._draft = GopDraft(self._tag, self._tag)
        self._draft.why_not = self._draft.why_not or checked.why_not_copied
        place = self._tag if self._info.codec in _INTRA_ONLY else arrival.pts
        group_before = self._enter_group(place, starts=starts)
        slot = Slot(self._tag, place, self._group, group_before, self._draft, arrival.duration)
        self._order.expect(slot, None)
        if arrival.packet.is_corrupt:
            self._group.damage(self._tag, DAMAGED)
        self._sent[self._tag] = arrival, starts

    def _enter_group(self, pts: int | None, *, starts: bool) -> Group | None:
        """Starts a new group of frames if this packet does; the group before it, if the packet leads an open GOP."""
        if starts:
            self._group_before, self._group, self._group_pts = self._group, Group(), pts
        leads = pts is not None and self._group_pts is not None and pts < self._group_pts
        return self._group_before if leads else None

    def _take(self, decoded: list[tuple[int | None, VideoFrame]]) -> None:
        failed = self._decoder.failed
        if failed:
            self._order.fail(self._tag, 1, "the decoder reported errors")
        for number, picture in decoded:
            self._delayed = self._delayed or number != self._tag
            self._order.arrive(number, picture if self._sample.fits(picture) else None)
        # Where frames come out at once, one that did not will not come any more.
        at_once = failed and not self._delayed
        self._order.give_up_before(self._tag + 1 if at_once else self._tag - _LOST_AFTER)

    def _refuse_another_size(self, picture: VideoFrame) -> None:
        """A damaged picture may be of any size; a sound one tells that the camera was set up anew."""
        sample = self._sample
        if not sample.fits(picture) and not picture.is_corrupt:
            raise CameraLost(
                f"camera {self._info.name} changed its pictures from {sample.width}x{sample.height} "
                f"{sample.pixel_format} to {picture.width}x{picture.height} {picture.format.name}"
            )

    def _show(self, due_s: float) -> Iterator[LivePicture]:
        ready = list(self._order.ready())
        for shown in ready:
            yield self._picture(shown, due_s, alone=len(ready) == 1 and shown.slot.tag == self._tag)

    def _picture(self, shown: Shown, due_s: float, *, alone: bool) -> LivePicture:
        slot, info = shown.slot, self._info
        arrival, starts = self._sent[slot.tag]
        self._forget_before(slot.tag)
        if self._latest is None or arrival.at_s > self._latest.at_s:
            self._latest = arrival
        pts, repaired = self._clock.of_frame(None if shown.extra else arrival.pts, due_s)
        why_not = _why_not(shown, repaired=repaired, alone=alone)
        slot.draft.why_not = slot.draft.why_not or why_not
        carrier = self._sample.black() if shown.picture is None else shown.picture
        frame = frame_of(carrier, pts, info.time_base, info.orientation, damaged=shown.damaged, writable=False)
        packet = arrival.packet if alone and info.codec == "h264" and shown.picture is not None else None
        if packet is not None:
            packet.pts = packet.dts = pts
        latest, why_not = self._latest, slot.draft.why_not
        return LivePicture(frame, packet, starts, why_not, latest.at, latest.at_s, arrival.taken_s)

    def _forget_before(self, tag: int) -> None:
        """Packets whose frames have all been shown: a frame may come later than that of a packet sent after its own."""
        while (oldest := next(iter(self._sent))) < tag - 2 * _LOST_AFTER:
            del self._sent[oldest]


def _why_not(shown: Shown, *, repaired: bool, alone: bool) -> str:
    if shown.damaged or shown.picture is None:
        return "damaged"
    if shown.picture.interlaced_frame:
        return "interlaced"
    if not alone or shown.extra:
        return "its frames are reordered"
    return "times had to be repaired" if repaired else ""

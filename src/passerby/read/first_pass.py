"""The first pass over a video: every frame to look at, and the books for the second."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from passerby.errors import SourceDamaged
from passerby.media import Frame, VideoInfo
from passerby.read.copying import judge_of
from passerby.read.cut import cut_off
from passerby.read.damage import Damage, DamageBook
from passerby.read.gops import NEVER_CAME_OUT, GopList, GopRecord
from passerby.read.order import Group, PresentationOrder, Shown, Slot
from passerby.read.packets import Decoder, PacketReader
from passerby.read.picture import Sample, frame_of
from passerby.read.streams import THREADS, VideoLimits, check_limits
from passerby.read.times import Clock

# A packet of MPEG-4 part 2 that says "same as before" has a header and nothing else.
_REPEATING_CODECS = frozenset(("mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "h263", "flv1"))
_REPEAT_BYTES = 20
_VP8_SHOW_FRAME = 0x10
# Containers that store one time for a packet, which FFmpeg hands on as the PTS of frames that it is not.
_DECODING_TIMES_ONLY = frozenset(("avi", "asf"))
_UNLIKE_IN_A_ROW = 10


class FirstPass:
    """Decodes everything, puts it in order, and keeps count of GOPs and damage."""

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        sample: Sample,
        container: InputContainer,
        stream: VideoStream,
        limits: VideoLimits,
    ) -> None:
        self._info, self._sample, self._limits = info, sample, limits
        self._reader = PacketReader(container, stream)
        self._decoder = Decoder(stream)
        self._judge = judge_of(stream, info.container, info.pixel_format)
        self._clock = Clock(info.time_base, info.rate_fps, by_dts=info.container in _DECODING_TIMES_ONLY)
        self._order = PresentationOrder(fields=info.interlaced)
        self._gops = GopList()
        self._book = DamageBook(info, cut_off(path, container, stream))
        self._group = self._group_before = Group()
        self._group_pts: int | None = None
        self._unlike_in_a_row = 0
        # Where an index gives the times, one that falls back is damage, not a new recording.
        self._may_jump = not info.container.startswith(("mov", "matroska", "avi"))

    @property
    def records(self) -> list[GopRecord]:
        """The GOPs, when all frames were read."""
        return self._gops.records

    def damage(self) -> Damage:
        """What was found, when all frames were read."""
        return self._book.damage(self._reader, self._clock)

    def frames(self) -> Iterator[Frame]:
        """Every frame, in presentation order."""
        tag = 0
        try:
            for tag, packet in self._reader:
                if packet.is_corrupt and self._book.cut.truncated:
                    # The last bytes of a file that was cut off: part of what is missing.
                    continue
                self._send(tag, packet)
                yield from self._show()
            self._take(self._decoder.drain(), tag)
            self._order.flush()
            yield from self._show()
        finally:
            self._decoder.reset()
        self._gops.finish(cut_off=self._book.cut.truncated or self._reader.failed_reads > 0)
        if not self._book.frames:
            raise SourceDamaged(f"{self._info.name} has no frame that can be shown; nothing was written")

    def _send(self, tag: int, packet: Packet[VideoStream]) -> None:
        starts = self._judge.starts_closed(packet)
        why_not = "hidden by an edit list" if packet.is_discard else self._judge.why_not(packet)
        raw_pts, raw_dts, duration = packet.pts, packet.dts, packet.duration or 0
        draft = self._gops.add_packet(tag, raw_dts, starts=starts and self._judge.splits, why_not=why_not)
        if not packet.is_discard:
            pts = self._clock.of_packet(raw_pts, raw_dts, duration, starts_anew=starts and self._may_jump)
            if pts is None or pts != raw_pts:
                draft.why_not = draft.why_not or "times had to be repaired"
            group_before = self._enter_group(pts, starts=starts)
            silent = _may_be_silent(self._info.codec, packet)
            slot = Slot(tag, pts, self._group, group_before, draft, duration, silent)
            self._order.expect(slot, None if raw_dts is None or self._clock.shifted else raw_dts)
            if packet.is_corrupt:
                self._group.damage(tag, "damaged packets")
        self._take(self._decoder.decode(tag, packet), tag)

    def _enter_group(self, pts: int | None, *, starts: bool) -> Group | None:
        """Starts a new group of frames if this packet does; the group before it, if the packet leads an open GOP."""
        if starts:
            self._group_before, self._group, self._group_pts = self._group, Group(), pts
        leads = pts is not None and self._group_pts is not None and pts < self._group_pts
        return self._group_before if leads else None

    def _take(self, decoded: list[tuple[int | None, VideoFrame]], tag: int) -> None:
        if self._decoder.failed:
            self._order.fail(tag, THREADS, "the decoder reported errors")
        for number, picture in decoded:
            self._order.fields = self._order.fields or picture.interlaced_frame
            self._order.arrive(number, picture if self._is_like_the_first(picture) else None)

    def _is_like_the_first(self, picture: VideoFrame) -> bool:
        """Whether the frame can be shown. One that cannot is damage; many in a row are another video.

        Raises:
            SourceDamaged: the video changes for good.
        """
        fits = self._sample.fits(picture)
        self._unlike_in_a_row = 0 if fits else self._unlike_in_a_row + 1
        if self._unlike_in_a_row >= _UNLIKE_IN_A_ROW:
            sample, time_s = self._sample, self._book.seconds
            raise SourceDamaged(
                f"{self._info.name} changes from {sample.width}x{sample.height} {sample.pixel_format} to "
                f"{picture.width}x{picture.height} {picture.format.name} at about {time_s:.1f} s, "
                "which cannot be redacted as one video; nothing was written",
                hint="Split the file where it changes and redact the parts",
            )
        return fits

    def _show(self) -> Iterator[Frame]:
        for shown in self._order.ready():
            yield self._frame(shown)

    def _frame(self, shown: Shown) -> Frame:
        slot, picture = shown.slot, shown.picture
        pts, repaired = self._clock.of_frame(slot.pts, slot.duration, extra=shown.extra)
        self._gops.add_frame(
            slot.draft,
            NEVER_CAME_OUT if picture is None else slot.tag,
            pts,
            damaged=shown.damaged,
            why_not=_why_not(picture, repaired=repaired),
        )
        self._book.add(pts, slot.duration, shown)
        check_limits(self._info.name, 0, 0, self._book.seconds, self._limits)
        carrier = self._sample.black() if picture is None else picture
        info = self._info
        return frame_of(carrier, pts, info.time_base, info.orientation, damaged=shown.damaged, writable=False)


def _may_be_silent(codec: str, packet: Packet[VideoStream]) -> bool:
    """Whether the packet may rightly give no frame: a hidden reference of VP8 (RFC 6386 clause 9.1), a repetition."""
    if codec == "vp8":
        return not bytes(packet)[0] & _VP8_SHOW_FRAME
    return codec in _REPEATING_CODECS and packet.size <= _REPEAT_BYTES


def _why_not(picture: VideoFrame | None, *, repaired: bool) -> str:
    if picture is None:
        return "damaged"
    if picture.interlaced_frame:
        return "interlaced"
    return "times had to be repaired" if repaired else ""

"""What is wrong with a video, as far as reading it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from passerby.media import VideoInfo
from passerby.read.cut import CutOff
from passerby.read.order import Shown
from passerby.read.packets import PacketReader
from passerby.read.times import Clock

LONGEST_LIST = 100
"""Stretches that are listed one by one; later ones lengthen the last."""


class Stretch(NamedTuple):
    """Neighbouring damaged frames: PTS of the first and the last, and why, in a few words."""

    pts_from: int
    pts_to: int
    reason: str


@dataclass(frozen=True, slots=True)
class Damage:
    """What reading every frame showed.

    Attributes:
        frames_expected: frames that the file announces or, if it does not, that were met.
        frames_damaged: frames handed out as damaged, stand-ins included.
        frames_replaced: those of them that never came out of the decoder and were replaced by black.
        first_s: time of the first readable frame in seconds, or None.
        last_s: end of the last readable frame in seconds, or None.
        truncated: the file ends before its content does.
        readable_s: seconds from the first to the end of the last readable frame.
        announced_s: seconds that the file announces, or None.
        missing_frames: announced frames that the file does not hold, 0 when unknown.
        times_repaired: frames whose PTS was missing or did not rise and was replaced.
        lead_in_packets: packets before the first keyframe, left out.
        stretches: damaged stretches in order, at most `LONGEST_LIST`.
        notes: what else was repaired or left out, a few words each.
    """

    frames_expected: int = 0
    frames_damaged: int = 0
    frames_replaced: int = 0
    first_s: float | None = None
    last_s: float | None = None
    truncated: bool = False
    readable_s: float = 0.0
    announced_s: float | None = None
    missing_frames: int = 0
    times_repaired: int = 0
    lead_in_packets: int = 0
    stretches: tuple[Stretch, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every announced frame is there and decoded without an error."""
        return not (self.frames_damaged or self.truncated or self.missing_frames)


class DamageBook:
    """Collects what is wrong while frames are shown, in bounded memory.

    Attributes:
        cut: what is missing at the end of the file.
        frames: frames shown so far.
        seconds: from the start of the first to the end of the last of them.
        stretches: damaged ones, in order.
    """

    def __init__(self, info: VideoInfo, cut: CutOff) -> None:
        self.cut = cut
        self.frames = 0
        self.seconds = 0.0
        self._info = info
        self._damaged = self._replaced = 0
        self.stretches: list[Stretch] = []
        self._open = False
        self._first: int | None = None
        self._readable: tuple[int, int] | None = None

    def add(self, pts: int, duration: int, shown: Shown) -> None:
        """A frame, in presentation order."""
        self.frames += 1
        self._first = pts if self._first is None else self._first
        self._replaced += shown.picture is None
        self._damaged += shown.damaged
        if shown.damaged:
            self._lengthen(pts, shown.reason)
        self._open = shown.damaged
        if shown.picture is not None:
            self._readable = (pts if self._readable is None else self._readable[0], pts + duration)
        self.seconds = float((pts + duration - self._first) * self._info.time_base)

    def _lengthen(self, pts: int, reason: str) -> None:
        last = self.stretches[-1] if self.stretches else None
        if last is not None and (self._open or len(self.stretches) >= LONGEST_LIST):
            self.stretches[-1] = Stretch(last.pts_from, pts, last.reason)
        else:
            self.stretches.append(Stretch(pts, pts, reason))

    def damage(self, reader: PacketReader, clock: Clock) -> Damage:
        """The sum, when all frames were shown."""
        base = self._info.time_base
        first, end = (float(pts * base) for pts in self._readable) if self._readable else (None, None)
        return Damage(
            frames_expected=self.frames + self.cut.missing_frames,
            frames_damaged=self._damaged,
            frames_replaced=self._replaced,
            first_s=first,
            last_s=end,
            truncated=self.cut.truncated,
            readable_s=end - first if first is not None and end is not None else 0.0,
            announced_s=self._info.duration_s,
            missing_frames=self.cut.missing_frames,
            times_repaired=clock.repaired,
            lead_in_packets=reader.lead_in,
            stretches=tuple(self.stretches),
            notes=tuple(_notes(reader, clock)),
        )


def _notes(reader: PacketReader, clock: Clock) -> Iterator[str]:
    if reader.lead_in:
        yield f"{reader.lead_in} packets before the first keyframe left out"
    if clock.jumps:
        yield f"times jump back {clock.jumps} times; joined end to end"
    if clock.repaired:
        yield f"{clock.repaired} frames had no usable time and got the next possible one"
    if reader.failed_reads:
        yield f"{reader.failed_reads} reads failed"

"""From what the decoder gives to frames in presentation order: which packet each came from, which never came out.

Every packet gets a tag, its number in the stream, and travels through the decoder with the tag as its PTS, so each
frame tells which packet it was. A frame is held back until every packet that was sent before its own is accounted for:
only then is it known whether a picture that it was predicted from is damaged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from av.video.frame import VideoFrame

from passerby.read.gops import GopDraft

_LONGEST_HOLD = 24
"""Frames held back at most; H.264 and HEVC reorder up to 16."""
_LOST_AFTER = 32
"""A packet without PTS counts as lost when a frame so many packets later has come out."""


@dataclass(slots=True)
class Group:
    """Packets from one safe start to the next; damage spreads within it."""

    damaged_from: int | None = None
    reason: str = ""

    def damage(self, tag: int, reason: str) -> None:
        """From this packet on the group's frames may be wrong."""
        if self.damaged_from is None or tag < self.damaged_from:
            self.damaged_from, self.reason = tag, self.reason or reason


@dataclass(slots=True)
class Slot:
    """One packet on its way. `pts` in stream units or None; `failed`: the decoder reported an error about it."""

    tag: int
    pts: int | None
    group: Group
    draft: GopDraft
    duration: int = 0
    failed: bool = False


@dataclass(slots=True)
class Shown:
    """One frame to show: the packet it belongs to, the picture or None when it never came out, and what is wrong."""

    slot: Slot
    picture: VideoFrame | None
    damaged: bool = False
    reason: str = ""
    extra: bool = False


@dataclass(slots=True)
class PresentationOrder:
    """Puts decoded frames in order and finds the lost ones. Holds at most `_LONGEST_HOLD` pictures.

    Attributes:
        silent: a packet may rightly give no frame (a field of one, a hidden picture), unless the decoder complained.
    """

    silent: bool = False

    _waiting: dict[int, Slot] = field(default_factory=dict)
    _arrived: dict[int, Slot] = field(default_factory=dict)
    _held: deque[Shown] = field(default_factory=deque)

    def expect(self, slot: Slot) -> None:
        """A packet was sent to the decoder."""
        self._waiting[slot.tag] = slot

    def fail(self, tag: int, reach: int, reason: str) -> None:
        """The decoder reported an error; one of the last `reach` packets up to `tag` is the cause."""
        for suspect in range(tag - reach + 1, tag + 1):
            slot = self._waiting.get(suspect)
            if slot is not None:
                slot.failed = True
                slot.group.damage(suspect, reason)

    def arrive(self, tag: int | None, picture: VideoFrame) -> None:
        """The decoder gave a frame for this tag."""
        if tag is None:
            tag = next(iter(self._waiting), next(reversed(self._arrived), None))
        slot = self._waiting.pop(tag, None) if tag is not None else None
        if slot is None:
            self._arrive_again(tag, picture)
            return
        self._hold_lost(slot)
        if picture.is_corrupt:
            slot.group.damage(slot.tag, "the decoder reported errors")
        self._remember(slot)
        self._held.append(Shown(slot, picture))

    def _arrive_again(self, tag: int | None, picture: VideoFrame) -> None:
        # A second picture from one packet, or one that was given up as lost: the latter already has its stand-in.
        slot = self._arrived.get(tag) if tag is not None else None
        if slot is not None:
            self._held.append(Shown(slot, picture, extra=True))

    def _remember(self, slot: Slot) -> None:
        self._arrived[slot.tag] = slot
        while len(self._arrived) > _LOST_AFTER:
            del self._arrived[next(iter(self._arrived))]

    def _hold_lost(self, slot: Slot) -> None:
        lost = [other for other in self._waiting.values() if _precedes(other, slot)]
        self._give_up(sorted(lost, key=_time))

    def _give_up(self, lost: list[Slot]) -> None:
        for slot in lost:
            del self._waiting[slot.tag]
            if slot.failed or not self.silent:
                slot.group.damage(slot.tag, "no picture came out of the decoder")
                self._held.append(Shown(slot, None))

    def flush(self) -> None:
        """Nothing more will come: what is still waited for is lost."""
        self._give_up(sorted(self._waiting.values(), key=_time))

    def ready(self) -> Iterator[Shown]:
        """The frames whose fate is known, in presentation order."""
        while self._held:
            slot = self._held[0].slot
            oldest = next(iter(self._waiting), None)
            if oldest is not None and oldest < slot.tag and len(self._held) <= _LONGEST_HOLD:
                return
            shown = self._held.popleft()
            start = slot.group.damaged_from
            shown.damaged = shown.picture is None or (start is not None and slot.tag >= start)
            shown.reason = slot.group.reason if shown.damaged else ""
            yield shown


def _precedes(other: Slot, slot: Slot) -> bool:
    if other.pts is None or slot.pts is None:
        return other.tag < slot.tag - _LOST_AFTER
    return other.pts < slot.pts


def _time(slot: Slot) -> tuple[int, int]:
    return (slot.pts if slot.pts is not None else slot.tag, slot.tag)

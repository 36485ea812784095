"""From what the decoder gives to frames in presentation order: which packet each came from, which never came out.

Every packet gets a tag, its number in the stream, and travels through the decoder with the tag as its PTS, so each
frame tells which packet it was. A frame is held back until every packet that was sent before its own is accounted for:
only then is it known whether a picture that it was predicted from is damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from av.video.frame import VideoFrame

from passerby.read.gops import GopDraft

_LONGEST_HOLD = 24
"""Frames held back at most; H.264 and HEVC reorder up to 16."""
_LOST_AFTER = 20
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
    """One packet on its way, and its frame.

    Attributes:
        tag: its number.
        pts: in stream units, or None.
        group: the one it belongs to.
        group_before: the one that it is predicted from, too, when it leads an open GOP.
        draft: the GOP it belongs to.
        duration: in stream units, 0 if unknown.
        silent: it may rightly give no frame (a hidden picture, "same as before").
        failed: the decoder reported an error about it.
    """

    tag: int
    pts: int | None
    group: Group
    group_before: Group | None
    draft: GopDraft
    duration: int = 0
    silent: bool = False
    failed: bool = False

    @property
    def damage(self) -> Group | None:
        """The group whose damage reaches this frame, or None."""
        for group in (self.group, self.group_before):
            if group is not None and group.damaged_from is not None and group.damaged_from <= self.tag:
                return group
        return None


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
        fields: two packets may rightly give one frame, unless the decoder complains.
    """

    fields: bool = False

    _horizon: int | None = None
    _waiting: dict[int, Slot] = field(default_factory=dict)
    _arrived: dict[int, Slot] = field(default_factory=dict)
    _held: list[Shown] = field(default_factory=list)

    def expect(self, slot: Slot, dts: int | None) -> None:
        """A packet was sent to the decoder. No later one has a PTS before `dts`."""
        self._waiting[slot.tag] = slot
        self._horizon = dts

    def fail(self, tag: int, reach: int, reason: str) -> None:
        """The decoder reported an error; one of the last `reach` packets up to `tag` is the cause."""
        for suspect in range(tag - reach + 1, tag + 1):
            slot = self._waiting.get(suspect)
            if slot is not None:
                slot.failed = True
                slot.group.damage(suspect, reason)

    def arrive(self, tag: int | None, picture: VideoFrame | None) -> None:
        """The decoder gave a frame for this tag, or one that cannot be shown (None)."""
        if tag is None:
            tag = next(iter(self._waiting), next(reversed(self._arrived), None))
        slot = self._waiting.pop(tag, None) if tag is not None else None
        if slot is None:
            self._arrive_again(tag, picture)
            return
        self._hold_lost(slot)
        if picture is None or picture.is_corrupt:
            slot.group.damage(slot.tag, "the decoder reported errors")
        self._remember(slot)
        self._hold(Shown(slot, picture))

    def _arrive_again(self, tag: int | None, picture: VideoFrame | None) -> None:
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
            rightly = self.fields or (slot.silent and slot.damage is None)
            if slot.failed or not rightly:
                slot.group.damage(slot.tag, "no picture came out of the decoder")
                self._hold(Shown(slot, None))

    def _hold(self, shown: Shown) -> None:
        # A damaged stream may come out in another order than its PTS say.
        place, pts = len(self._held), shown.slot.pts
        while place and pts is not None and (self._held[place - 1].slot.pts or pts) > pts:
            place -= 1
        self._held.insert(place, shown)

    def give_up_before(self, tag: int) -> None:
        """What was sent before this packet and has not come out is lost."""
        self._give_up(sorted((slot for slot in self._waiting.values() if slot.tag < tag), key=_time))

    def flush(self) -> None:
        """Nothing more will come: what is still waited for is lost."""
        self._give_up(sorted(self._waiting.values(), key=_time))
        self._horizon = None

    def ready(self) -> Iterator[Shown]:
        """The frames whose fate is known, in presentation order."""
        while self._held:
            slot = self._held[0].slot
            if len(self._held) <= _LONGEST_HOLD and self._must_wait(slot):
                return
            shown, damage = self._held.pop(0), slot.damage
            if shown.extra and damage is not None:
                # Damage split one picture in two.
                continue
            shown.damaged = shown.picture is None or damage is not None
            shown.reason = damage.reason if damage is not None else ""
            yield shown

    def _must_wait(self, slot: Slot) -> bool:
        oldest = next(iter(self._waiting), None)
        if oldest is not None and oldest < slot.tag:
            return True
        # From a sound stream frames come in order; from a damaged one, an earlier one may still be on its way.
        if slot.damage is None or slot.pts is None or self._horizon is None:
            return False
        return slot.pts > self._horizon or any(_precedes(other, slot) for other in self._waiting.values())


def _precedes(other: Slot, slot: Slot) -> bool:
    if other.pts is None or slot.pts is None:
        return other.tag < slot.tag - _LOST_AFTER
    return other.pts < slot.pts


def _time(slot: Slot) -> tuple[int, int]:
    return (slot.pts if slot.pts is not None else slot.tag, slot.tag)

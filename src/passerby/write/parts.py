"""Coded pictures gathered into parts: short pieces of a recording that can go out as soon as they are whole."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """One picture, coded.

    Attributes:
        data: its NAL units, each behind its length.
        time: when it is shown, in units of time from the start of the recording.
        duration: for how long, in the same units; 0 until the next one is known.
        keyframe: an IDR picture.
        copied: as the camera sent it.
        covered_share: of the picture, from 0 to 1.
        arrived_at: when the camera's picture arrived.
    """

    data: bytes = field(repr=False)
    time: int
    keyframe: bool
    copied: bool
    covered_share: float
    arrived_at: datetime
    duration: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring pictures, each with its duration; never empty."""

    pictures: tuple[CodedPicture, ...]

    @property
    def starts(self) -> int:
        """In units of time from the start of the recording."""
        return self.pictures[0].time

    @property
    def ends(self) -> int:
        """Likewise."""
        return self.pictures[-1].time + self.pictures[-1].duration

    @property
    def keyframe(self) -> bool:
        """Whether a viewer can start here."""
        return self.pictures[0].keyframe


class PartCutter:
    """Cuts a run of pictures into parts.

    A part is at most `longest` units long, or a single picture. It ends before each keyframe, so that viewers can start
    with the next one, unless keyframes are so close that whole GOPs fit into one part. Each picture waits for the next
    one, which tells how long it is shown.
    """

    def __init__(self, longest: int, usual_duration: int) -> None:
        self._longest = longest
        self._usual = usual_duration
        self._waiting: list[CodedPicture] = []
        self._newest: CodedPicture | None = None

    def push(self, picture: CodedPicture) -> list[Part]:
        """Take the next picture; hand out what has become whole. Its time is after that of all before."""
        whole: list[Part] = []
        if self._newest is not None:
            self._usual = picture.time - self._newest.time
            whole += self._place(replace(self._newest, duration=self._usual))
        self._newest = picture
        if self._waiting and picture.keyframe and self._may_end(picture.time):
            whole.append(self._cut())
        return whole

    def finish(self, duration: int = 0) -> list[Part]:
        """The rest; the last picture is shown for `duration`, or as long as the one before it."""
        whole: list[Part] = []
        if self._newest is not None:
            whole += self._place(replace(self._newest, duration=duration or self._usual))
            self._newest = None
        if self._waiting:
            whole.append(self._cut())
        return whole

    def _may_end(self, time: int) -> bool:
        """Before a keyframe: only a part that begins with one itself may go on, and only while it is short."""
        first = self._waiting[0]
        return not first.keyframe or 2 * (time - first.time) >= self._longest

    def _place(self, picture: CodedPicture) -> list[Part]:
        whole: list[Part] = []
        if self._waiting and picture.time + picture.duration - self._waiting[0].time > self._longest:
            whole.append(self._cut())
        self._waiting.append(picture)
        # Another one like it would be too much: do not wait for it.
        if picture.time + 2 * picture.duration - self._waiting[0].time > self._longest:
            whole.append(self._cut())
        return whole

    def _cut(self) -> Part:
        part = Part(tuple(self._waiting))
        self._waiting.clear()
        return part

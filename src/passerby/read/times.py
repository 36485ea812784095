"""PTS that strictly rise, from packets that may have none, equal ones, or ones that jump back."""

from __future__ import annotations

import heapq
from fractions import Fraction


class Clock:
    """Gives every packet and every shown frame its PTS, in units of the stream's time base.

    What the file says is kept, gaps and negative or late starts included. Only two things are altered: a stream that
    jumps back (recordings joined end to end) goes on where it was, and a PTS that is missing or does not rise is
    replaced by the next possible one. Both are counted.

    Args:
        time_base: seconds per unit.
        rate_fps: for frames of unknown length, or None.
        by_dts: the container knows decoding times only, so the n-th shown frame gets the n-th of them.
    """

    def __init__(self, time_base: Fraction, rate_fps: Fraction | None, *, by_dts: bool = False) -> None:
        self._by_dts = by_dts
        self._nominal = (
            max(1, round(1 / (rate_fps * time_base))) if rate_fps else max(1, round(Fraction(1, 25) / time_base))
        )
        self._offset = 0
        self._latest: int | None = None
        self._last: int | None = None
        self._spare: list[int] = []
        self.repaired = 0
        self.jumps = 0

    def of_packet(self, pts: int | None, dts: int | None, duration: int, *, starts_anew: bool) -> int | None:
        """The PTS of a packet, in decoding order. With `starts_anew` nothing before it may be shown after it."""
        if pts is None or self._by_dts:
            if dts is not None:
                heapq.heappush(self._spare, dts + self._offset)
            return None
        shifted = pts + self._offset
        if starts_anew and self._latest is not None and shifted <= self._latest:
            shift = self._latest + (duration or self._nominal) - shifted
            self._offset, shifted = self._offset + shift, shifted + shift
            self.jumps += 1
        if self._latest is None or shifted > self._latest:
            self._latest = shifted
        return shifted

    @property
    def shifted(self) -> bool:
        """Whether packets now get another PTS than the file gives them."""
        return self._offset != 0

    def of_frame(self, pts: int | None, duration: int, *, extra: bool = False) -> tuple[int, bool]:
        """The PTS to show a frame at, in presentation order, and whether it is another than its packet's."""
        repaired = (pts is None and not self._by_dts) or extra
        value = self._guess(duration, extra=extra) if pts is None or extra else pts
        if self._last is not None and value <= self._last:
            value, repaired = self._last + 1, True
        self._last = value
        self.repaired += repaired
        return value, repaired

    def _guess(self, duration: int, *, extra: bool) -> int:
        step = duration or self._nominal
        if extra and self._last is not None:
            return self._last + max(1, step // 2)
        # Decoding times rise one per frame, so the n-th smallest is the n-th frame's, but for a constant delay.
        while self._spare:
            value = heapq.heappop(self._spare)
            if self._last is None or value > self._last:
                return value
        return 0 if self._last is None else self._last + step

"""PTS of live frames: what the camera says while it can be true, and the time of arrival where it cannot."""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

_LONGEST_LEAP_S = 2.0
"""How much more time may pass from one frame to the next by the camera's clock than by ours."""
_MOST_AHEAD_S = 15.0
"""How far the camera's clock may run ahead: some send what they have kept of the last seconds at once."""
_MOST_BEHIND_S = 15.0
"""How far it may fall behind beyond the time-out: what a network held up comes late, and then all at once."""
_FORGIVEN = 0.002
"""Share of the time that passes by which two clocks may differ for ever."""
_TRUSTED_JUMPS = 5
"""After so many jumps the camera's clock is not asked any more."""


class FrameClock(Protocol):
    """Gives frames their PTS."""

    def of_frame(self, pts: int | None, at_s: float) -> tuple[int, bool]:
        """As `LiveClock.of_frame`."""


class LiveClock:
    """Gives every frame a PTS that is larger than the one before.

    A PTS that is missing, equal, falls back or leaps is replaced by one that follows from the time of arrival; what
    comes after it counts on from there.

    Args:
        time_base: seconds per unit.
        patience_s: how long the camera may be silent.

    Attributes:
        jumps: how often the camera's times jumped.
    """

    def __init__(self, time_base: Fraction, patience_s: float) -> None:
        self._seconds = float(time_base)
        self._behind_s = patience_s + _MOST_BEHIND_S
        self._last: int | None = None
        self._last_at_s = 0.0
        self._anchor: tuple[int, float] | None = None
        self._offset = 0
        self._ahead_s = 0.0
        self.jumps = 0

    def of_frame(self, pts: int | None, at_s: float) -> tuple[int, bool]:
        """The PTS of the next frame in presentation order, and whether it is another than the camera's.

        Args:
            pts: what the camera says, in units of the time base, or None.
            at_s: when its packet arrived, in seconds of a clock that never goes back.
        """
        if self._last is None or self._anchor is None:
            value, repaired = pts or 0, False
            self._anchor = (value, at_s)
        elif pts is None or self.jumps >= _TRUSTED_JUMPS:
            value, repaired = self._by_arrival(self._last, self._anchor, at_s), True
        else:
            value, repaired = self._follow(self._last, self._anchor, pts, at_s)
        self._last, self._last_at_s = value, at_s
        return value, repaired

    def _by_arrival(self, last: int, anchor: tuple[int, float], at_s: float) -> int:
        return max(last + 1, anchor[0] + round((at_s - anchor[1]) / self._seconds))

    def _follow(self, last: int, anchor: tuple[int, float], pts: int, at_s: float) -> tuple[int, bool]:
        passed_s = at_s - self._last_at_s
        value = pts + self._offset
        step_s = (value - last) * self._seconds
        if value > last and self._may_be_true(step_s, passed_s):
            self._anchor = (value, at_s)
            return value, False
        value = self._by_arrival(last, anchor, at_s)
        self._offset, self._anchor, self._ahead_s = value - pts, (value, at_s), 0.0
        self.jumps += 1
        return value, True

    def _may_be_true(self, step_s: float, passed_s: float) -> bool:
        forgiven = _FORGIVEN * passed_s
        ahead_s = self._ahead_s + step_s - passed_s
        self._ahead_s = ahead_s - max(-forgiven, min(forgiven, ahead_s))
        leaps = step_s > passed_s + _LONGEST_LEAP_S
        return not leaps and -self._behind_s < self._ahead_s < _MOST_AHEAD_S

"""What to paint in the pictures of a camera's main stream, from what was found in a smaller one.

A picture is covered with all that the smaller stream's pictures of about the same time were covered with. It is known
only if those on both sides are, and if both streams were seen to show the same; else it is painted whole.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passerby.detect.evidence import Luma, sketch_of
from passerby.detect.likeness import OFF_PX, WIDTH_PX, likeness_to_any
from passerby.media import VideoInfo
from passerby.pipeline.stream_buffer import Buffer, Waiting
from passerby.pipeline.stream_looker import Verdicts
from passerby.pipeline.stream_told import ANOTHER_PICTURE, LOOK_STREAM_LATE, NOT_COMPARED, Told
from passerby.redact.joining import hulls
from passerby.regions import Regions

_AROUND_S = 0.25
"""What is seen in one stream so long before or after a picture of the other counts for it."""
_KEPT_S = 0.5
"""What is older counts for no picture that is still to come."""
_PATIENCE_S = 10.0
"""So long the streams may take to begin."""
_COMPARE_S = 5.0
_RETRY_S = 1.0
"""How often the two are compared at most: while they are the same, and while that is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A picture of the smaller stream, and what is painted in it; None: all of it."""

    waiting: Waiting
    regions: Regions | None


class PairedVerdicts:
    """Knows what to paint in the main stream; for the thread that stores."""

    def __init__(self, verdicts: Verdicts, watched: Buffer, main: VideoInfo, look: VideoInfo, told: Told) -> None:
        """`watched` holds the pictures of the smaller stream, and `verdicts` are on those."""
        self._verdicts, self._watched, self._told = verdicts, watched, told
        self._scale = np.array(main.upright_size * 2, np.float32) / np.array(look.upright_size * 2, np.float32)
        off_px = main.upright_size[0] * OFF_PX / WIDTH_PX
        self._off = np.array([-off_px, -off_px, off_px, off_px], np.float32)
        self._seen: deque[_Seen] = deque()
        self._comparison = Comparison()
        self._patient_until_s = time.monotonic() + _PATIENCE_S

    def final(self, waiting: Waiting, after: Waiting | None) -> Regions | None:
        """As `Verdicts.final`, of a picture of the main stream; its `small` is set."""
        self._take_in(waiting)
        around, on_both_sides = self._around(waiting)
        if around:
            waiting.small = around[len(around) // 2].waiting
        if not on_both_sides:
            if waiting.picture.arrived_s > self._patient_until_s and not self._watched.is_ended():
                self._told.trouble(LOOK_STREAM_LATE)
            return None
        self._patient_until_s = 0.0
        why_not = self._comparison.why_not(waiting, [seen.waiting for seen in around])
        if why_not:
            self._told.trouble(why_not)
        if why_not is not None:
            return None
        return self._all_of([seen.regions for seen in around])

    def leave_out(self, waiting: Waiting) -> None:
        """A picture of the main stream is dropped; what was seen around it is taken in so that it does not pile up."""
        self._take_in(waiting)

    def _take_in(self, waiting: Waiting) -> None:
        """The pictures of the smaller stream up to those that count, with what is known of them by now."""
        while (due := self._watched.take_if(lambda first: _later_s(first, waiting)[0] <= _AROUND_S)) is not None:
            self._seen.append(_Seen(due[0], self._verdicts.final(*due)))
        while self._seen and _later_s(self._seen[0].waiting, waiting)[1] < -_KEPT_S:
            self._seen.popleft()

    def _around(self, waiting: Waiting) -> tuple[list[_Seen], bool]:
        """The pictures of the smaller stream that count, and whether there are some before this one and some after."""
        around, before, after = [], False, False
        for seen in self._seen:
            least_s, most_s = _later_s(seen.waiting, waiting)
            if least_s <= _AROUND_S and most_s >= -_AROUND_S:
                around.append(seen)
                before, after = before or most_s <= 0, after or least_s >= 0
        return around, before and after

    def _all_of(self, each: Sequence[Regions | None]) -> Regions | None:
        known = [regions for regions in each if regions is not None]
        if len(known) < len(each):
            return None
        if not any(map(len, known)):
            return Regions()
        joined = hulls(known)
        return Regions((joined.boxes * self._scale + self._off).astype(np.float32), joined.labels)


class Comparison:
    """Whether both streams show the same, as far as that was seen. Until it was, nobody knows."""

    def __init__(self) -> None:
        self._why_not: str | None = ""
        self._compared_s = -_COMPARE_S

    def why_not(self, waiting: Waiting, around: Sequence[Waiting]) -> str | None:
        """A sentence if they do not, or that cannot be told, empty before it was tried; None if they do.

        Compares a picture with those around it if it is time, and no others have to be decoded for that.
        """
        picture = waiting.picture
        pause_s = _COMPARE_S if self._why_not is None else _RETRY_S
        is_due = picture.arrived_s - self._compared_s >= pause_s
        if is_due and (picture.starts_closed or picture.is_decoded) and not picture.frame.damaged:
            self._compared_s = picture.arrived_s
            self._compare(sketch_of(picture.frame), [other.sketch for other in around if other.sketch is not None])
        return self._why_not

    def _compare(self, sketch: Luma, around: Sequence[Luma]) -> None:
        found = likeness_to_any(sketch, around)
        if found == "same":
            self._why_not = None
        elif found == "other":
            self._why_not = ANOTHER_PICTURE
        elif not self._why_not and self._why_not is not None:
            # Later on, at night or in fog, what was seen before stands.
            self._why_not = NOT_COMPARED


def _later_s(seen: Waiting, waiting: Waiting) -> tuple[float, float]:
    assert seen.moment is not None
    assert waiting.moment is not None
    return seen.moment.later_than(waiting.moment)

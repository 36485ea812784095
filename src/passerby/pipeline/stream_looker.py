"""Who looks at the pictures of a live camera while they wait, and what is known of each when its delay has passed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

from passerby.detect.detector import Detector
from passerby.detect.live import LiveLook, LiveLooks, moving_in
from passerby.media import Frame, Picture, VideoInfo
from passerby.pipeline.stream_buffer import Buffer, Waiting
from passerby.pipeline.stream_told import Told
from passerby.redact.live_plan import CARRIED_S, LivePlan
from passerby.redact.polygons import Polygon
from passerby.regions import NOTHING, Boxes, Look, Regions, no_boxes
from passerby.track.tracker import LiveTracker, LiveTrackOptions

_CALM_S = 0.3
"""While looking is no further behind than this, every picture is examined."""
_REST_AFTER_S = 2.0
_FADE = 0.9
_STALLED_S = 0.3
"""When no picture has come for so long, those that wait for one are looked at without it."""


class Verdicts:
    """The tracks and the plan of one camera, for the looker and the writer."""

    def __init__(
        self,
        info: VideoInfo,
        delay_s: float,
        margins: Mapping[str, float],
        keep: Sequence[Polygon],
        only: Sequence[Polygon],
    ) -> None:
        self._lock = threading.Lock()
        self._time_base, self._size = info.time_base, info.upright_size
        self._tracker = LiveTracker(self._size, LiveTrackOptions(keep_s=delay_s + 4.0))
        self._plan = LivePlan(self._size, info.time_base, margins, keep, only)
        self._before: Waiting | None = None

    def take(self, looks: Sequence[LiveLook]) -> Boxes:
        """What is known of more frames; returns places where something was lost."""
        with self._lock:
            lost = no_boxes()
            for known in looks:
                look, at_s = known.look, float(known.look.pts * self._time_base)
                self._tracker.take(at_s, look.detections, known.looked_at, cut=look.cut)
                self._plan.take(look)
                lost = self._tracker.doubtful(at_s)
            return lost

    def leave_out(self, waiting: Waiting) -> None:
        """A picture is dropped: what moves in it is covered in the next one all the same."""
        self._before = waiting

    def final(self, waiting: Waiting, after: Waiting | None) -> Regions | None:
        """What to paint in a frame whose delay has passed; None: all of it. `after` is the frame after it, if any."""
        before, self._before = self._before, waiting
        around = [beside.blocks if beside is not None else None for beside in (before, after)]
        moving = moving_in(waiting.blocks, around, self._size)
        with self._lock:
            boxes, labels = self._tracker.covered(waiting.at_s)
            return self._plan.final(waiting.pts, boxes, labels, moving)


class Looker:
    """Examines pictures, in a thread of its own.

    While looking keeps up, every picture is examined. When it falls behind, pictures are left out: first so few that
    tracks carry over them, and when their time runs out as many as it takes.
    """

    def __init__(
        self,
        buffer: Buffer,
        verdicts: Verdicts,
        detector: Detector | None,
        delay_s: float,
        told: Told,
    ) -> None:
        """`detector` is None where nothing is to be looked for."""
        self._buffer, self._verdicts, self._told = buffer, verdicts, told
        self._delay_s = delay_s
        self._detector = detector
        self._looked_s, self._rests = time.monotonic(), True
        self._looks = self._new_looks()
        self._by_pts: dict[int, Waiting] = {}
        self._last: Waiting | None = None
        self._ask = no_boxes()
        self._took_s = 0.0  # about as long as examining one picture may take

    def run(self) -> None:
        """Until nothing more will come."""
        stalled_s = min(_STALLED_S, self._delay_s / 4)
        while True:
            newer = self._buffer.after(self._last.pts if self._last else None, stalled_s)
            if newer is None:
                break
            if newer:
                self._examine(self._choose(newer))
            elif self._looks is not None and self._looks.waits:
                self._know(self._looks.settle())
            self._rest_when_idle()
        if self._looks is not None and self._looks.waits:
            self._know(self._looks.settle())

    def _new_looks(self) -> LiveLooks | None:
        if self._detector is None:
            return None
        return LiveLooks(self._picture_of, self._detector, on_look=self._told.looked)

    def _choose(self, newer: list[Waiting]) -> Waiting:
        """The next picture to examine: how far it is from the last decides what is known of those between."""
        calm_s = min(_CALM_S, self._delay_s / 4)
        if self._last is None or newer[0].age_s() <= calm_s:
            return newer[0]
        within = [waiting for waiting in newer if waiting.at_s - self._last.at_s <= CARRIED_S]
        in_time = within and self._delay_s - within[-1].age_s() > self._took_s
        return within[-1] if in_time else newer[-1]

    def _examine(self, waiting: Waiting) -> None:
        began_s = time.monotonic()
        self._look_at(waiting)
        self._took_s = max(time.monotonic() - began_s, _FADE * self._took_s)

    def _look_at(self, waiting: Waiting) -> None:
        self._last = waiting
        if self._looks is None:
            self._know([LiveLook(_without_looking(waiting), no_boxes())])
            return
        self._by_pts[waiting.pts] = waiting
        self._know(self._looks.take(waiting.frame, waiting.sketch, self._ask))

    def _know(self, looks: list[LiveLook]) -> None:
        if looks:
            self._ask = self._verdicts.take(looks)
            latest = looks[-1].look.pts
            self._by_pts = {pts: waiting for pts, waiting in self._by_pts.items() if pts > latest}

    def _rest_when_idle(self) -> None:
        if self._detector is not None and not self._rests and time.monotonic() - self._looked_s > _REST_AFTER_S:
            self._rests = True
            try:
                self._detector.rest()
            except Exception as failure:  # as a look that failed: the next one tells whether it still works
                self._told.looked(0.0, failure)

    def _picture_of(self, frame: Frame) -> Picture:
        self._told.looking()
        self._looked_s, self._rests = time.monotonic(), False
        return self._by_pts[frame.pts].shown()


def _without_looking(waiting: Waiting) -> Look:
    return Look(waiting.pts, NOTHING, "unseen" if waiting.frame.damaged else "whole")

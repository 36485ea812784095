"""How closely each frame of a video is looked at.

Looks cost nearly all of the time, so that they go where something may be new. Some frames are *keys*: a key is known
all over, because it was looked at whole, or where it differs from the key before it. The frames between two keys wait
until the second one has come; each is then compared, along the motion, with both, and looked at where it shows
something that neither does. What was found in the keys is carried into the frames between them.

Only frames that are known count as evidence. Where a look failed, the frames that relied on it are unseen.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from passerby.detect.carrying import thin
from passerby.detect.detector import Detector
from passerby.detect.evidence import Flow, Grid, Luma, Mask, Motion, changed, new, sketch_of
from passerby.detect.lookers import Lookers
from passerby.detect.verdicts import Between, Key, Span, Verdicts
from passerby.media import Frame, Picture
from passerby.regions import Look, no_boxes


@dataclass(frozen=True, slots=True)
class AttentionOptions:
    """How closely frames are looked at.

    Attributes:
        thorough: every frame is looked at whole.
        threads: looks that run at the same time, from 1.
        every_s: where all of a 1080p picture changes, it is looked at whole this often, in seconds; smaller pictures,
            where looks cost less and faces have fewer pixels, up to twice as often; where less of a picture changes,
            that part is looked at as much more often.
        renew_s: where nothing changes, the picture is looked at whole this often, in seconds.
        part_at_most: a look takes in the whole picture when more than this share of it would have to be looked at.
        most_waiting: frames held in memory between two keys.
        longest_px: a picture's longer side is looked at no larger than this; `thorough` takes no notice of it.
        least_pause_s: so long, in seconds, no other key is looked at after one that was.
        renew_at_most_s: where nothing at all changes, each renewal is twice as far from the next as from the one
            before, up to this, in seconds.
    """

    thorough: bool = False
    threads: int = 2
    every_s: float = 0.35
    renew_s: float = 4.0
    part_at_most: float = 0.4
    most_waiting: int = 12
    longest_px: float = 1280.0
    least_pause_s: float = 0.0
    renew_at_most_s: float = 4.0


_FULL_HD = 1920 * 1080


def look_at(
    frames: Iterable[Frame],
    picture_of: Callable[[Frame], Picture],
    detector: Detector,
    options: AttentionOptions | None = None,
) -> Iterator[Look]:
    """One look for each frame, in order, with its PTS.

    Detections with score 0 are hints: they were carried over from a neighbour. A frame that is damaged, or where the
    detector failed, is "unseen".

    Args:
        frames: of one video, PTS strictly rising; only a few are held at a time.
        picture_of: what the detector looks at; called from several threads, for frames that are looked at.
        detector: called from several threads.
        options: how closely.

    Raises:
        ModelError: the detector failed at every look.
    """
    chosen = options or AttentionOptions()
    with Lookers(picture_of, detector, chosen.threads, math.inf if chosen.thorough else chosen.longest_px) as lookers:
        attention, verdicts = Attention(lookers, chosen), Verdicts(lookers)
        for frame in frames:
            attention.take(frame)
            yield from verdicts.pass_on(attention.spans)
        attention.finish()
        yield from verdicts.pass_on(attention.spans, wait=True)
        lookers.refuse_if_all_failed()


@dataclass(slots=True, eq=False)
class _Waiting:
    """A frame whose turn has not come; `sketch` and `frame` are None where it is damaged."""

    pts: int
    frame: Frame | None
    sketch: Luma | None
    cut: bool = False


class Attention:
    """Decides which frames are keys, and what of each frame is looked at.

    Attributes:
        spans: what was decided.
        asked: what the next key is to be looked at besides, in pixels of the frame: float32, shape (N, 4).
    """

    def __init__(self, lookers: Lookers, options: AttentionOptions) -> None:
        self.spans: deque[Span] = deque()
        self.asked = no_boxes()
        self._lookers = lookers
        self._options = options
        self._motion = Motion()
        self._waiting: list[_Waiting] = []
        self._last: Luma | None = None  # sketch of the frame before
        self._last_pts = 0
        self._known: Luma | None = None  # of each place, the sketch of when it was last looked at
        self._key: Luma | None = None
        self._key_pts = 0
        self._whole_pts = 0
        self._pause_s = 0.0
        self._renew_s = options.renew_s

    @property
    def waits(self) -> bool:
        """Whether frames wait for a key after them."""
        return bool(self._waiting)

    def take(self, frame: Frame, sketch: Luma | None = None) -> None:
        """Look at a frame, or let it wait; `sketch` is its sketch, if somebody made it."""
        if frame.damaged:
            self._take_damaged(frame)
            return
        sketch = sketch_of(frame) if sketch is None else sketch
        cut = self._last is not None and self._is_cut(self._last, sketch)
        if cut:
            self.finish()
        if cut or self._lookers.failed or self._options.thorough:
            self._known = None
            self._lookers.failed = False
        self._waiting.append(_Waiting(frame.pts, frame, sketch, cut))
        if self._known is None or self._is_due(frame) or len(self._waiting) > self._options.most_waiting:
            self.finish()
        self._last, self._last_pts = sketch, frame.pts

    def finish(self) -> None:
        """Make the last frame that waits a key: nothing after it can speak for those that wait."""
        keys = [index for index, waiting in enumerate(self._waiting) if waiting.frame is not None]
        if keys:
            before, key, after = self._waiting[: keys[-1]], self._waiting[keys[-1]], self._waiting[keys[-1] + 1 :]
            self._close(before, key)
            self._waiting = after
        if self._waiting:
            self.spans.append(Span([Between(waiting.pts, damaged=True) for waiting in self._waiting]))
            self._waiting = []

    def _take_damaged(self, frame: Frame) -> None:
        self._waiting.append(_Waiting(frame.pts, None, None))
        if len(self._waiting) == 1 or len(self._waiting) > self._options.most_waiting:
            self.finish()

    def _is_cut(self, before: Luma, sketch: Luma) -> bool:
        return before.shape != sketch.shape or self._motion.is_cut(before, sketch)

    def _is_due(self, frame: Frame) -> bool:
        """Whether the pause is over, to the nearest frame."""
        since_key, since_last = frame.pts - self._key_pts, frame.pts - self._last_pts
        return (since_key + since_last / 2) * float(frame.time_base) >= self._pause_s

    def _close(self, before: list[_Waiting], waiting: _Waiting) -> None:
        frame, sketch = waiting.frame, waiting.sketch
        assert frame is not None
        assert sketch is not None
        grid = Grid(frame.upright_size, (sketch.shape[1], sketch.shape[0]))
        key = self._look_at_key(frame, sketch, grid, waiting.cut)
        self.spans.append(Span(self._look_between(before, sketch, frame.pts, grid), key, grid.shrink))
        self._key, self._key_pts = sketch, frame.pts

    def _look_at_key(self, frame: Frame, sketch: Luma, grid: Grid, cut: bool) -> Key:
        if self._known is not None:
            cells = grid.cells(changed(self._known, sketch))
            if cells.any():
                self._renew_s = self._options.renew_s
            cells |= grid.cells(grid.mask(self.asked))
            self.asked = no_boxes()
            share = grid.share(cells)
            since_whole_s = (frame.pts - self._whole_pts) * float(frame.time_base)
            if share <= self._options.part_at_most and since_whole_s < self._renew_s:
                return self._look_at_part(frame, sketch, grid, cells, share)
            if not share:
                self._renew_s = max(self._renew_s, min(2 * self._renew_s, self._options.renew_at_most_s))
            self._pause_s = self._pause_after(share, grid)
        else:
            self._pause_s = self._pause_after(1.0, grid)
        self._known, self._whole_pts = sketch, frame.pts
        return Key(frame.pts, cut, self._lookers.look(frame, None), None, sketch)

    def _pause_after(self, share: float, grid: Grid) -> float:
        """How long nothing is looked at after a look at this share of the picture."""
        pause_s = self._every_s(grid) * min(1.0, share / self._options.part_at_most)
        return max(pause_s, self._options.least_pause_s) if share else 0.0

    def _every_s(self, grid: Grid) -> float:
        width, height = grid.frame_size
        return self._options.every_s * min(1.0, max(0.5, math.sqrt(width * height / _FULL_HD)))

    def _look_at_part(self, frame: Frame, sketch: Luma, grid: Grid, cells: Mask, share: float) -> Key:
        assert self._known is not None
        self._pause_s = self._pause_after(share, grid)
        areas = grid.areas(cells)
        if not len(areas):
            return Key(frame.pts, False, None, areas, sketch)
        self._known = np.where(grid.spread(cells), sketch, self._known)
        return Key(frame.pts, False, self._lookers.look(frame, areas), areas, sketch)

    def _look_between(self, before: list[_Waiting], following: Luma, key_pts: int, grid: Grid) -> list[Between]:
        """Compare frames with the keys on both sides, from each key inwards, and look at what neither shows."""
        found: dict[int, Between] = {}
        strange: dict[int, Mask] = {}
        nearer_first = [waiting.pts - self._key_pts <= key_pts - waiting.pts for waiting in before]
        for of_first, order in ((True, range(len(before))), (False, range(len(before) - 1, -1, -1))):
            flow: Flow | None = None
            for index in order:
                waiting = before[index]
                if waiting.sketch is None:
                    found[index] = Between(waiting.pts, damaged=True)
                elif nearer_first[index] == of_first:
                    between, flow, mask = self._compare(waiting.pts, waiting.sketch, of_first, following, flow)
                    found[index] = between
                    strange[index] = grid.cells(mask)
        self._look_at_strange(before, found, strange, grid)
        return [found[index] for index in range(len(before))]

    def _compare(
        self, pts: int, sketch: Luma, of_first: bool, following: Luma, start: Flow | None
    ) -> tuple[Between, Flow | None, Mask]:
        """One frame against the keys: the flow to the nearer one, searched from `start` on, and what neither shows."""
        first = self._key
        assert first is not None
        near, far = (first, following) if of_first else (following, first)
        between = Between(pts, from_first=of_first, relies_on=(of_first, not of_first))
        mask = changed(near, sketch)
        if not mask.any():
            return between, None, mask
        flow = self._motion.to(near, sketch, start)
        between.flow = thin(flow)
        surprise = self._motion.surprise(near, sketch, flow)
        mask = new(surprise)
        if mask.any():
            between.relies_on = (True, True)
            mask = new(np.minimum(surprise, self._motion.surprise(far, sketch, self._motion.to(far, sketch))))
        return between, flow, mask

    def _look_at_strange(
        self, before: list[_Waiting], found: dict[int, Between], strange: dict[int, Mask], grid: Grid
    ) -> None:
        """Look once at every place where frames show what no key shows: in the frame that shows most of it."""
        for index, cells in strange.items():
            found[index].strange = bool(cells.any())
        left = {index: cells.copy() for index, cells in strange.items()}
        while left:
            index = max(left, key=lambda candidate: int(left[candidate].sum()))
            cells, frame = left.pop(index), before[index].frame
            if frame is None or not cells.any():
                return
            found[index].whole = grid.share(cells) > self._options.part_at_most
            found[index].look = self._lookers.look(frame, None if found[index].whole else grid.areas(cells))
            nearby = cv2.dilate(cells.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
            for others in left.values():
                others &= ~nearby

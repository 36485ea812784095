"""What is said of each frame in the end, once the looks at it and at the keys on both sides are done."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from passerby.detect.carrying import follow_flow, hints, renewed, without_repeats
from passerby.detect.evidence import Flow, Luma
from passerby.detect.lookers import Lookers
from passerby.detect.standing import Standing
from passerby.regions import Boxes, Detections, Look

How = Literal["whole", "part", "carried", "unseen"]


@dataclass(slots=True, eq=False)
class Key:
    """A frame that is known all over once it was looked at.

    Attributes:
        pts: its PTS.
        cut: it begins a new scene.
        look: the look at it, or None where it is as the key before it was.
        areas: what was looked at, float32, shape (N, 4), pixels of the frame; None for the whole of it.
        sketch: of the frame.
    """

    pts: int
    cut: bool
    look: Future[Detections] | None
    areas: Boxes | None
    sketch: Luma


@dataclass(slots=True, eq=False)
class Between:
    """A frame between two keys, or a damaged one.

    Attributes:
        pts: its PTS.
        damaged: there is nothing to look at.
        look: the look at it, or None where the keys show all that it shows.
        whole: that look takes in the whole picture.
        from_first: the nearer key is the one before it.
        flow: from its sketch to the nearer key's, thinned; None where it shows the same at the same places.
        relies_on: whether it needs the key before it, and the one after it.
        strange: it shows something that neither key shows; looks within this span show all of that.
    """

    pts: int
    damaged: bool = False
    look: Future[Detections] | None = None
    whole: bool = False
    from_first: bool = True
    flow: Flow | None = None
    relies_on: tuple[bool, bool] = (False, False)
    strange: bool = False


@dataclass(slots=True, eq=False)
class Span:
    """The frames after one key up to the next, and that key, or None where damage alone follows.

    `shrink`: pixels of the frame for one of its sketch, x and y, float32.
    """

    between: list[Between] = field(default_factory=list)
    key: Key | None = None
    shrink: npt.NDArray[np.float32] = field(default_factory=lambda: np.ones(2, np.float32))

    def is_done(self) -> bool:
        """Whether nothing in it is still being looked at."""
        looks = [frame.look for frame in (*self.between, self.key) if frame is not None]
        return all(look is None or look.done() for look in looks)


class Verdicts:
    """Turns spans into looks, in order."""

    def __init__(self, lookers: Lookers, most_missed: float = math.inf) -> None:
        """`most_missed` is as in `Standing`."""
        self._lookers = lookers
        self._known = Detections()
        self._standing = Standing(most_missed)
        self._sound = False

    def pass_on(self, spans: deque[Span], *, wait: bool = False) -> Iterator[Look]:
        """The looks of all spans at the front that are done, or of all spans."""
        while spans and (wait or spans[0].is_done()):
            yield from self._of(spans.popleft())

    def _of(self, span: Span) -> Iterator[Look]:
        first, first_sound = self._known, self._sound
        key_look = self._key(span.key, span.shrink) if span.key else None
        sound = (first_sound, self._sound)
        carried = _carried(span, first, self._known)
        found = [self._lookers.result(frame.look) if frame.look else Detections() for frame in span.between]
        strange_sound = None not in found
        for frame, here, brought in zip(span.between, found, carried, strict=True):
            missing = any(needed and not there for needed, there in zip(frame.relies_on, sound, strict=True))
            unseen = frame.damaged or here is None or missing or (frame.strange and not strange_sound)
            how: How = "unseen" if unseen else "whole" if frame.whole else "part" if frame.look else "carried"
            yield Look(frame.pts, without_repeats(here or Detections(), brought), how)
        if key_look:
            yield key_look

    def _key(self, key: Key, shrink: npt.NDArray[np.float32]) -> Look:
        if key.cut:
            self._standing.forget()
        found = self._lookers.result(key.look) if key.look else Detections()
        self._sound = found is not None and (key.areas is None or self._sound)
        if found is not None and key.areas is not None:
            found = renewed(found, self._known, key.areas)
        self._known = (
            self._standing.joined(found, key.sketch, shrink, looked=key.areas is None)
            if found is not None
            else Detections()
        )
        how: How = "whole" if key.areas is None else "part" if key.look else "carried"
        return Look(key.pts, self._known, how if self._sound else "unseen", key.cut)


def _carried(span: Span, first: Detections, second: Detections) -> list[Detections]:
    """Hints for each frame of a span, from the nearer of its keys, found step by step away from the key."""
    carried = [Detections() for _ in span.between]
    forwards = range(len(span.between))
    for known, order, of_first in ((first, forwards, True), (second, forwards[::-1], False)):
        offsets = np.zeros((len(known), 2), np.float32)
        for index in order:
            frame = span.between[index]
            if frame.damaged or frame.from_first != of_first:
                continue
            if frame.flow is None:
                offsets = np.zeros_like(offsets)
            else:
                offsets = follow_flow(known.boxes, frame.flow, span.shrink, offsets)
            carried[index] = hints(known, offsets)
    return carried

"""The background of one fixed camera, and everything that differs from it.

A place is known once it has shown the same for some seconds, and what is not known counts as different; so does all of
the picture in the beginning. What differs from a known place is never learned, however long it stands still; slow
changes of light are, where nothing differs. A cut, a camera that is moved, a change of most of the picture: everything
is learned anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from passerby.detect.blocks import blocks_of, grown, pixels_of
from passerby.detect.evidence import Colours, Luma, Mask, changed, colours_of
from passerby.detect.sway import Anchor, moved_along, moved_back
from passerby.media import Frame


@dataclass(frozen=True, slots=True)
class BackgroundOptions:
    """How a background is learned.

    Attributes:
        learn_s: so long a place has to show the same before it is known, in seconds; what stands still for longer is
            taken for background. Until then all of the picture is covered.
        learn_frames: so many frames have to be seen meanwhile.
        adapt_s: time constant with which slow changes of light are followed, in seconds, and the unknown is learned.
        most_changed: where more than this share of what is known differs, it is another picture: 0 to 1.
    """

    learn_s: float = 3.0
    learn_frames: int = 8
    adapt_s: float = 10.0
    most_changed: float = 0.5


_ADAPT_EVERY_S: Final = 0.5
_SQUARED: Final = 16.0
"""A pixel differs where its squared distance to the background is more than so many times its variance there."""
_LEAST_VARIANCE: Final = 9.0
"""So that nothing closer than 12 levels differs."""
_FIRST_VARIANCE: Final = 30.0
_ONE_COLOUR: Final = 1e-3
"""Only the most frequent colour of a place is background: the second one may be that of people who walked by."""
_CROWDED: Final = 3
"""So many of 3 x 3 pixels must differ."""


class Background:
    """What one fixed camera shows when nothing happens: OpenCV's mixture of Gaussians (Zivkovic, 2004), in a small
    colour picture. Give it every frame, in order.
    """

    def __init__(self, options: BackgroundOptions | None = None) -> None:
        self._options = options or BackgroundOptions()
        self._learned: _Learned | None = None

    def blocks(self, frame: Frame) -> Mask | None:
        """The squares of `detect.blocks` where a frame differs from the background, with those around them.

        None: nothing is known of this frame, so that all of it may differ.
        """
        if frame.damaged:
            return None
        sketch, at_s = colours_of(frame), float(frame.pts * frame.time_base)
        if self._learned is not None and self._learned.fits(sketch):
            shift = self._learned.anchor.shift_of(_luma(sketch))
            if shift is not None:
                differs = self._learned.compare(moved_back(sketch, shift), at_s)
                if differs is not None:
                    return grown(blocks_of(moved_along(differs, shift))) if self._learned.done else None
        self._learned = _Learned(sketch, at_s, self._options)
        return None


class _Learned:
    """What is known so far of a background.

    Attributes:
        anchor: what other pictures are moved onto.
        done: so much is known that something of the picture can be shown.
    """

    def __init__(self, first: Colours, at_s: float, options: BackgroundOptions) -> None:
        self.anchor = Anchor(_luma(first))
        self.done = False
        self._options = options
        self._model = cv2.createBackgroundSubtractorMOG2(varThreshold=_SQUARED, detectShadows=False)
        self._model.setVarMin(_LEAST_VARIANCE)
        self._model.setVarInit(_FIRST_VARIANCE)
        self._model.setBackgroundRatio(_ONE_COLOUR)
        self._model.apply(first, learningRate=1.0)
        self._empty = first
        self._known = np.zeros(first.shape[:2], np.bool_)
        self._differed_s: npt.NDArray[np.float64] = np.full(first.shape[:2], at_s)
        self._began_s = self._adapted_s = at_s
        self._frames = 1

    def fits(self, sketch: Colours) -> bool:
        """Whether a sketch is of the same size."""
        return self._empty.shape == sketch.shape

    def compare(self, steady: Colours, at_s: float) -> Mask | None:
        """What differs from the background in a sketch that was moved onto the anchor, or is not known; None: most."""
        self._frames += 1
        if not self.done:
            return self._learn(steady, at_s)
        differs = _crowded(self._model.apply(steady, learningRate=0))
        strange = differs & self._known
        if strange.sum() > self._options.most_changed * self._known.sum():
            return None
        self._differed_s[differs] = at_s
        if at_s - self._adapted_s >= _ADAPT_EVERY_S:
            self._adapt(steady, strange, at_s)
        return differs | ~self._known

    def _learn(self, steady: Colours, at_s: float) -> Mask | None:
        if changed(self.anchor.luma, _luma(steady)).mean() > self._options.most_changed:
            return None
        # Every frame counts as much as the others.
        differs = _crowded(self._model.apply(steady, learningRate=1 / self._frames))
        self._differed_s[differs] = at_s
        self.done = at_s - self._began_s >= self._options.learn_s and self._frames >= self._options.learn_frames
        if self.done:
            self._know(at_s)
            self.anchor = Anchor(_luma(self._empty))
        return ~self._known

    def _adapt(self, steady: Colours, strange: Mask, at_s: float) -> None:
        """Follow the light, and learn the unknown; where something stands, the model is shown what it knows already."""
        near = (pixels_of(grown(blocks_of(strange)), strange.shape) & self._known)[:, :, None]
        clear = np.where(near, self._in_light_of(steady, ~near[:, :, 0]), steady)
        self._model.apply(clear, learningRate=1 - math.exp((self._adapted_s - at_s) / self._options.adapt_s))
        self._know(at_s)

    def _in_light_of(self, steady: Colours, clear: Mask) -> Colours:
        """The background as it would look where something stands, if the light changed as it did where it is clear."""
        now, before = (np.asarray(cv2.mean(p, clear.view(np.uint8))[:3]) for p in (steady, self._empty))
        gain = np.maximum(now, 1) / np.maximum(before, 1)
        return np.asarray(np.clip(np.rint(self._empty * gain), 0, 255), np.uint8)

    def _know(self, at_s: float) -> None:
        self._known |= at_s - self._differed_s >= self._options.learn_s
        self._empty = np.asarray(self._model.getBackgroundImage(), np.uint8).reshape(self._empty.shape)
        self._adapted_s = at_s


def _luma(sketch: Colours) -> Luma:
    return np.ascontiguousarray(sketch[:, :, 0])


def _crowded(mask: npt.NDArray[Any]) -> Mask:
    """Where a mask of 0 and 255 is set together with enough of its neighbours: noise is alone."""
    count = cv2.boxFilter(
        np.minimum(mask, 1).astype(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_REFLECT_101
    )
    return np.asarray(count >= _CROWDED, np.bool_)

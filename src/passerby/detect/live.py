"""When a live camera's frames are looked at, and what each look gave.

It is the attention of files (`attention.py`), with three differences. A look is done before the next frame is taken, so
that whoever feeds it knows how far it has come. Looks are rarer: where nothing changes a renewal of the whole picture
comes twice as late each time. And somebody may ask for a look at a place where something was lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from passerby.detect.attention import Attention, AttentionOptions
from passerby.detect.blocks import boxes_of
from passerby.detect.detector import Detector
from passerby.detect.evidence import Luma, Mask
from passerby.detect.lookers import Lookers
from passerby.detect.verdicts import Verdicts
from passerby.media import Frame, Picture
from passerby.regions import Boxes, Detections, Look, no_boxes

QUIET_S = 1.0
"""After a pause of so long a look gives its memory back: where nothing happens, it would lie idle between renewals."""

LIVE = AttentionOptions(threads=1, least_pause_s=0.25, renew_at_most_s=32.0)
"""How closely live cameras are looked at."""

_MOST_MISSED = 3
"""What stands unchanged is believed for so many renewals that do not find it again: a camera runs for days, and what
was found by mistake would stay covered all the time."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveLook:
    """What is known of one frame.

    Attributes:
        look: what was found, seen or carried.
        looked_at: what of the frame was looked at, float32, shape (N, 4), pixels of the frame; none where everything
            was carried from other frames.
    """

    look: Look
    looked_at: Boxes


class LiveLooks:
    """Looks at the frames of one camera, in order, in the thread of who calls."""

    def __init__(
        self,
        picture_of: Callable[[Frame], Picture],
        detector: Detector,
        options: AttentionOptions = LIVE,
        on_look: Callable[[float, Exception | None], None] = lambda seconds, error: None,
    ) -> None:
        """Get ready.

        Args:
            picture_of: what the detector looks at; what it raises counts as a look that failed.
            detector: who looks.
            options: how closely.
            on_look: told how long each look took, in seconds, and why it failed.
        """
        self._lookers = _AtOnce(picture_of, detector, options, on_look)
        self._attention = Attention(self._lookers, options)
        self._verdicts = Verdicts(self._lookers, _MOST_MISSED)

    @property
    def waits(self) -> bool:
        """Whether frames that were taken still have no verdict."""
        return self._attention.waits

    def take(self, frame: Frame, sketch: Luma | None, ask: Boxes) -> list[LiveLook]:
        """Look at a frame, or let it wait for the next; returns what is known by now, in order.

        Args:
            frame: PTS rise; frames may be left out.
            sketch: of the frame; None where it is damaged.
            ask: places to look at, too, as soon as a look is due, float32, shape (N, 4).
        """
        self._attention.asked = ask
        self._attention.take(frame, sketch)
        return self._known()

    def settle(self) -> list[LiveLook]:
        """Look at the last frame that waits: no other will come soon."""
        self._attention.finish()
        return self._known()

    def _known(self) -> list[LiveLook]:
        looks = list(self._verdicts.pass_on(self._attention.spans))
        return [LiveLook(look, self._lookers.looked_at.pop(look.pts, no_boxes())) for look in looks]


class _AtOnce(Lookers):
    """Looks in the thread of who asks, and remembers where.

    Attributes:
        looked_at: boxes by PTS, of the looks that worked.
    """

    def __init__(
        self,
        picture_of: Callable[[Frame], Picture],
        detector: Detector,
        options: AttentionOptions,
        on_look: Callable[[float, Exception | None], None],
    ) -> None:
        super().__init__(picture_of, detector, 1, options.longest_px)
        self.looked_at: dict[int, Boxes] = {}
        self._on_look = on_look
        self._last_s = -QUIET_S

    def look(self, frame: Frame, areas: Boxes | None) -> Future[Detections]:
        """Look now; the future is done."""
        done: Future[Detections] = Future()
        began_s = time.monotonic()
        failure: Exception | None = None
        try:
            found = self._look(frame, areas)
            if began_s - self._last_s >= QUIET_S:
                self._detector.rest()
            done.set_result(found)
            width, height = frame.upright_size
            whole = np.array([[0, 0, width, height]], np.float32)
            self.looked_at[frame.pts] = whole if areas is None else areas
        except Exception as error:
            failure = error
            done.set_exception(error)
        ended_s = time.monotonic()
        self._on_look(ended_s - began_s, failure)
        self._last_s = ended_s
        return done


def moving_in(blocks: Mask | None, around: Sequence[Mask | None], size: tuple[int, int]) -> Boxes | None:
    """All that differs from the background in a frame, as `MotionWatch` says it: None where that is not known.

    Args:
        blocks: squares that differ in the frame; None: the background is not known.
        around: in the frame before and the one after it; None where there is none, or nothing is known of it.
        size: width and height of the upright frame, in pixels.
    """
    if blocks is None:
        return None
    for beside in around:
        if beside is not None and beside.shape == blocks.shape:
            blocks = blocks | beside
    return boxes_of(blocks, size)

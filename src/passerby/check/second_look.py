"""A second look at the finished file: frames are sampled and looked at in another way than the first time.

The first look decides what is painted. This one only asks whether something face-like was left standing; whatever it
finds outside of the painted regions is for a person to see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from passerby.errors import RedactionIncomplete
from passerby.media import PHOTO_TIME_BASE, Frame, Orientation, Picture
from passerby.read.picture import picture_of
from passerby.regions import Boxes, Detections, Regions, to_stored

MOSTLY = 0.5
"""A detection counts as covered when more than this share of it is painted."""
TEXTURED = 0.5
"""Paint is even: what looks like a face inside of it is one only if more than this share of it has texture. Of painted
crowds at most half had (where ellipses of several colours meet), of faces 0.52 to 0.98."""
_GLIMPSE_PX, _BLOCK_PX, _EVEN = 32, 4, 4.0


class Looking(Protocol):
    """What looks: a detector."""

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """Everything found in `picture` (RGB, uint8, shape (H, W, 3), upright), in its pixels."""
        ...


@dataclass(frozen=True, slots=True)
class SecondLookOptions:
    """How the second look differs from the first, and how much of it there is.

    Attributes:
        every_s: about one look in so many seconds of video.
        at_most: looks at one file.
        frames_per_look: no more than one look for so many frames, so that short clips stay quick; first and last frame
            are looked at whatever this says.
        scale: size at which to look; the first look is taken at full size or at half of it.
        mirrored: look at the mirror image.
        threshold: least score that counts, from 0 to 1. Higher than that of the first look, which must miss nothing,
            while this one should not cry wolf.
        through: least score that counts inside of what should be painted. A painted face was never seen to score more
            than 0.55 in any style (640 faces), four of five unpainted ones score more than 0.6.
    """

    every_s: float = 1.0
    at_most: int = 120
    frames_per_look: int = 30
    scale: float = 0.75
    mirrored: bool = True
    threshold: float = 0.35
    through: float = 0.6


@dataclass(frozen=True, slots=True)
class Standing:
    """Something face-like that is not covered.

    Attributes:
        pts: of the frame, in units of the plan's time base.
        time_s: the same in seconds.
        box: x1, y1, x2, y2, pixels of the upright frame.
        score: the detector's confidence, 0 to 1.
        through: it lies inside of what should be painted, so that the paint may be missing.
    """

    pts: int
    time_s: float
    box: tuple[float, float, float, float]
    score: float
    through: bool = False


class SecondLook:
    """Looks at some frames of one finished file. Give `sample` and `look_at` to `read_back_video`.

    Attributes:
        options: how it looks.
        sample: numbers of the frames to be looked at, from 0.
        looked_at: how many were looked at so far.
        standing: what was found uncovered so far.
    """

    def __init__(
        self,
        detector: Looking,
        plan_regions: Callable[[int], Regions | None],
        *,
        pts: Sequence[int] | npt.NDArray[np.int64] = (0,),
        time_base: Fraction = PHOTO_TIME_BASE,
        name: str = "the copy",
        spared: Callable[[Boxes], npt.NDArray[np.bool_]] | None = None,
        options: SecondLookOptions | None = None,
    ) -> None:
        """Choose the frames.

        Args:
            detector: what looks.
            plan_regions: what the plan painted at a PTS; None: the frame is painted whole.
            pts: PTS of every frame of the finished file as the plan knows them, in order.
            time_base: seconds per unit of these PTS.
            name: the file's label in messages.
            spared: which of these boxes (float32, shape (N, 4)) the user wants left as they are: bool, shape (N,).
            options: how to look.
        """
        self._detector = detector
        self._plan_regions = plan_regions
        self._pts = pts
        self._time_base = time_base
        self._name = name
        self._spared = spared
        self.options = options or SecondLookOptions()
        self.sample = frozenset(sampled(pts, time_base, self.options))
        self.looked_at = 0
        self.standing: list[Standing] = []

    def look_at(self, index: int, frame: Frame) -> None:
        """Look at frame number `index` of the finished video, if it is one of the sample.

        Raises:
            RedactionIncomplete: the detector failed.
        """
        if index in self.sample:
            self.look_at_picture(picture_of(frame), int(self._pts[index]))

    def look_at_picture(self, picture: Picture, pts: int = 0) -> None:
        """Look at a picture of the finished file, or at the finished photo: RGB, uint8, shape (H, W, 3), upright.

        Raises:
            RedactionIncomplete: the detector failed.
        """
        try:
            found = self._found(picture)
        except Exception as error:
            raise RedactionIncomplete(
                f"{self._name} could not be looked at a second time, because the detector failed; the copy was withheld"
            ) from error
        self.looked_at += 1
        regions = self._plan_regions(pts)
        # A frame that is painted whole shows nothing: whatever is found in it is uncovered.
        painted = Regions().boxes if regions is None else regions.boxes
        inside = np.array([covered_share(box, painted) > MOSTLY for box in found.boxes], np.bool_)
        listed = ~inside
        if self._spared is not None and len(found):
            listed &= ~self._spared(found.boxes)
        through = inside & (found.scores >= self.options.through)
        through &= np.array([texture_share(picture, box) > TEXTURED for box in found.boxes], np.bool_)
        listed |= through
        self._note(found[listed], inside[listed], pts)

    def _found(self, picture: Picture) -> Detections:
        options = self.options
        turn = Orientation.MIRRORED if options.mirrored else Orientation.UPRIGHT
        seen = np.ascontiguousarray(turn.turn(picture))
        found = self._detector.find(seen, scale=options.scale, threshold=options.threshold)
        height, width = picture.shape[:2]
        return Detections(to_stored(found.boxes, turn, width, height), found.scores, found.labels)

    def _note(self, found: Detections, inside: npt.NDArray[np.bool_], pts: int) -> None:
        time_s = float(pts * self._time_base)
        for box, score, through in zip(found.boxes.tolist(), found.scores.tolist(), inside.tolist(), strict=True):
            self.standing.append(Standing(pts, time_s, tuple(box), score, through))


def texture_share(picture: Picture, box: npt.NDArray[np.float32]) -> float:
    """Which share of what a box shows is not even, 0 to 1: of blocks of 4x4 pixels, when it is scaled to 32x32, those
    whose gray values deviate by more than 4 levels from their mean."""
    height, width = picture.shape[:2]
    x1, y1 = np.clip(np.floor(box[:2]), 0, (width - 1, height - 1)).astype(int)
    x2, y2 = np.clip(np.ceil(box[2:]), (x1 + 1, y1 + 1), (width, height)).astype(int)
    gray = cv2.cvtColor(np.ascontiguousarray(picture[y1:y2, x1:x2]), cv2.COLOR_RGB2GRAY)
    glimpse = cv2.resize(gray, (_GLIMPSE_PX, _GLIMPSE_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    across = _GLIMPSE_PX // _BLOCK_PX
    blocks = glimpse.reshape(across, _BLOCK_PX, across, _BLOCK_PX)
    return float((blocks.std(axis=(1, 3)) > _EVEN).mean())


def sampled(pts: Sequence[int] | npt.NDArray[np.int64], time_base: Fraction, options: SecondLookOptions) -> list[int]:
    """Numbers of the frames to look at: the first, the last, and evenly many between them."""
    frames = len(pts)
    if frames < 2:
        return list(range(frames))
    duration_s = float((int(pts[-1]) - int(pts[0])) * time_base)
    looks = min(round(duration_s / options.every_s) + 1, options.at_most, -(-frames // options.frames_per_look))
    return sorted({round(place) for place in np.linspace(0, frames - 1, max(2, looks))})


def covered_share(box: npt.NDArray[np.float32], painted: Boxes) -> float:
    """Which share of a box lies in at least one of the painted ones, 0 to 1; of a box without area, 0."""
    low, high = np.maximum(painted[:, :2], box[:2]), np.minimum(painted[:, 2:], box[2:])
    meets = (high > low).all(axis=1)
    low, high = low[meets], high[meets]
    area = float(np.prod(np.clip(box[2:] - box[:2], 0, None), dtype=np.float64))
    if not area or not len(low):
        return 0.0
    # The edges of all of them cut the box into cells, each of which is covered wholly or not at all.
    x, y = (np.unique(np.concatenate([low[:, axis], high[:, axis]])).astype(np.float64) for axis in (0, 1))
    across = (low[:, None, 0] <= x[None, :-1]) & (high[:, None, 0] >= x[None, 1:])
    down = (low[:, None, 1] <= y[None, :-1]) & (high[:, None, 1] >= y[None, 1:])
    cells = np.einsum("nx,ny->xy", across.astype(np.int32), down.astype(np.int32)) > 0
    return float((cells * np.diff(x)[:, None] * np.diff(y)[None, :]).sum() / area)

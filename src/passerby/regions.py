"""Boxes and what is made of them: detections in one frame, tracks through time, regions to paint.

Boxes are `x1, y1, x2, y2`, float32, pixels of the upright frame, from the top left corner, half-open: a box covers
`pixels[y1:y2, x1:x2]`, so x2 and y2 may equal the frame's width and height.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from passerby.media import Orientation, flips_of

Boxes = npt.NDArray[np.float32]

LABELS = ("face", "plate", "head", "person", "text", "motion", "vehicle")
"""What can be found. Detections and regions hold indices into this. A vehicle tells a plate from other text."""

ELLIPTIC = frozenset({"face", "head"})
"""Labels that are painted as an ellipse through the corners of the box; the others as the box itself."""

MARGINS = {"face": 0.1, "plate": 0.15, "head": 0.1, "person": 0.05, "text": 0.1, "motion": 0.0}
"""What can be covered, and by how much a box of it grows on every side first, as a share of its width and height."""


def no_boxes() -> Boxes:
    """float32, shape (0, 4)."""
    return np.zeros((0, 4), np.float32)


def _check(name: str, array: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What was found in one frame. N may be 0.

    Attributes:
        boxes: float32, shape (N, 4).
        scores: float32, shape (N,): confidence from 0 to 1.
        labels: uint8, shape (N,): index into `LABELS`.
    """

    boxes: Boxes = field(default_factory=no_boxes)
    scores: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    labels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __post_init__(self) -> None:
        n = len(self.boxes)
        _check("boxes", self.boxes, (n, 4))
        _check("scores", self.scores, (n,))
        _check("labels", self.labels, (n,))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Detections:
        return Detections(self.boxes[which], self.scores[which], self.labels[which])

    def relabelled(self, names: Mapping[str, str]) -> Detections:
        """The same with other labels: from one of `LABELS` to another."""
        others = np.array([LABELS.index(names.get(label, label)) for label in LABELS], np.uint8)
        return Detections(self.boxes, self.scores, others[self.labels])

    @staticmethod
    def join(parts: Sequence[Detections]) -> Detections:
        """All of them in one; nothing is merged."""
        parts = [part for part in parts if len(part)]
        if len(parts) < 2:
            return parts[0] if parts else NOTHING
        return Detections(
            np.concatenate([p.boxes for p in parts]),
            np.concatenate([p.scores for p in parts]),
            np.concatenate([p.labels for p in parts]),
        )


NOTHING = Detections()
"""Found in most frames of a quiet video: one for all of them saves memory."""
_STILL = no_boxes()


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What looking at one frame of a video gave.

    Attributes:
        pts: PTS of the frame.
        detections: what was found in it, and what its neighbours show there: with its score where the picture is the
            same, with score 0, as a hint to the tracker, where it moved.
        how: "whole": looked at everywhere at full size; "part": only where it differs from its looked-at neighbours;
            "carried": it differs nowhere, so that the neighbours speak for it; "unseen": damaged, or the detector
            failed: the frame is to be covered whole.
        cut: this frame begins a new scene; no track crosses over to it.
        moving: float32, shape (N, 4): all that differs from the background of a fixed camera; none unless that was
            asked for. None: the background is not known, and the frame is to be covered whole.
    """

    pts: int
    detections: Detections
    how: Literal["whole", "part", "carried", "unseen"] = "whole"
    cut: bool = False
    moving: Boxes | None = field(default_factory=lambda: _STILL)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One head, face or plate through time, within one video, forgotten when it ends.

    Attributes:
        label: index into `LABELS`.
        pts: int64, shape (N,), strictly rising.
        boxes: float32, shape (N, 4), one for each PTS.
        scores: float32, shape (N,): the detection's score, 0 where no detection stands behind the box.
        seen: bool, shape (N,): a detection stands behind this box; elsewhere it was filled in or grown.
    """

    label: int
    pts: npt.NDArray[np.int64]
    boxes: Boxes
    scores: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.pts)
        _check("boxes", self.boxes, (n, 4))
        _check("scores", self.scores, (n,))
        _check("seen", self.seen, (n,))


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """What gets painted in one frame: boxes grown by a margin. N may be 0.

    Everything inside a box is painted, whatever the shape: an ellipse goes through the corners of its box.

    Attributes:
        boxes: float32, shape (N, 4), pixels of the upright frame; may reach over its edges.
        labels: uint8, shape (N,): index into `LABELS`.
    """

    boxes: Boxes = field(default_factory=no_boxes)
    labels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __post_init__(self) -> None:
        n = len(self.boxes)
        _check("boxes", self.boxes, (n, 4))
        _check("labels", self.labels, (n,))

    def __len__(self) -> int:
        return len(self.boxes)


def grow(boxes: Boxes, margin: float) -> Boxes:
    """Boxes with `margin` times their width and height added on every side."""
    pad = (boxes[:, 2:] - boxes[:, :2]) * np.float32(margin)
    return np.concatenate([boxes[:, :2] - pad, boxes[:, 2:] + pad], axis=1).astype(np.float32)


def clip(boxes: Boxes, width: int, height: int) -> Boxes:
    """Boxes cut at the edges of a frame of that size, in pixels."""
    limit = np.array([width, height, width, height], np.float32)
    return np.clip(boxes, 0, limit).astype(np.float32)


def iou(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Intersection over union, float32, shape (len(a), len(b)), from 0 to 1."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared: npt.NDArray[np.float32] = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)
    areas_a = np.prod(np.clip(a[:, 2:] - a[:, :2], 0, None), axis=1)
    areas_b = np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=1)
    union = areas_a[:, None] + areas_b[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float32)


def share_within(boxes: Boxes, areas: Boxes) -> npt.NDArray[np.float32]:
    """How much of each box lies in the areas, which do not overlap: float32, shape (N,), from 0 to 1."""
    top_left = np.maximum(boxes[:, None, :2], areas[None, :, :2])
    bottom_right = np.minimum(boxes[:, None, 2:], areas[None, :, 2:])
    shared = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2).sum(axis=1)
    sizes = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    return np.asarray(np.divide(shared, sizes, out=np.zeros_like(shared), where=sizes > 0), np.float32)


def to_stored(boxes: Boxes, orientation: Orientation, width: int, height: int) -> Boxes:
    """Boxes of the upright frame, in the stored frame; `width` and `height` are those of the stored frame."""
    upright_width, upright_height = orientation.upright_size(width, height)
    x1, y1, x2, y2 = boxes.T
    down, across = flips_of(orientation)
    if across:
        x1, x2 = upright_width - x2, upright_width - x1
    if down:
        y1, y2 = upright_height - y2, upright_height - y1
    if orientation.swaps_sides:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.stack([x1, y1, x2, y2], axis=1).astype(np.float32)

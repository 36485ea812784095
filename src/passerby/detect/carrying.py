"""Detections brought over from one frame to another: unchanged where the picture is, moved where it moved.

What is brought over with score 0 is a hint: no detection stands behind it, so that it starts no track, but a track that
passes by follows it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from passerby.detect.evidence import Flow
from passerby.regions import Boxes, Detections, iou, share_within

THIN: Final = 4
"""Flow is kept at every fourth pixel of the sketch; the search does not tell more."""
_ROUNDS: Final = 3
_MIDDLE: Final = 0.15
"""This share of a box on each side shows what is behind a face, not the face."""
_ACROSS: Final = np.linspace(_MIDDLE, 1 - _MIDDLE, 7, dtype=np.float32)
"""Where in a box its flow is read, in both directions, as shares of its side."""
_SAME: Final = 0.3
"""Boxes that overlap by more than this are one face seen twice, as intersection over union."""
_LOOKED_AT: Final = 0.5

Offsets = npt.NDArray[np.float32]


def thin(flow: Flow) -> Flow:
    """Flow at every `THIN`-th pixel, in memory of its own."""
    return np.ascontiguousarray(flow[::THIN, ::THIN])


def follow_flow(boxes: Boxes, flow: Flow, shrink: npt.NDArray[np.float32], start: Offsets) -> Offsets:
    """How far boxes of another frame have moved until this one, in pixels of the frame: float32, shape (N, 2).

    Args:
        boxes: float32, shape (N, 4), pixels of the other frame.
        flow: from this frame's sketch to the other's, thinned.
        shrink: pixels of the frame for one of the sketch.
        start: where to search from, shape (N, 2): how far they had moved one frame nearer to the other.
    """
    unit = shrink * THIN
    moved = start.copy()
    for _ in range(_ROUNDS):
        here = ((boxes + np.tile(moved, (1, 2))) / np.tile(unit, 2)).astype(np.float32)
        moved = (-np.median(_within(flow, here), axis=1) * shrink).astype(np.float32)
    return moved


def _within(flow: Flow, boxes: Boxes) -> Flow:
    """The flow at even places in the middle of each box, for all of them at once: shape (N, places, 2)."""
    height, width = flow.shape[:2]
    columns = np.clip(_places(boxes[:, 0], boxes[:, 2]), 0, width - 1)
    rows = np.clip(_places(boxes[:, 1], boxes[:, 3]), 0, height - 1)
    return flow[rows[:, :, None], columns[:, None, :]].reshape(len(boxes), len(_ACROSS) ** 2, 2)


def _places(start: npt.NDArray[np.float32], end: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Whole numbers from the beginning to the end of the middle of each span: shape (N, places on a side)."""
    return np.floor(start[:, None] + _ACROSS * (end - start)[:, None]).astype(np.intp)


def hints(found: Detections, offsets: Offsets) -> Detections:
    """Detections of a neighbour, moved by `offsets` and with score 0."""
    boxes = (found.boxes + np.tile(offsets, (1, 2))).astype(np.float32)
    return Detections(boxes, np.zeros(len(found), np.float32), found.labels)


def without_repeats(found: Detections, others: Detections) -> Detections:
    """Both, but for the `others` that overlap with something found of the same label."""
    if not len(found) or not len(others):
        return Detections.join([found, others])
    same = (iou(others.boxes, found.boxes) > _SAME) & (others.labels[:, None] == found.labels[None, :])
    return Detections.join([found, others[~same.any(axis=1)]])


def renewed(found: Detections, known: Detections, areas: Boxes) -> Detections:
    """All that is in a frame of which only `areas` were looked at, from what was `known` of it before.

    What lies outside of the areas is as it was. What reaches into them and was not found again becomes a hint, and is
    forgotten where most of it was looked at.
    """
    if not len(areas):
        return known
    looked_at = share_within(known.boxes, areas)
    scores = np.where(looked_at > 0, 0, known.scores).astype(np.float32)
    kept = Detections(known.boxes, scores, known.labels)[looked_at < _LOOKED_AT]
    return without_repeats(found, kept)

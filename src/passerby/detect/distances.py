"""From the tensors of NanoDet to boxes: scores in cells, and distributions of the distances to the four sides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from passerby.detect.runtime import Outputs
from passerby.errors import ModelError
from passerby.regions import LABELS, Detections

STRIDES = (8, 16, 32)
"""Pixels of the net's input per cell; the coarser see larger things."""

BINS = 11
"""A distance is from 0 to 10 cells, so that a box is at most 640 px wide and high."""


def distance_bins(outputs: Outputs, threshold: float, labels: tuple[str, ...]) -> Detections:
    """What is found in the first picture of a batch, in pixels of the net's input, not merged and not clipped.

    A cell (row r, column c) that scores over the threshold is in a thing. From the middle of the cell, at
    `stride * (c + 0.5, r + 0.5)`, it is so many cells to the thing's left, upper, right and lower side as the
    distribution over the bins 0 to 10 has for its mean. From Li et al., "Generalized Focal Loss", 2020, as NanoDet's
    authors use it (github.com/RangiLyu/nanodet, `NanoDetHead` of version 0.4).

    Args:
        outputs: for each of `STRIDES` "scores_8" (B, K, R, C) from 0 to 1, for K labels in turn, and "distances_8"
            (B, 4 * BINS, R, C), logits of the distributions; float32.
        threshold: least score, from 0 to 1.
        labels: of `regions.LABELS`, one for each score.

    Raises:
        ModelError: an output is not a number; no comparison with it could be believed.
    """
    return Detections.join([_of_stride(outputs, stride, threshold, labels) for stride in STRIDES])


def _of_stride(outputs: Outputs, stride: int, threshold: float, labels: tuple[str, ...]) -> Detections:
    scores, logits = outputs[f"scores_{stride}"][0], outputs[f"distances_{stride}"][0]
    which, rows, columns = np.nonzero(scores >= threshold)
    logits = np.reshape(logits, (4, BINS, *logits.shape[1:]))[:, :, rows, columns]
    # The maximum of an array that holds a NaN is a NaN.
    if not (np.isfinite(scores.max()) and np.isfinite(logits).all()):
        raise ModelError("the net gave values that are no numbers, the picture was not looked at")
    left, up, right, down = stride * _means(logits)
    x, y = stride * (columns + 0.5), stride * (rows + 0.5)
    boxes = np.stack([x - left, y - up, x + right, y + down], axis=1)
    known = np.array([LABELS.index(label) for label in labels], np.uint8)
    return Detections(boxes.astype(np.float32), scores[which, rows, columns].astype(np.float32), known[which])


def _means(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of the distributions over the bins, shape (4, N): softmax of (4, BINS, N), its mean in bins."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    bins = np.arange(BINS, dtype=np.float32)[:, None]
    return np.asarray((bins * weights).sum(axis=1) / weights.sum(axis=1), np.float32)

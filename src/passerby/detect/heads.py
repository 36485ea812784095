"""From the tensors of a net to boxes: one function per family of models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from passerby.detect.distances import distance_bins
from passerby.detect.merge import SAME_FACE_IOU
from passerby.detect.text import text_boxes
from passerby.errors import ModelError
from passerby.media import Picture
from passerby.regions import LABELS, Detections

Tensors = dict[str, npt.NDArray[np.float32]]

HEAD = LABELS.index("head")

CENTRE_STRIDE = 4
"""Pixels of the net's input per cell of its outputs."""

_LARGEST_LOG_SIZE = 10.0  # exp(10) cells are 88,000 px, more than any picture that is looked at


def centre_heatmaps(outputs: Tensors, threshold: float, labels: tuple[str, ...]) -> Detections:
    """What is found in the first picture of a batch, in pixels of the net's input, not merged and not clipped.

    Each label has a heatmap. A cell (row r, column c) of it that is over the threshold is a thing with its centre at
    `stride * (c + offset_x + 0.5, r + offset_y + 0.5)`, `stride * exp(scale)` wide and high. From Xu et al.,
    "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019, with the half cell of the authors' code
    (github.com/Star-Clouds/CenterFace, `decode`). Rows come before columns in `scale` and `offset`.

    Args:
        outputs: "heatmap" (B, K, R, C), "scale" and "offset" (B, 2K, R, C), float32, for K labels in turn.
        threshold: least score, from 0 to 1.
        labels: of `regions.LABELS`, one for each heatmap.

    Raises:
        ModelError: an output is not a number; no comparison with it could be believed.
    """
    heatmaps = outputs["heatmap"][0]
    which, rows, columns = np.nonzero(heatmaps >= threshold)
    scale = np.exp(np.minimum(_pairs(outputs["scale"])[which, :, rows, columns], _LARGEST_LOG_SIZE))
    centre = _pairs(outputs["offset"])[which, :, rows, columns] + np.stack([rows, columns], axis=1) + 0.5
    corners = np.stack([centre - scale / 2, centre + scale / 2], axis=1)
    boxes = CENTRE_STRIDE * corners[:, :, ::-1].reshape(-1, 4)  # columns are x
    # The maximum of an array that holds a NaN is a NaN.
    if not (np.isfinite(heatmaps.max()) and np.isfinite(boxes).all()):
        raise ModelError("the net gave values that are no numbers, the picture was not looked at")
    known = np.array([LABELS.index(label) for label in labels], np.uint8)
    return Detections(boxes.astype(np.float32), heatmaps[which, rows, columns].astype(np.float32), known[which])


def _pairs(output: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of the first picture: shape (K, 2, R, C)."""
    return np.reshape(output[0], (-1, 2, *output.shape[2:]))


LARGE_PX, LARGE_NEEDS = (28.0, 68.0), 2.0
"""The head net knows small heads best: what looks like a large one to it is more often none, and a large head is a
small one when it is looked at from afar. Between these heights, in pixels of the net, a head comes to need that many
times the score. Measured on labelled photos: docs/reference/accuracy."""


def heads_and_plates(outputs: Tensors, threshold: float, labels: tuple[str, ...]) -> Detections:
    """As `centre_heatmaps`, with the scores of large heads made less, so that one threshold fits all sizes."""
    found = large_weighed(centre_heatmaps(outputs, threshold, labels), 1.0, LARGE_NEEDS)
    return found[found.scores >= threshold]


def large_weighed(found: Detections, scale: float, needs: float) -> Detections:
    """The scores of large heads divided by up to `needs`; `scale` is pixels of the net for one of the boxes."""
    heights = (found.boxes[:, 3] - found.boxes[:, 1]) * scale
    needed = np.interp(heights, LARGE_PX, (1.0, needs))
    scores = np.where(found.labels == HEAD, found.scores / needed, found.scores)
    return Detections(found.boxes, scores.astype(np.float32), found.labels)


FAMILIES: dict[str, Callable[[Tensors, float, tuple[str, ...]], Detections]] = {
    "centre": centre_heatmaps,
    "heads": heads_and_plates,
    "nanodet": distance_bins,
    "text": text_boxes,
}
"""How the outputs of a model are read: tensors, least score, labels that it finds."""

SAME_IOU = {"nanodet": 0.5, "text": 0.8}
"""Boxes that overlap by more than this are one thing. People stand before each other; two lines of text, moved out,
overlap and are two."""


def same_iou(family: str) -> float:
    """Which overlap (IoU) makes two boxes of a family one, from 0 to 1."""
    return SAME_IOU.get(family, SAME_FACE_IOU)


def padded(picture: Picture, multiple: int) -> Picture:
    """`picture` with black added at the right and at the bottom until both sides are multiples of `multiple`."""
    height, width = picture.shape[:2]
    below, beside = -height % multiple, -width % multiple
    return np.pad(picture, ((0, below), (0, beside), (0, 0))) if below or beside else picture

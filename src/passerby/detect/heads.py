"""From the tensors of a net to boxes: one function per family of models."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from passerby.errors import ModelError
from passerby.media import Picture
from passerby.regions import LABELS, Detections

CENTERFACE_STRIDE = 4
"""Pixels of the net's input per cell of its outputs."""

_LARGEST_LOG_SIZE = 10.0  # exp(10) cells are 88,000 px, more than any picture that is looked at


def centerface(outputs: dict[str, npt.NDArray[np.float32]], threshold: float) -> Detections:
    """Faces in the first picture of a batch, in pixels of the net's input, not merged and not clipped.

    A cell (row r, column c) whose heatmap is over the threshold is a face with its centre at
    `stride * (c + offset_x + 0.5, r + offset_y + 0.5)`, `stride * exp(scale)` wide and high. From Xu et al.,
    "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019, with the half cell of the authors' code
    (github.com/Star-Clouds/CenterFace, `decode`). Rows come before columns in `scale` and `offset`.

    Args:
        outputs: "heatmap" (B, 1, R, C), "scale" and "offset" (B, 2, R, C), float32.
        threshold: least score, from 0 to 1.

    Raises:
        ModelError: an output is not a number; no comparison with it could be believed.
    """
    heatmap = outputs["heatmap"][0, 0]
    rows, columns = np.nonzero(heatmap >= threshold)
    scale_y, scale_x = np.exp(np.minimum(outputs["scale"][0][:, rows, columns], _LARGEST_LOG_SIZE))
    offset_y, offset_x = outputs["offset"][0][:, rows, columns]
    x, y = columns + offset_x + 0.5, rows + offset_y + 0.5
    cells = CENTERFACE_STRIDE * np.stack([x - scale_x / 2, y - scale_y / 2, x + scale_x / 2, y + scale_y / 2], axis=1)
    # The maximum of an array that holds a NaN is a NaN.
    if not (np.isfinite(heatmap.max()) and np.isfinite(cells).all()):
        raise ModelError("the net gave values that are no numbers, the picture was not looked at")
    return Detections(
        cells.astype(np.float32),
        heatmap[rows, columns].astype(np.float32),
        np.full(len(rows), LABELS.index("face"), np.uint8),
    )


def padded(picture: Picture, multiple: int) -> Picture:
    """`picture` with black added at the right and at the bottom until both sides are multiples of `multiple`."""
    height, width = picture.shape[:2]
    below, beside = -height % multiple, -width % multiple
    return np.pad(picture, ((0, below), (0, beside), (0, 0))) if below or beside else picture

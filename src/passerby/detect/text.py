"""Where text is: the probability map of a text detection net becomes boxes. Nothing here reads text."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from passerby.errors import ModelError
from passerby.regions import LABELS, NOTHING, Boxes, Detections

UNCLIP = 2.2
"""How far the outline of a text is moved out, times its area over its circumference. The net is trained to mark the
core of a text only; the 1.5 of the authors leaves the edges of letters standing."""

LEAST_SIDE_PX = 2
"""Marks whose shorter side is less than this many pixels of the net's input are noise."""


def text_boxes(outputs: dict[str, npt.NDArray[np.float32]], threshold: float, labels: tuple[str, ...]) -> Detections:
    """Texts in the first picture of a batch, in pixels of the net's input, not merged and not clipped.

    Pixels over the threshold that touch are one text. Around it goes the smallest rectangle at any angle, moved out by
    `UNCLIP` times area over circumference; the box is the upright one around that. Its score is the mean of the map
    over the text's pixels. From Liao, Wan, Yao, Chen, Bai: "Real-time Scene Text Detection with Differentiable
    Binarization", 2020, and PaddleOCR's `DBPostProcess`.

    Args:
        outputs: "heatmap" (B, 1, H, W), float32: the probability that a pixel is in the core of a text.
        threshold: least probability of a pixel, from 0 to 1.
        labels: what is found, one of `regions.LABELS`.

    Raises:
        ModelError: the map holds what is no number; no comparison with it could be believed.
    """
    heatmap = np.ascontiguousarray(outputs["heatmap"][0, 0], np.float32)
    # The maximum of an array that holds a NaN is a NaN.
    if not np.isfinite(heatmap.max()):
        raise ModelError("the net gave values that are no numbers, the picture was not looked at")
    mask = (heatmap >= threshold).view(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return NOTHING
    rectangles = np.array([(*centre, *size, turn) for centre, size, turn in map(cv2.minAreaRect, outlines)], np.float32)
    # A rectangle goes through the centres of the pixels at its edge: half a pixel is missing on every side.
    rectangles[:, :2] += 0.5
    rectangles[:, 2:4] += 1
    large = rectangles[:, 2:4].min(axis=1) >= LEAST_SIDE_PX
    scores = _means(heatmap, mask, [outline[0, 0] for outline in outlines])
    label = np.full(int(large.sum()), LABELS.index(labels[0]), np.uint8)
    return Detections(_upright(_moved_out(rectangles[large])), scores[large], label)


def _means(
    heatmap: npt.NDArray[np.float32], mask: npt.NDArray[np.uint8], points: list[npt.NDArray[np.int32]]
) -> npt.NDArray[np.float32]:
    """The mean of the map over each run of touching pixels, told by one of its pixels, x and y."""
    count, names = cv2.connectedComponents(mask, connectivity=8)
    marked = np.flatnonzero(mask)
    at = names.ravel()[marked]
    sums = np.bincount(at, heatmap.ravel()[marked], count)
    x, y = np.array(points).T
    # A mean of numbers from 0 to 1 can come out one rounding above 1.
    means = np.clip(sums / np.maximum(np.bincount(at, minlength=count), 1), 0, 1)
    return np.asarray(means[names[y, x]], np.float32)


def _moved_out(rectangles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rectangles (x, y, width, height, degrees), each side moved out by `UNCLIP` times area over circumference."""
    sides = rectangles[:, 2:4]
    distance = UNCLIP * sides.prod(axis=1, keepdims=True) / (2 * sides.sum(axis=1, keepdims=True))
    return np.concatenate([rectangles[:, :2], sides + 2 * distance, rectangles[:, 4:]], axis=1)


def _upright(rectangles: npt.NDArray[np.float32]) -> Boxes:
    """The boxes around turned rectangles: float32, shape (N, 4)."""
    turn = np.deg2rad(rectangles[:, 4:])
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    half = rectangles[:, 2:4] / 2
    reach = half * cos + half[:, ::-1] * sin
    return np.concatenate([rectangles[:, :2] - reach, rectangles[:, :2] + reach], axis=1).astype(np.float32)

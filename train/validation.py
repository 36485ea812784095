"""How far a run has come: what the net finds in pictures that are kept back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from passerby.detect.heads import centre_heatmaps, padded
from passerby.detect.merge import strongest
from passerby.regions import LABELS, MARGINS, Boxes, Detections, grow
from train.data import Example, Picture
from train.net import CLASSES, HeadNet

THRESHOLDS = (0.1, 0.2)
"""Least scores at which it is measured."""

LEAST_PX = 12
"""Heads that are less high, in pixels, are not asked for."""

COVERED = 0.75
"""Least share of a head's box that has to lie in grown boxes of found heads."""


@torch.no_grad()
def found_in(net: HeadNet, picture: Picture, threshold: float) -> Detections:
    """What the net finds in one look at full size, with scores of `threshold` or more.

    Args:
        net: in float32.
        picture: RGB, uint8, shape (H, W, 3), any size.
        threshold: least score, from 0 to 1.
    """
    pixels = torch.from_numpy(padded(picture, 32)[None]).permute(0, 3, 1, 2).float()
    heat, scale, offset = net(pixels)
    outputs = {"heatmap": torch.sigmoid(heat).numpy(), "scale": scale.numpy(), "offset": offset.numpy()}
    return strongest(centre_heatmaps(outputs, threshold, CLASSES))


def validated(net: HeadNet, examples: Sequence[Example]) -> dict[str, float]:
    """For each threshold the share of heads that are covered and the share of the pictures that is painted.

    Every found head is painted as its box, grown as passerby grows it. That is a little less than the ellipse that
    passerby paints, and no verdict by `score.py`, which looks at pixels; the two rise and fall together.

    Args:
        net: in float32.
        examples: pictures in which every head is labelled.
    """
    covered: dict[float, list[bool]] = {threshold: [] for threshold in THRESHOLDS}
    painted: dict[float, list[float]] = {threshold: [] for threshold in THRESHOLDS}
    for example in examples:
        picture = example.picture()
        found = found_in(net, picture, min(THRESHOLDS))
        heads = found[found.labels == LABELS.index("head")]
        for threshold in THRESHOLDS:
            paint = painted_with(heads.boxes[heads.scores >= threshold], picture)
            covered[threshold] += covered_by(paint, example.boxes[CLASSES.index("head")])
            painted[threshold].append(float(paint.mean()))
    shares = {f"covered_{threshold}": _mean(covered[threshold]) for threshold in THRESHOLDS}
    return {**shares, **{f"painted_{threshold}": _mean(painted[threshold]) for threshold in THRESHOLDS}}


def painted_with(boxes: Boxes, picture: Picture) -> npt.NDArray[np.bool_]:
    """Which pixels of a picture lie in the grown boxes of heads: shape (H, W)."""
    height, width = picture.shape[:2]
    paint = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in _pixels(grow(boxes, MARGINS["head"]), width, height):
        paint[y1:y2, x1:x2] = True
    return paint


def covered_by(paint: npt.NDArray[np.bool_], heads: Boxes) -> list[bool]:
    """Whether each of the heads that are high enough, as boxes in pixels, is painted over."""
    height, width = paint.shape
    asked = heads[heads[:, 3] - heads[:, 1] >= LEAST_PX]
    return [bool(paint[y1:y2, x1:x2].mean() >= COVERED) for x1, y1, x2, y2 in _pixels(asked, width, height)]


def _pixels(boxes: Boxes, width: int, height: int) -> list[list[int]]:
    """Boxes rounded outwards and clipped to a picture."""
    outwards = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], axis=1)
    rounded: list[list[int]] = outwards.clip(0, [width, height, width, height]).astype(int).tolist()
    return rounded


def _mean(values: Sequence[float]) -> float:
    """To four places; nothing to be found is wholly found."""
    return round(float(np.mean(values)), 4) if values else 1.0

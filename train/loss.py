"""What the net is to say of a cut-out, and how far it is from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from train.cutting import Sample
from train.data import Boxes
from train.net import CLASSES, STRIDE

_SPREAD = 0.11  # of a box's side: the standard deviation of its bump in the heat map
_LEAST_SPREAD = 0.55  # cells
_NEAR = 1.5  # cells around the centre in which size and place are learned too


Maps = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """For one cut-out, K classes, h x w cells.

    Attributes:
        heat: float32, shape (K, h, w): 1 in the cell of a centre, less around it.
        known: float32, shape (K, h, w): 1 where the heat is to be learned.
        sizes: float32, shape (2K, h, w): logarithm of height and width in cells.
        offsets: float32, shape (2K, h, w): centre, row before column, in cells from the middle of the cell.
        weights: float32, shape (K, h, w): how much sizes and offsets count there.
    """

    heat: Maps
    known: Maps
    sizes: Maps
    offsets: Maps
    weights: Maps


def target_of(sample: Sample) -> Target:
    """The target for a cut-out whose side is a multiple of the net's stride."""
    cells = sample.pixels.shape[0] // STRIDE
    count = len(CLASSES)
    heat, known, weights = (np.zeros((count, cells, cells), np.float32) for _ in range(3))
    sizes, offsets = (np.zeros((2 * count, cells, cells), np.float32) for _ in range(2))
    target = Target(heat, known, sizes, offsets, weights)
    for index in range(count):
        known[index] = sample.known[index].reshape(cells, STRIDE, cells, STRIDE).min(axis=(1, 3))
        boxes = sample.boxes[index]
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        # The smaller come last and prevail where they stand before larger ones.
        _enter(target, index, boxes[np.argsort(-area)] / np.float32(STRIDE))
    return target


def _enter(target: Target, index: int, boxes: Boxes) -> None:
    """Enter the boxes of one class, in cells, into a target."""
    heat, known, weights = target.heat[index], target.known[index], target.weights[index]
    of_class = slice(2 * index, 2 * index + 2)
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]].astype(np.float32)
    for x1, y1, x2, y2 in boxes:
        width, height = max(x2 - x1, 0.5), max(y2 - y1, 0.5)
        down, right = (y1 + y2) / 2 - rows - 0.5, (x1 + x2) / 2 - columns - 0.5
        bump = _bump(down, right, height, width)
        near = (np.maximum(np.abs(right), np.abs(down)) <= _NEAR) & (bump >= heat)
        np.maximum(heat, bump, out=heat)
        known[bump == 1] = 1
        target.sizes[of_class, near] = np.log([[height], [width]])
        target.offsets[of_class, near] = down[near], right[near]
        weights[near] = bump[near]


def _bump(down: Maps, right: Maps, height: float, width: float) -> Maps:
    """1 in the cell of the centre, falling off around it: shape (h, w), from the way to the centre, all in cells."""
    wide, tall = max(_SPREAD * width, _LEAST_SPREAD), max(_SPREAD * height, _LEAST_SPREAD)
    bump = np.exp(-((right / wide) ** 2 + (down / tall) ** 2) / 2)
    bump[np.unravel_index(int((right**2 + down**2).argmin()), bump.shape)] = 1
    return np.asarray(bump, np.float32)


def heat_loss(logits: Tensor, heat: Tensor, known: Tensor) -> Tensor:
    """Focal loss that forgives what is near a centre (Law and Deng, CornerNet, 2018), per centre, for each class.

    All: float32, shape (B, K, h, w). Gives shape (K,).
    """
    positive = (heat == 1).float()
    seen = torch.sigmoid(logits)
    yes = functional.softplus(-logits) * (1 - seen) ** 2 * positive
    no = functional.softplus(logits) * seen**2 * (1 - heat) ** 4 * (1 - positive)
    total = ((yes + no) * known).sum((0, 2, 3))
    return total / (positive.sum((0, 2, 3)) + 1)


def box_loss(said: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Mean absolute difference where it counts; shapes (B, 2K, h, w) twice and (B, K, h, w)."""
    twice = weights.repeat_interleave(2, dim=1)
    return ((said - wanted).abs() * twice).sum() / (twice.sum() + 1)

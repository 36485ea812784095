"""Cut-outs to train on: any size of head and plate, any light, four pictures at once where they are small."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from train.data import NO_BOXES, Boxes, Example, Picture
from train.net import CLASSES


@dataclass(frozen=True, slots=True)
class Sample:
    """A square cut-out, and in its pixels what `Example` says.

    Attributes:
        known: for each class uint8, shape (H, W): 1 where what is not labelled is known not to be there.
    """

    pixels: Picture
    boxes: tuple[Boxes, ...]
    known: tuple[Picture, ...]


SMALLEST, LARGEST = 7.0, 220.0
"""Sizes that heads and plates are brought to, in pixels."""

_SMALL = 70.0
_MOSAIC = 0.35
_LEAST_SIDE = 5.0
_FILLED = 0.55  # of the cut-out's side: the longer side of a picture is at least that long
_AROUND_PLATE = 1.0  # of its size: how much around a plate is known where only some plates are labelled


def sample_of(examples: list[Example], size: int, rng: np.random.Generator) -> Sample:
    """A cut-out of the first example, or a mosaic of four."""
    if len(examples) >= 4 and rng.random() < _MOSAIC:
        half = size // 2
        parts = [_lit(_cut(example, half, _SMALL, rng), rng) for example in examples[:4]]
        return _joined(parts, half)
    return _lit(_cut(examples[0], size, LARGEST, rng), rng)


def _cut(example: Example, size: int, largest: float, rng: np.random.Generator) -> Sample:
    """A cut-out in which one of the labelled things, taken at random, has a random size and place."""
    picture = example.picture()
    height, width = picture.shape[:2]
    everything = np.concatenate(example.boxes)
    if len(everything):
        box = everything[rng.integers(len(everything))]
        side = max(1.0, math.sqrt(max(1.0, float((box[2] - box[0]) * (box[3] - box[1])))))
        wanted = math.exp(rng.uniform(math.log(SMALLEST), math.log(largest)))
        scale = float(np.clip(wanted / side, 0.2, 3.0))
        focus = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    else:
        scale = math.exp(rng.uniform(math.log(0.4), math.log(2.0)))
        focus = (rng.uniform(0, width), rng.uniform(0, height))
    scale = max(scale, _FILLED * size / max(height, width))
    shrink = min(1.0, scale)
    if shrink < 0.7:
        picture = np.asarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        shrink = 1.0
    stretch = np.exp(rng.normal(0, 0.08, 2)) * scale
    angle = rng.normal(0, 6) if rng.random() < 0.5 else (rng.uniform(-35, 35) if rng.random() < 0.25 else 0.0)
    turn = np.array(
        [
            [math.cos(math.radians(angle)), -math.sin(math.radians(angle))],
            [math.sin(math.radians(angle)), math.cos(math.radians(angle))],
        ]
    )
    matrix = turn @ np.diag(stretch * (rng.choice([-1, 1]), 1))
    place = rng.uniform(0.15, 0.85, 2) * size
    matrix = np.column_stack([matrix, place - matrix @ np.array(focus)])
    of_shrunk = matrix.copy()
    of_shrunk[:, :2] /= shrink
    pixels = cv2.warpAffine(picture, of_shrunk, (size, size), flags=cv2.INTER_LINEAR)
    turned = tuple(_moved(boxes, matrix, size) for boxes in example.boxes)
    known = tuple(_known(example, index, matrix, size) for index in range(len(CLASSES)))
    return Sample(np.asarray(pixels, np.uint8), turned, known)


def _moved(boxes: Boxes, matrix: np.ndarray, size: int) -> Boxes:
    """Boxes around the moved ellipses that the boxes hold, those that can be seen at least half."""
    if not len(boxes):
        return NO_BOXES
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    radii = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt((radii**2) @ (matrix[:, :2] ** 2).T)
    moved = np.concatenate([centre - reach, centre + reach], axis=1)
    cut = moved.clip(0, size)
    seen = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1])
    area = 4 * reach[:, 0] * reach[:, 1]
    inside = (seen > 0.5 * area) & (2 * reach.min(axis=1) >= _LEAST_SIDE)
    return np.asarray(cut[inside], np.float32)


def _known(example: Example, index: int, matrix: np.ndarray, size: int) -> Picture:
    boxes, ignored = example.boxes[index], example.ignored[index]
    if example.whole[index]:
        known = np.ones((size, size), np.uint8)
        for corners in _corners(ignored, matrix):
            cv2.fillConvexPoly(known, corners, 0)
    else:
        known = np.zeros((size, size), np.uint8)
        grow = np.repeat((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)[:, None], 2, 1) * _AROUND_PLATE
        for corners in _corners(np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1), matrix):
            cv2.fillConvexPoly(known, corners, 1)
    # A thing that is hardly to be seen, too small or cut off, is neither there nor not there.
    for box, corners in zip(boxes, _corners(boxes, matrix), strict=True):
        if not len(_moved(box[None], matrix, size)):
            cv2.fillConvexPoly(known, corners, 0)
    return known


def _corners(boxes: Boxes, matrix: np.ndarray) -> list[np.ndarray]:
    square = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    return [np.rint(corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32) for corners in square]


def _joined(parts: list[Sample], half: int) -> Sample:
    places = [(0, 0), (half, 0), (0, half), (half, half)]
    rows = [np.concatenate([parts[i].pixels, parts[i + 1].pixels], axis=1) for i in (0, 2)]
    boxes, known = [], []
    for index in range(len(CLASSES)):
        moved = [
            part.boxes[index] + np.tile(np.array(at, np.float32), 2) for part, at in zip(parts, places, strict=True)
        ]
        boxes.append(np.concatenate(moved).astype(np.float32))
        tiles = [part.known[index] for part in parts]
        known.append(np.block([[tiles[0], tiles[1]], [tiles[2], tiles[3]]]))
    return Sample(np.concatenate(rows), tuple(boxes), tuple(known))


def _lit(sample: Sample, rng: np.random.Generator) -> Sample:
    """Another light and another camera: dark, grey, blurred, noisy, compressed."""
    x = sample.pixels
    if rng.random() < 0.15:
        x = np.repeat(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)
    y = x.astype(np.float32) / 255
    if rng.random() < 0.2:  # night
        y = y ** rng.uniform(1.3, 2.5) * rng.uniform(0.3, 0.9)
    elif rng.random() < 0.6:
        y = y ** rng.uniform(0.7, 1.4) * rng.uniform(0.75, 1.25) + rng.uniform(-0.08, 0.08)
    if rng.random() < 0.4:
        y = y * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    blur = rng.random()
    if blur < 0.1:
        y = cv2.GaussianBlur(y, (0, 0), rng.uniform(0.5, 1.6))
    elif blur < 0.2:
        y = cv2.filter2D(y, -1, _streak(int(rng.integers(3, 9)), rng.uniform(0, math.pi)))
    if rng.random() < 0.25:
        y = y + rng.standard_normal(y.shape[:2], np.float32)[:, :, None] * rng.uniform(0.01, 0.06)
    x = np.clip(y * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))]
        x = np.asarray(cv2.imdecode(cv2.imencode(".jpg", x, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return Sample(np.ascontiguousarray(x), sample.boxes, sample.known)


def _streak(length: int, angle: float) -> np.ndarray:
    """The kernel of a blur by motion: float32, shape (length, length), sums to 1."""
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    a, b = (np.rint(middle - reach).astype(int).tolist(), np.rint(middle + reach).astype(int).tolist())
    cv2.line(kernel, a, b, 1.0)
    return kernel / kernel.sum()

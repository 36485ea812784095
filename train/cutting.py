"""Cut-outs of pictures: any size of head and plate, turned a little, and what is labelled in them moved along."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from train.data import NO_BOXES, Boxes, Example, Picture
from train.net import CLASSES

Affine = npt.NDArray[np.float64]
"""From pixels of a picture to pixels of a cut-out: shape (2, 3), the third column in pixels."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A square cut-out, and in its pixels what `Example` says.

    Attributes:
        pixels: RGB, uint8, shape (size, size, 3).
        boxes: for each class float32, shape (N, 4), clipped to the cut-out.
        known: for each class uint8, shape (size, size): 1 where what is not labelled is known not to be there.
    """

    pixels: Picture
    boxes: tuple[Boxes, ...]
    known: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Aim:
    """What of a picture is to be seen in a cut-out, and how large.

    Attributes:
        smallest: least size that the thing is brought to, in pixels: the root of the area of its box.
        largest: greatest size.
        closest: it is the largest thing in the picture, and lies well inside; otherwise any, anywhere.
        enlarged: a picture is made larger by no more than this factor.
    """

    smallest: float
    largest: float
    closest: bool = False
    enlarged: float = 3.0


_HEAD_AT_MOST, _PLATE_AT_MOST = 0.9, 0.42  # of the cut-out's side: a larger one would not fit, plates are wide

_LEAST_SIDE = 5.0  # of a box, in pixels: what is smaller in the cut-out is not asked for
_FILLED = 0.55  # of the cut-out's side: the longer side of a picture is at least that long
_AROUND = 1.0  # of its size: how much around a labelled thing is known where others are not labelled
_ENOUGH = 0.7  # pictures made smaller than this are averaged over areas first, or they would flicker


def cut_out(example: Example, size: int, aim: Aim, rng: np.random.Generator) -> Sample:
    """A cut-out in which one of the labelled things has a random size and place.

    Args:
        example: the picture.
        size: side of the cut-out in pixels.
        aim: which of them, and how large.
        rng: what is random.
    """
    picture = example.picture()
    height, width = picture.shape[:2]
    scale, focus = _aimed(example, (width, height), size, aim, rng)
    scale = max(scale, _FILLED * size / max(height, width))
    matrix = _placed(focus, scale, size, 0.3 if aim.closest else 0.15, rng)
    boxes = tuple(moved(boxes, matrix, size) for boxes in example.boxes)
    known = tuple(_known(example, index, matrix, size) for index in range(len(CLASSES)))
    return Sample(_warped(picture, matrix, scale, size), boxes, known)


def _aimed(
    example: Example, extent: tuple[int, int], size: int, aim: Aim, rng: np.random.Generator
) -> tuple[float, tuple[float, float]]:
    """By how much the picture is scaled, and the place in it that will be seen: x, y in pixels."""
    everything = np.concatenate(example.boxes)
    if not len(everything):
        scale = math.exp(rng.uniform(math.log(0.4), math.log(2.0)))
        return scale, (rng.uniform(0, extent[0]), rng.uniform(0, extent[1]))
    all_sides = sides(example)
    chosen = int(all_sides.argmax()) if aim.closest else int(rng.integers(len(everything)))
    box, is_plate = everything[chosen], chosen >= len(example.boxes[0])
    largest = min(aim.largest, size * (_PLATE_AT_MOST if is_plate else _HEAD_AT_MOST))
    wanted = math.exp(rng.uniform(math.log(min(aim.smallest, largest / 2)), math.log(largest)))
    scale = float(np.clip(wanted / float(all_sides[chosen]), 0.2, aim.enlarged))
    return scale, (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)


def sides(example: Example) -> npt.NDArray[np.float64]:
    """Roots of the areas of all boxes of all classes in turn, in pixels, at least 1."""
    boxes = np.concatenate(example.boxes)
    return np.sqrt(np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1.0))


def _placed(focus: tuple[float, float], scale: float, size: int, rim: float, rng: np.random.Generator) -> Affine:
    """The way into the cut-out: stretched, turned, mirrored half of the time, `focus` in it, this far from its rim."""
    stretch = np.exp(rng.normal(0, 0.08, 2)) * scale
    angle = math.radians(_angle(rng))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = turn @ np.diag(stretch * (rng.choice([-1, 1]), 1))
    place = rng.uniform(rim, 1 - rim, 2) * size
    return np.column_stack([matrix, place - matrix @ np.array(focus)])


def _angle(rng: np.random.Generator) -> float:
    """In degrees: mostly small, sometimes a head on a shoulder, often none."""
    if rng.random() < 0.5:
        return rng.normal(0, 6)
    return rng.uniform(-35, 35) if rng.random() < 0.25 else 0.0


def _warped(picture: Picture, matrix: Affine, scale: float, size: int) -> Picture:
    of_shrunk = matrix.copy()
    if scale < _ENOUGH:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        of_shrunk[:, :2] /= scale
    # OpenCV counts from the middle of a pixel, boxes from its edge.
    of_shrunk[:, 2] += of_shrunk[:, :2] @ (0.5, 0.5) - 0.5
    return np.asarray(cv2.warpAffine(picture, of_shrunk, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def moved(boxes: Boxes, matrix: Affine, size: int) -> Boxes:
    """Boxes around the moved ellipses that the boxes hold, clipped, of those that can be seen at least half."""
    around = _around_ellipses(boxes, matrix)
    return np.asarray(around.clip(0, size)[_visible(around, size)], np.float32)


def _around_ellipses(boxes: Boxes, matrix: Affine) -> npt.NDArray[np.float64]:
    """In pixels of the cut-out, shape (N, 4): heads are round, so that a turned head's box hardly grows."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    radii = (boxes[:, 2:] - boxes[:, :2]) / 2
    reach = np.sqrt((radii**2) @ (matrix[:, :2] ** 2).T)
    return np.concatenate([centre - reach, centre + reach], axis=1)


def _visible(around: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.bool_]:
    """Which boxes are large enough and not mostly cut off: shape (N,)."""
    cut = around.clip(0, size)
    seen = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1])
    sides = around[:, 2:] - around[:, :2]
    return np.asarray((seen > 0.5 * sides.prod(axis=1)) & (sides.min(axis=1) >= _LEAST_SIDE))


def _known(example: Example, index: int, matrix: Affine, size: int) -> Picture:
    """Where a class is known, see `Sample`."""
    boxes = example.boxes[index]
    if example.whole[index]:
        known = np.ones((size, size), np.uint8)
        _draw(known, example.ignored[index], matrix, 0)
    else:
        known = np.zeros((size, size), np.uint8)
        beside = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)[:, None] * np.float32(_AROUND)
        _draw(known, np.concatenate([boxes[:, :2] - beside, boxes[:, 2:] + beside], axis=1), matrix, 1)
    # A thing that is hardly to be seen, too small or cut off, is neither there nor not there.
    _draw(known, boxes[~_visible(_around_ellipses(boxes, matrix), size)], matrix, 0)
    return known


def _draw(known: Picture, boxes: Boxes, matrix: Affine, value: int) -> None:
    """Fill boxes of the picture, moved, with a value."""
    for corners in boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2):
        cv2.fillConvexPoly(known, np.rint(corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.int32), (value,))


def joined(parts: list[Sample]) -> Sample:
    """Four cut-outs of the same size as one of twice the side."""
    half = parts[0].pixels.shape[0]
    places = np.array([(0, 0), (half, 0), (0, half), (half, half)], np.float32)
    boxes, known = [], []
    for index in range(len(CLASSES)):
        shifted = [part.boxes[index] + np.tile(at, 2) for part, at in zip(parts, places, strict=True)]
        boxes.append(np.concatenate([NO_BOXES, *shifted]))
        known.append(_tiled([part.known[index] for part in parts]))
    return Sample(_tiled([part.pixels for part in parts]), tuple(boxes), tuple(known))


def _tiled(tiles: list[Picture]) -> Picture:
    rows = [np.concatenate(tiles[first : first + 2], axis=1) for first in (0, 2)]
    return np.concatenate(rows)

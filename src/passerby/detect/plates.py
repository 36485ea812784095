"""Which texts may be number plates: those on vehicles, where another net suspects a plate, or that look like one.

A plate that is missed gives somebody away, a shop sign that is covered costs a few pixels. So text on a vehicle always
counts, whatever it says, and text elsewhere is left alone only where it does not look like a plate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.regions import LABELS, Boxes, Detections, grow

Flags = npt.NDArray[np.bool_]

PLATE, VEHICLE = (LABELS.index(label) for label in ("plate", "vehicle"))

MOST_TIMES_LARGER = 4
"""A suspected plate of more than this many times a text's area is not the plate of that text."""


@dataclass(frozen=True, slots=True)
class PlateRule:
    """When a text counts as a plate. Measured with `bench/plates.py`.

    Attributes:
        suspected: least score of another net's plate that makes a text on it one, from 0 to 1.
        vehicle: least score of a vehicle that makes any text on it a plate, from 0 to 1.
        doubtful_vehicle: least score of a vehicle that makes a text on it one if it is shaped like one.
        on_vehicle: least share of a text inside a vehicle's box, grown by a twentieth, that is on it.
        tallest: most height of a text on a vehicle, as a share of the vehicle's: what is taller stands before it.
        narrowest: least width over height of any text that counts: what is narrower is a column.
        squarest: least width over height, except on a vehicle or a suspected plate. A plate of two lines is two texts
            or one; one at an angle has an upright box that is as high as it is wide.
        widest: most width over height, except on a vehicle.
        most_height: most height as a share of the picture's longer side, except on a vehicle.
        neighbours: how many other texts, at least half as high, may be closer than twice its height, on a doubtful
            vehicle: a sign, a page or a screen holds many lines.
        alone: least score, from 0 to 1, of a text on no vehicle that counts by its looks; above 1 none does.
        alone_squarest, alone_neighbours: as above, for these.
        texts: in a picture of more texts than this, looks alone tell nothing: it shows a page or a shopping street.
    """

    suspected: float = 0.1
    vehicle: float = 0.45
    doubtful_vehicle: float = 0.3
    on_vehicle: float = 0.5
    tallest: float = 0.3
    narrowest: float = 0.6
    squarest: float = 0.9
    widest: float = 7.0
    most_height: float = 0.25
    neighbours: int = 4
    alone: float = 0.5
    alone_squarest: float = 1.2
    alone_neighbours: int = 1
    texts: int = 6


def plates_among(texts: Detections, seen: Detections, size: tuple[int, int], rule: PlateRule) -> Detections:
    """The texts that may be plates, as plates, with the scores that they have as texts.

    Where a text lies on a plate that another net suspects, the box is made to hold both.

    Args:
        texts: what a text detection net found in one look, boxes in pixels of the picture.
        seen: what other nets found there, weak plates and doubtful vehicles among it.
        size: width and height of the picture, in pixels.
        rule: when a text counts.
    """
    suspected = seen.boxes[(seen.labels == PLATE) & (seen.scores >= rule.suspected)]
    vehicles = seen[seen.labels == VEHICLE]
    sure = _on(texts, vehicles.boxes[vehicles.scores >= rule.vehicle], rule)
    doubtful = _on(texts, vehicles.boxes[vehicles.scores >= rule.doubtful_vehicle], rule)
    aspect, neighbours = _aspect(texts.boxes), _neighbours(texts.boxes)
    shaped = (aspect <= rule.widest) & (_heights(texts.boxes) <= rule.most_height * max(size))
    doubtful &= shaped & (aspect >= rule.squarest) & (neighbours <= rule.neighbours)
    alone = shaped & (aspect >= rule.alone_squarest) & (neighbours <= rule.alone_neighbours)
    alone &= (texts.scores >= rule.alone) & (len(texts) <= rule.texts)
    meets = _meets(texts.boxes, suspected) & (shaped & (aspect >= rule.narrowest))[:, None]
    boxes = texts.boxes.copy()
    for i, j in np.argwhere(meets):
        boxes[i, :2] = np.minimum(boxes[i, :2], suspected[j, :2])
        boxes[i, 2:] = np.maximum(boxes[i, 2:], suspected[j, 2:])
    found = Detections(boxes, texts.scores, np.full(len(texts), PLATE, np.uint8))
    return found[meets.any(axis=1) | sure | doubtful | alone]


def _shared(a: Boxes, b: Boxes) -> npt.NDArray[np.float32]:
    """Area that each box of `a` shares with each of `b`, in square pixels, shape (len(a), len(b))."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.prod(np.clip(bottom_right - top_left, 0, None), axis=2), np.float32)


def _areas(boxes: Boxes) -> npt.NDArray[np.float32]:
    return np.asarray(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6), np.float32)


def _heights(boxes: Boxes) -> npt.NDArray[np.float32]:
    return np.asarray(np.maximum(boxes[:, 3] - boxes[:, 1], 1e-6), np.float32)


def _aspect(boxes: Boxes) -> npt.NDArray[np.float32]:
    """Width over height."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) / _heights(boxes), np.float32)


def _meets(texts: Boxes, plates: Boxes) -> Flags:
    """Which text shares a third of the smaller box with which plate, if that is not far larger."""
    own, others = _areas(texts)[:, None], _areas(plates)[None, :]
    met: Flags = _shared(texts, plates) >= np.minimum(own, others) / 3
    return met & (others <= MOST_TIMES_LARGER * own)


def _on(texts: Detections, vehicles: Boxes, rule: PlateRule) -> Flags:
    """Which texts lie on one of the vehicles and could be written on it."""
    inside = _shared(texts.boxes, grow(vehicles, 0.05)) >= rule.on_vehicle * _areas(texts.boxes)[:, None]
    fits = _heights(texts.boxes)[:, None] <= rule.tallest * _heights(vehicles)[None, :]
    on = np.asarray((inside & fits).any(axis=1), bool)
    return on & (_aspect(texts.boxes) >= rule.narrowest)


def _neighbours(texts: Boxes) -> npt.NDArray[np.int64]:
    """How many texts at least half as high lie closer to each than twice its height."""
    height = _heights(texts)
    reach = 2 * height[:, None]
    around = np.concatenate([texts[:, :2] - reach, texts[:, 2:] + reach], axis=1).astype(np.float32)
    near = (_shared(around, texts) > 0) & (height[None, :] >= height[:, None] / 2)
    return np.asarray(near.sum(axis=1) - 1, np.int64)

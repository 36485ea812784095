"""Parts of the picture that a user draws: what is kept, and where alone something is covered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passerby.errors import SettingsError
from passerby.regions import Boxes, clip

_HINT = 'Write two corners of a rectangle or three and more points in order, such as "0.1,0.1 0.5,0.1 0.5,0.5"'
_MOST_POINTS = 1000

Points = npt.NDArray[np.float64]
Which = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area of the upright picture; its sides do not cross each other.

    Attributes:
        points: corners in order, x and y from 0 to 1, shares of the picture's width and height.
    """

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Polygon:
        """Two points are corners of a rectangle, three and more a polygon.

        Raises:
            SettingsError: too few or too many points, one outside of the picture, no area, or sides that cross.
        """
        corners = tuple((float(x), float(y)) for x, y in points)
        if len(corners) == 2:
            (x1, y1), (x2, y2) = corners
            corners = ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
        wrong = _what_is_wrong(corners)
        if wrong:
            raise SettingsError(f"a polygon {wrong}; nothing was started", hint=_HINT)
        return cls(corners)

    def contains(self, boxes: Boxes, width: int, height: int) -> Which:
        """Boxes of which all that lies in a picture of that size lies in the polygon; its edge belongs to it."""
        seen = clip(boxes, width, height).astype(np.float64)
        has_area = (seen[:, 2] > seen[:, 0]) & (seen[:, 3] > seen[:, 1])
        centres = (seen[:, :2] + seen[:, 2:]) / 2
        # A side that enters the box cuts it; with none, the box lies on one side, and its centre tells which.
        return has_area & ~self._crossed(seen, width, height, closed=False) & self._surrounds(centres, width, height)

    def touches(self, boxes: Boxes, width: int, height: int) -> Which:
        """Boxes that share a point with the polygon."""
        wide = boxes.astype(np.float64)
        centres = (wide[:, :2] + wide[:, 2:]) / 2
        return self._crossed(wide, width, height, closed=True) | self._surrounds(centres, width, height)

    def _sides(self, width: int, height: int) -> tuple[Points, Points]:
        starts = np.array(self.points, np.float64) * (width, height)
        return starts, np.roll(starts, -1, axis=0)

    def _surrounds(self, places: Points, width: int, height: int) -> Which:
        """Even-odd rule: a ray from an inner point crosses the sides an odd number of times."""
        starts, stops = self._sides(width, height)
        inside = np.zeros(len(places), np.bool_)
        for (x1, y1), (x2, y2) in zip(starts, stops, strict=True):
            if y1 != y2:
                at_height = (y1 > places[:, 1]) != (y2 > places[:, 1])
                inside ^= at_height & (places[:, 0] < (x2 - x1) * (places[:, 1] - y1) / (y2 - y1) + x1)
        return inside

    def _crossed(self, boxes: Points, width: int, height: int, *, closed: bool) -> Which:
        """Boxes that a side of the polygon enters (touches, if `closed`): Liang and Barsky's clipping of a segment."""
        starts, stops = self._sides(width, height)
        crossed = np.zeros(len(boxes), np.bool_)
        for start, stop in zip(starts, stops, strict=True):
            crossed |= _segment_meets(start, stop - start, boxes, closed=closed)
        return crossed


def parse_polygon(text: str) -> Polygon:
    """A polygon from the command line: "x,y x,y ...", shares of the upright picture's width and height.

    Raises:
        SettingsError: not points, or not a polygon.
    """
    try:
        points = [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]
    except ValueError:
        raise SettingsError(f"{text!r} is no list of points; nothing was started", hint=_HINT) from None
    return Polygon.of(points)


def _segment_meets(start: Points, along: Points, boxes: Points, *, closed: bool) -> Which:
    enters, leaves = np.zeros(len(boxes)), np.ones(len(boxes))
    beside = np.zeros(len(boxes), np.bool_)
    for axis in (0, 1):
        low, high = boxes[:, axis] - start[axis], boxes[:, axis + 2] - start[axis]
        if along[axis] == 0:
            beside |= (low > 0) | (high < 0) if closed else (low >= 0) | (high <= 0)
            continue
        near, far = low / along[axis], high / along[axis]
        enters = np.maximum(enters, np.minimum(near, far))
        leaves = np.minimum(leaves, np.maximum(near, far))
    return ~beside & (enters <= leaves if closed else enters < leaves)


def _what_is_wrong(corners: tuple[tuple[float, float], ...]) -> str | None:
    if not 3 <= len(corners) <= _MOST_POINTS:
        return f"has {len(corners)} points"
    if not all(math.isfinite(value) and 0 <= value <= 1 for point in corners for value in point):
        return "has a point outside of the picture, which reaches from 0 to 1"
    following = corners[1:] + corners[:1]
    area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, following, strict=True)) / 2
    if abs(area) < 1e-9:
        return "has no area"
    sides = list(zip(corners, following, strict=True))
    for i, one in enumerate(sides):
        for other in sides[i + 2 : len(sides) - (i == 0)]:
            if _cross(*one, *other):
                return "has sides that cross each other"
    return None


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]) -> bool:
    """Whether the segments a-b and c-d cross, each going from one side of the other to its other side."""

    def side(p: tuple[float, float], q: tuple[float, float], r: tuple[float, float]) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0

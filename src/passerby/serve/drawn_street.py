"""A drawn street for the built-in camera: houses, people who walk by, a car with a plate. Nobody real is in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from passerby.media import Picture

WIDTH, HEIGHT, RATE_FPS, SECONDS = 960, 540, 15, 24
Colour = tuple[int, int, int]
Point = tuple[float, float]

_GROUND_Y, _KERB_Y = 330, 420
_SHIFT = 4
"""Points are drawn at sixteenths of a pixel, so that slow movement does not jerk."""


@dataclass(frozen=True)
class Walker:
    """Somebody drawn, who crosses the picture.

    Attributes:
        from_s: when the walk begins; people rest, so that the street is empty for a while.
        to_s: when it ends.
        feet_y: where the feet are, in pixels from the top.
        tall: in pixels.
        leftwards: the direction.
        skin, hair, coat, trousers: colours, RGB.
    """

    from_s: float
    to_s: float
    feet_y: float
    tall: float
    leftwards: bool
    skin: Colour
    hair: Colour
    coat: Colour
    trousers: Colour


_WALKERS = (
    Walker(1.0, 11.0, 400, 215, False, (224, 172, 140), (62, 42, 30), (58, 84, 130), (52, 50, 54)),
    Walker(3.5, 12.5, 470, 265, True, (146, 98, 70), (28, 22, 20), (150, 62, 58), (70, 74, 92)),
    Walker(14.0, 21.0, 440, 240, True, (236, 192, 164), (180, 142, 84), (86, 122, 84), (58, 52, 70)),
)
_CAR_FROM_S, _CAR_TO_S = 6.0, 12.0


def pictures() -> Iterator[Picture]:
    """Every frame, RGB, uint8, shape (HEIGHT, WIDTH, 3); the last leads to the first."""
    street = _street()
    grain = _grain(street.shape)
    for index in range(RATE_FPS * SECONDS):
        at_s = index / RATE_FPS
        picture = street.copy()
        for walker in _WALKERS[:1]:
            _walk(picture, walker, at_s)
        _drive(picture, at_s)
        for walker in _WALKERS[1:]:
            _walk(picture, walker, at_s)
        # A lens is never as sharp as a drawing, and a sensor never as quiet.
        lighter, darker = grain[index % len(grain)]
        yield np.asarray(cv2.subtract(cv2.add(cv2.GaussianBlur(picture, (5, 5), 0.8), lighter), darker), np.uint8)


def _grain(shape: tuple[int, ...]) -> list[tuple[Picture, Picture]]:
    """What is added to a picture, and what is taken away from it."""
    noise = np.random.default_rng(4).normal(0, 2.0, (4, *shape))
    return [(np.clip(one, 0, 9).astype(np.uint8), np.clip(-one, 0, 9).astype(np.uint8)) for one in noise]


def _street() -> Picture:
    rows = np.linspace(0, 1, _GROUND_Y, dtype=np.float32)[:, None, None]
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[:_GROUND_Y] = (np.array([150, 180, 214]) * (1 - rows) + np.array([214, 222, 226]) * rows).astype(np.uint8)
    picture[_GROUND_Y:_KERB_Y] = (168, 162, 154)
    picture[_KERB_Y:] = (96, 98, 102)
    walls = ((176, 128, 104), (206, 190, 160), (152, 150, 148), (188, 152, 128), (200, 178, 150))
    for index, wall in enumerate(walls):
        left, right, top = index * 192, index * 192 + 192, 60 + 30 * (index * 7 % 3)
        cv2.rectangle(picture, (left, top), (right, _GROUND_Y), wall, -1)
        for x in range(left + 24, right - 40, 56):
            for y in range(top + 26, _GROUND_Y - 70, 74):
                cv2.rectangle(picture, (x, y), (x + 30, y + 44), (74, 88, 104), -1)
                cv2.rectangle(picture, (x, y), (x + 30, y + 44), (232, 230, 222), 2)
    cv2.rectangle(picture, (0, _KERB_Y - 6), (WIDTH, _KERB_Y), (196, 194, 188), -1)
    for x in range(20, WIDTH, 120):
        cv2.rectangle(picture, (x, 486), (x + 60, 491), (214, 212, 204), -1)
    return picture


def _walk(picture: Picture, walker: Walker, at_s: float) -> None:
    if not walker.from_s <= at_s < walker.to_s:
        return
    way = (at_s - walker.from_s) / (walker.to_s - walker.from_s)
    x = -80 + way * (WIDTH + 160)
    x = WIDTH - x if walker.leftwards else x
    step = math.sin(at_s * 6.0)
    unit = walker.tall / 7.5
    feet_y = walker.feet_y - 2 * abs(step)
    hip, neck = (x, feet_y - 3.6 * unit), (x, feet_y - 6.2 * unit)
    swing = 0.75 * unit * step
    for side in (-1, 1):
        _limb(picture, hip, (x + side * swing, feet_y), unit * 0.62, walker.trousers)
        _limb(picture, (x, neck[1] + 0.4 * unit), (x - side * swing * 0.9, hip[1]), unit * 0.45, _darker(walker.coat))
    _limb(picture, (x, neck[1] + 0.45 * unit), hip, unit * 1.35, walker.coat)
    _limb(picture, (x, neck[1] - 0.2 * unit), (x, neck[1] + 0.2 * unit), unit * 0.42, _darker(walker.skin))
    _head(picture, (x, feet_y - 6.95 * unit), unit, walker)


def _head(picture: Picture, at: Point, unit: float, walker: Walker) -> None:
    """Seen from the front: detectors know faces, and this one shall show that they are covered."""
    x, y = at
    dark, bright = _darker(walker.skin), walker.skin
    _oval(picture, (x, y - 0.12 * unit), (0.47 * unit, 0.56 * unit), walker.hair)
    _oval(picture, (x, y + 0.04 * unit), (0.38 * unit, 0.5 * unit), dark)
    _oval(picture, (x + 0.03 * unit, y + 0.04 * unit), (0.34 * unit, 0.46 * unit), bright)
    _oval(picture, (x, y - 0.4 * unit), (0.4 * unit, 0.2 * unit), walker.hair)
    for side in (-1, 1):
        eye = (x + side * 0.15 * unit, y - 0.03 * unit)
        _oval(picture, eye, (0.09 * unit, 0.05 * unit), (240, 238, 234))
        _oval(picture, eye, (0.045 * unit, 0.05 * unit), (40, 32, 30))
        _oval(picture, (eye[0], eye[1] - 0.11 * unit), (0.1 * unit, 0.022 * unit), walker.hair)
        _oval(picture, (x + side * 0.4 * unit, y + 0.04 * unit), (0.06 * unit, 0.11 * unit), dark)
    _oval(picture, (x + 0.02 * unit, y + 0.13 * unit), (0.055 * unit, 0.1 * unit), dark)
    _oval(picture, (x, y + 0.29 * unit), (0.14 * unit, 0.035 * unit), (150, 76, 74))


def _drive(picture: Picture, at_s: float) -> None:
    if not _CAR_FROM_S <= at_s < _CAR_TO_S:
        return
    x = -420 + (at_s - _CAR_FROM_S) / (_CAR_TO_S - _CAR_FROM_S) * (WIDTH + 840)
    y, paint = 330.0, (168, 44, 48)
    body = [
        (-150, 70),
        (-140, 26),
        (-96, 14),
        (-60, -34),
        (60, -34),
        (96, 14),
        (140, 26),
        (150, 70),
        (146, 112),
        (-146, 112),
    ]
    _shape(picture, [(x + px, y + py) for px, py in body], paint)
    _shape(picture, [(x + px, y + py) for px, py in ((-84, 12), (-54, -26), (54, -26), (84, 12))], (58, 70, 82))
    for side in (-1, 1):
        _oval(picture, (x + side * 112, y + 46), (24, 13), (240, 236, 214))
        _shape(
            picture, [(x + side * a, y + b) for a, b in ((96, 108), (140, 108), (140, 136), (96, 136))], (30, 30, 32)
        )
    _shape(picture, [(x + a, y + b) for a, b in ((-60, 40), (60, 40), (54, 60), (-54, 60))], (34, 34, 38))
    _plate(picture, (x, y + 88))


def _plate(picture: Picture, at: Point) -> None:
    """Seen from the front, 104 by 26 pixels; its signs belong to nobody."""
    left, top = at[0] - 52, at[1] - 13
    _shape(picture, [(left, top), (left + 104, top), (left + 104, top + 26), (left, top + 26)], (20, 20, 24))
    inner = [(left + 2, top + 2), (left + 102, top + 2), (left + 102, top + 24), (left + 2, top + 24)]
    _shape(picture, inner, (238, 238, 230))
    where = (round(left + 8), round(top + 20))
    cv2.putText(picture, "DEMO 042", where, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 30), 2, cv2.LINE_AA)


def _limb(picture: Picture, start: Point, end: Point, wide: float, colour: Colour) -> None:
    cv2.line(picture, _fixed(start), _fixed(end), colour, max(1, round(wide)), cv2.LINE_AA, _SHIFT)


def _oval(picture: Picture, at: Point, radii: Point, colour: Colour) -> None:
    cv2.ellipse(picture, _fixed(at), _fixed(radii), 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)


def _shape(picture: Picture, corners: list[Point], colour: Colour) -> None:
    points = np.array([_fixed(corner) for corner in corners], np.int32)
    cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, _SHIFT)


def _fixed(point: Point) -> tuple[int, int]:
    return round(point[0] * (1 << _SHIFT)), round(point[1] * (1 << _SHIFT))


def _darker(colour: Colour) -> Colour:
    red, green, blue = (round(part * 0.78) for part in colour)
    return red, green, blue

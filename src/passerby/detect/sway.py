"""A fixed camera sways in the wind: by how much, and its pictures moved back to where they belong."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from passerby.detect.evidence import Colours, Luma, Mask

SWAY_PX: Final = 4.0
"""A camera that moved by more than this, in pixels of a sketch, stands somewhere else: about 1 % of the picture."""

_LEAST_PX: Final = 0.5
_BETTER: Final = 0.9
"""A picture is moved back only where that makes it so much more like the one that it is compared with: phase
correlation finds shifts of up to half a pixel where there are none."""

Shift = tuple[float, float]
"""Pixels of a sketch, to the right and down."""


class Anchor:
    """A picture of a camera that its later ones are moved onto."""

    def __init__(self, luma: Luma) -> None:
        self.luma = luma
        self._small = _halved(luma)
        height, width = self._small.shape
        self._window = cv2.createHanningWindow((max(2, width), max(2, height)), cv2.CV_32F)

    def shift_of(self, luma: Luma) -> Shift | None:
        """By how much a picture of the same size lies beside this one; None where the camera has moved away.

        Phase correlation (Kuglin and Hines, 1975) follows what most of the picture does: people who walk through it
        do not count.
        """
        if min(self._small.shape) < 2:
            return 0.0, 0.0
        # It writes into what it is given.
        (x, y), _ = cv2.phaseCorrelate(self._small.copy(), _halved(luma), self._window)
        shift = 2 * x, 2 * y
        distance = float(np.hypot(*shift))
        if distance < _LEAST_PX or not self._is_better(luma, shift):
            return 0.0, 0.0
        return shift if distance <= SWAY_PX else None

    def _is_better(self, luma: Luma, shift: Shift) -> bool:
        moved = moved_back(luma, shift)
        return float(cv2.absdiff(moved, self.luma).mean()) < _BETTER * float(cv2.absdiff(luma, self.luma).mean())


def moved_back(picture: Colours, shift: Shift) -> Colours:
    """A picture that lies beside another one by `shift`, moved onto it; what is beyond its edges repeats them."""
    if shift == (0.0, 0.0):
        return picture
    return np.asarray(_warped(picture, (-shift[0], -shift[1]), cv2.INTER_LINEAR, cv2.BORDER_REPLICATE), np.uint8)


def moved_along(mask: Mask, shift: Shift) -> Mask:
    """What is true of a picture that was moved back, at its places before that; what was never compared is True."""
    if shift == (0.0, 0.0):
        return mask
    whole = float(round(shift[0])), float(round(shift[1]))
    return np.asarray(_warped(mask.view(np.uint8), whole, cv2.INTER_NEAREST, cv2.BORDER_CONSTANT) > 0, np.bool_)


def _warped(picture: Colours, by: Shift, how: int, border: int) -> Colours:
    height, width = picture.shape[:2]
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float64)
    warped = cv2.warpAffine(picture, matrix, (width, height), flags=how, borderMode=border, borderValue=255)
    return np.asarray(warped, np.uint8)


def _halved(luma: Luma) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    height, width = luma.shape
    size = max(1, width // 2), max(1, height // 2)
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)

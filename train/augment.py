"""What the net is shown: cut-outs in any light, from any camera, four pictures at once where they are small."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from train.cutting import Aim, Sample, cut_out, joined, sides
from train.data import Example, Picture

ANY, SMALL = Aim(7.0, 220.0), Aim(7.0, 70.0)
"""In most cut-outs; in mosaics."""

CLOSE = Aim(70.0, 340.0, closest=True, enlarged=6.0)
"""In close-ups: without them the net forgets the large faces that it knew as CenterFace."""

_CLOSE_UPS, _MOSAICS = 0.3, 0.25

Light = npt.NDArray[np.float32]
"""RGB, shape (H, W, 3), 0 for black, 1 for white, and a little beyond."""


def sample_of(examples: list[Example], size: int, rng: np.random.Generator) -> Sample:
    """A cut-out of the first example, a close-up of the largest thing in any, or, of four, a mosaic.

    Args:
        examples: one or more.
        size: side of the cut-out in pixels, even.
        rng: what is random.
    """
    kind = rng.random()
    if kind < _CLOSE_UPS:
        closest = max(examples, key=lambda example: float(sides(example).max(initial=0.0)))
        return _lit(cut_out(closest, size, CLOSE, rng), rng)
    if kind < _CLOSE_UPS + _MOSAICS and len(examples) >= 4:
        return joined([_lit(cut_out(example, size // 2, SMALL, rng), rng) for example in examples[:4]])
    return _lit(cut_out(examples[0], size, ANY, rng), rng)


def _lit(sample: Sample, rng: np.random.Generator) -> Sample:
    """Another light and another camera: dark, grey, blurred, noisy, compressed."""
    pixels = sample.pixels
    if rng.random() < 0.15:
        pixels = np.repeat(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None], 3, axis=2)
    light = _exposed(pixels.astype(np.float32) / np.float32(255), rng)
    if rng.random() < 0.4:
        light = light * rng.uniform(0.85, 1.15, 3).astype(np.float32)
    light = _blurred(light, rng)
    if rng.random() < 0.25:
        grain = rng.standard_normal(light.shape[:2], np.float32)[:, :, None]
        light = np.asarray(light + grain * rng.uniform(0.01, 0.06), np.float32)
    pixels = _compressed(np.clip(light * 255, 0, 255).astype(np.uint8), rng)
    return Sample(np.ascontiguousarray(pixels), sample.boxes, sample.known)


def _exposed(light: Light, rng: np.random.Generator) -> Light:
    """At night, at another hour, or as it was."""
    if rng.random() < 0.2:
        return np.asarray(light ** rng.uniform(1.3, 2.5) * rng.uniform(0.3, 0.9), np.float32)
    if rng.random() < 0.6:
        bent = light ** rng.uniform(0.7, 1.4) * rng.uniform(0.75, 1.25) + rng.uniform(-0.08, 0.08)
        return np.asarray(bent, np.float32)
    return light


def _blurred(light: Light, rng: np.random.Generator) -> Light:
    """Out of focus, moved, or, mostly, sharp."""
    blur = rng.random()
    if blur < 0.1:
        return np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.5, 1.6)), np.float32)
    if blur < 0.2:
        return np.asarray(
            cv2.filter2D(light, -1, _streak(int(rng.integers(3, 9)), rng.uniform(0, math.pi))), np.float32
        )
    return light


def _streak(length: int, angle: float) -> npt.NDArray[np.float32]:
    """The kernel of a blur by motion: shape (length, length), sums to 1."""
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    reach = np.array([math.cos(angle), math.sin(angle)]) * middle
    start, end = np.rint(middle - reach).astype(int).tolist(), np.rint(middle + reach).astype(int).tolist()
    cv2.line(kernel, start, end, (1.0,))
    return np.asarray(kernel / kernel.sum(), np.float32)


def _compressed(pixels: Picture, rng: np.random.Generator) -> Picture:
    """As a JPEG of some quality left it; OpenCV takes the channels for BGR both ways."""
    if rng.random() >= 0.35:
        return pixels
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))]
    decoded = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)

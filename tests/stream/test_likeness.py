"""Two streams of one camera are taken for the same in spite of noise and people, and others never are."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from passerby.detect.evidence import Luma
from passerby.detect.likeness import likeness
from tests.stream.pairs import bricks

WIDE = (480, 270)


def picture(seed: int = 0) -> Luma:
    grey = cv2.cvtColor(bricks(seed), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, WIDE, interpolation=cv2.INTER_AREA), np.uint8)


def noisy(grey: Luma, sigma: float) -> Luma:
    noise = np.random.default_rng(5).normal(0, sigma, grey.shape)
    return np.asarray(np.clip(grey + noise, 0, 255), np.uint8)


def smaller(grey: Luma) -> Luma:
    return np.asarray(cv2.resize(grey, (320, 180), interpolation=cv2.INTER_AREA), np.uint8)


def darker(grey: Luma) -> Luma:
    return np.asarray(grey * 0.4 + 10, np.uint8)


def with_people(grey: Luma) -> Luma:
    walked = grey.copy()
    walked[60:260, 40:100], walked[80:240, 300:350] = 20, 230
    return walked


@pytest.mark.parametrize("change", [smaller, darker, with_people, lambda grey: noisy(grey, 6)])
def test_the_same_is_the_same(change: Callable[[Luma], Luma]) -> None:
    assert likeness(picture(), change(picture())) == "same"
    assert likeness(change(picture()), picture()) == "same"


def zoomed(grey: Luma) -> Luma:
    height, width = grey.shape
    part = grey[height // 20 : -height // 20, width // 20 : -width // 20]
    return np.asarray(cv2.resize(part, (width, height)), np.uint8)


OTHERS: dict[str, Callable[[Luma], Luma]] = {
    "another place": lambda grey: picture(1),
    "mirrored": lambda grey: np.ascontiguousarray(grey[:, ::-1]),
    "turned over": lambda grey: np.ascontiguousarray(grey[::-1]),
    "shifted by 3 %": lambda grey: np.roll(grey, round(0.03 * grey.shape[1]), axis=1),
    "zoomed": zoomed,
    "black": lambda grey: np.zeros_like(grey),
    "noise": lambda grey: noisy(np.full_like(grey, 120), 20),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS.keys())
def test_another_is_another(change: Callable[[Luma], Luma]) -> None:
    assert likeness(picture(), change(picture())) == "other"
    assert likeness(change(picture()), picture()) == "other"


def test_of_two_blank_walls_nobody_knows() -> None:
    blank = np.full((270, 480), 90, np.uint8)
    assert likeness(noisy(blank, 1), noisy(blank + 3, 1)) == "unknown"

"""Made pictures of heads and plates, and a folder of them as `train.data` reads it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Labelled = list[tuple[int, int, int, int, str]]
SIDE = 128


def toy(rng: np.random.Generator) -> tuple[Picture, Labelled]:
    """A picture with two heads and a plate, RGB, uint8, shape (128, 128, 3), and their boxes."""
    coarse = rng.integers(60, 200, (4, 4, 3), np.uint8)
    picture = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes: Labelled = []
    left, right = (int(x) for x in rng.integers(24, 40, 2))
    for x, y in ((left, int(rng.integers(24, 48))), (SIDE - right, int(rng.integers(24, 48)))):
        boxes.append(_draw_head(picture, x, y, int(rng.integers(12, 22))))
    boxes.append(_draw_plate(picture, int(rng.integers(8, 60)), int(rng.integers(80, 96)), int(rng.integers(10, 17))))
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8), boxes


def _draw_head(picture: Picture, x: int, y: int, radius: int) -> tuple[int, int, int, int, str]:
    """A disc, the upper half of it hair, with eyes and a mouth."""
    cv2.circle(picture, (x, y), radius, (205, 160, 130), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (x, y), (radius, radius), 180, 0, 180, (50, 35, 30), -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(picture, (x + side * radius * 2 // 5, y + radius // 4), max(1, radius // 7), (30, 20, 20), -1)
    cv2.line(picture, (x - radius // 3, y + radius * 2 // 3), (x + radius // 3, y + radius * 2 // 3), (120, 40, 40), 2)
    return x - radius, y - radius, x + radius, y + radius, "head"


def _draw_plate(picture: Picture, x: int, y: int, height: int) -> tuple[int, int, int, int, str]:
    """A bright plate, four times as wide as high, with dark strokes and a rim."""
    width = 4 * height
    cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), (240, 240, 235), -1)
    for stroke in range(x + height // 2, x + width - height // 2, max(4, height // 2)):
        cv2.line(picture, (stroke, y + height // 4), (stroke, y + height * 3 // 4), (20, 20, 30), 2)
    cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), (20, 20, 30), 1)
    return x, y, x + width, y + height, "plate"


def toy_folder(folder: Path, count: int = 12) -> Path:
    """Pictures, `boxes.json` and `lists.json`; the path of the last. The first picture is kept back."""
    (folder / "toys").mkdir()
    labelled = {}
    for index in range(count):
        picture, boxes = toy(np.random.default_rng(index))
        cv2.imwrite(str(folder / "toys" / f"{index}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        labelled[f"{index}.png"] = {"width": SIDE, "height": SIDE, "boxes": boxes}
    (folder / "toys" / "boxes.json").write_text(json.dumps(labelled))
    labels = {"head": {"head": 1.0}, "plate": {"plate": 1.0}}
    how = {"share": 1.0, "labels": labels, "whole": ["head", "plate"], "kept_back": ["0"]}
    lists = folder / "lists.json"
    lists.write_text(json.dumps({"toys": how}))
    return lists

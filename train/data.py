"""The training pictures and what is labelled in them, as `lists.json` says; see README.md for what its keys mean.

A class gets no negative loss in a folder whose list does not call it wholly known.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from train.net import CLASSES

Picture = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]

NO_BOXES: Boxes = np.zeros((0, 4), np.float32)
LISTS = Path(__file__).with_name("lists.json")
NEGATIVES = "negatives"
"""The folder of the lists that is made, not given."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled picture.

    Attributes:
        name: of its file, below the folder that it is in.
        jpeg: the file's content; decoded anew each time, so that all pictures fit into memory.
        boxes: for each class float32, shape (N, 4), x1 y1 x2 y2 in pixels.
        ignored: for each class, where nothing is said about what is not labelled, float32, shape (N, 4).
        whole: for each class, whether everything outside boxes and ignored places is known to be free of it; if not,
            only the close surroundings of its boxes are.
    """

    name: str
    jpeg: bytes
    boxes: tuple[Boxes, ...]
    ignored: tuple[Boxes, ...]
    whole: tuple[bool, ...]

    def picture(self) -> Picture:
        """RGB, uint8, shape (H, W, 3)."""
        return decoded(self.jpeg, self.name)


@dataclass(frozen=True, slots=True)
class Folder:
    """The examples of one folder and how often one of them is taken, as a share of all."""

    name: str
    share: float
    examples: tuple[Example, ...]


def decoded(content: bytes, name: str) -> Picture:
    """An image file's pixels, RGB, uint8, shape (H, W, 3).

    Raises:
        ValueError: it is no picture.
    """
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{name} is no picture that OpenCV can read")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def load(pictures: Path, lists: Path = LISTS, negatives: Path | None = None) -> list[Folder]:
    """Every folder of the lists, without what is kept back.

    Args:
        pictures: the folder that holds them.
        lists: JSON: for each folder its share, what its labels mean, which files are kept back, and under `tallest` how
            much taller than wide a box may be; a taller one is a body that got the wrong label, and is passed over.

    Raises:
        FileNotFoundError: a folder, its `boxes.json` or one of its pictures is missing.
    """
    places = {name: (negatives if name == NEGATIVES else pictures) for name in _lists(lists)}
    return [
        Folder(name, how["share"], _examples(place / name, how, back=False))
        for name, how in _lists(lists).items()
        if (place := places[name]) is not None
    ]


def kept_back(pictures: Path, lists: Path = LISTS) -> tuple[Example, ...]:
    """The pictures that are never trained on, to see how far a run has come; arguments and errors as for `load`."""
    return tuple(
        example
        for name, how in _lists(lists).items()
        if "kept_back" in how
        for example in _examples(pictures / name, how, back=True)
    )


def _lists(file: Path) -> dict[str, dict[str, Any]]:
    lists: dict[str, dict[str, Any]] = json.loads(file.read_text())
    return lists


def _examples(place: Path, how: dict[str, Any], *, back: bool) -> tuple[Example, ...]:
    """Those of a folder that are kept back, or all others."""
    labelled = json.loads((place / "boxes.json").read_text())
    stems = set(how.get("kept_back", []))
    doubtful = json.loads((LISTS.parent / how["ignored"]).read_text()) if "ignored" in how else {}
    return tuple(
        _example(place / file, file, entry["boxes"], how, doubtful.get(file, []))
        for file, entry in sorted(labelled.items())
        if (Path(file).stem in stems) == back
    )


def _example(
    path: Path, file: str, labelled: list[list[Any]], how: dict[str, Any], doubtful: list[list[float]]
) -> Example:
    """One picture: `labelled` and `doubtful` hold boxes x1 y1 x2 y2 in pixels, the labelled ones with their label."""
    boxes, ignored = [], []
    for name in CLASSES:
        means, tallest = how["labels"].get(name, {}), how.get("tallest", {}).get(name, math.inf)
        meant = [box for box in labelled if box[4] in means]
        odd = [box for box in meant if box[3] - box[1] > tallest * (box[2] - box[0])]
        skipped = [box[:4] for box in labelled if box[4] in how.get("ignore", {}).get(name, [])]
        skipped += [box[:4] for box in odd]
        boxes.append(_array([_scaled(box[:4], means[box[4]]) for box in meant if box not in odd]))
        ignored.append(_array(skipped + (doubtful if name == "head" else [])))
    whole = tuple(name in how["whole"] for name in CLASSES)
    return Example(file, path.read_bytes(), tuple(boxes), tuple(ignored), whole)


def _scaled(box: list[float], factor: float) -> list[float]:
    """A box made larger or smaller around its centre: some labellers draw loosely."""
    x1, y1, x2, y2 = box
    x, y, width, height = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) * factor, (y2 - y1) * factor
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def _array(boxes: list[list[float]]) -> Boxes:
    return np.array(boxes, np.float32).reshape(-1, 4)

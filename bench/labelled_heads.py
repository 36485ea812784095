"""Where labelled heads are in a clip, frame by frame, and which of them are one head through time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

Luma = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Head:
    """One head through time: index of the frame, box in pixels, and whether it is exposed there."""

    frames: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    exposed: list[bool] = field(default_factory=list)


def lumas(path: Path) -> Iterator[Luma]:
    with av.open(str(path)) as clip:
        for frame in clip.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def labelled(clip: Path, boxes: Path, least_px: float) -> list[list[Box]]:
    """Head boxes of each frame, of labels for heads or, where there are none, for whole persons."""
    entries = json.loads(boxes.read_text())["frames"]
    by_frame = {entry["frame"]: entry["boxes"] for entry in entries}
    count = max(by_frame) + 1
    if any(box[4] == "person_head" for entry in entries for box in entry["boxes"]):
        named = [[b for b in by_frame.get(i, []) if b[4] == "person_head"] for i in range(count)]
        return [[(b[0], b[1], b[2], b[3]) for b in boxes if b[3] - b[1] >= least_px] for boxes in named]
    persons = [[(b[0], b[1], b[2], b[3]) for b in by_frame.get(i, []) if b[4] == "person"] for i in range(count)]
    return heads_of_persons(clip, persons, least_px)


HEAD_SHARE = 0.13
"""Of a labelled person's box, whose upper edge lies some way above the head: the height of the head."""
TOP_SHARE = 0.25
"""The head begins in this share of the box, from above."""
DARKER_OR_LIGHTER = 30
"""A person differs from the empty scene by more than so many gray levels."""


def heads_of_persons(clip: Path, persons: Sequence[Sequence[Box]], least_px: float) -> list[list[Box]]:
    """The head of each labelled person: the uppermost part of the box that differs from the empty scene.

    The scene is the median of the clip, so that this is for fixed cameras and people who walk.
    """
    frames = list(lumas(clip))[: len(persons)]
    scene = np.median(np.stack(frames[::5]), axis=0)
    found = []
    for frame, here in zip(frames, persons, strict=True):
        strange = np.abs(frame - scene) > DARKER_OR_LIGHTER
        heads = [_head_of(strange, person) for person in here]
        found.append([head for head in heads if head is not None and head[3] - head[1] >= least_px])
    return found


def _head_of(strange: npt.NDArray[np.bool_], person: Box) -> Box | None:
    x1, y1, x2, y2 = (round(value) for value in person)
    x1, y1 = max(x1, 0), max(y1, 0)
    tall = round(HEAD_SHARE * (y2 - y1))
    part = strange[y1 : y1 + round((TOP_SHARE + HEAD_SHARE) * (y2 - y1)), x1:x2]
    wide = np.flatnonzero(part.sum(axis=1) >= max(3, tall // 3))
    if not len(wide) or wide[0] > TOP_SHARE * (y2 - y1):
        return None
    top = int(wide[0])
    across = np.flatnonzero(part[top : top + tall].sum(axis=0) >= tall // 3)
    if not len(across) or across[-1] - across[0] > 2 * tall:
        return None  # two people at the same place
    return float(x1 + across[0]), float(y1 + top), float(x1 + across[-1] + 1), float(y1 + top + tall)


NEAR = 1.5
"""A head moves by no more than this many of its sizes beyond where it is expected, from one label to the next."""
PAUSE_S = 1.0


def link(heads: Sequence[Sequence[Box]], rate_fps: float) -> list[Head]:
    """Boxes of one head, frame after frame: the nearest of about the same size to where it was going."""
    done: list[Head] = []
    going: list[Head] = []
    for index, boxes in enumerate(heads):
        pairs = _pairs(going, boxes, index) if going and boxes else []
        for head, box in pairs:
            going[head].frames.append(index)
            going[head].boxes.append(boxes[box])
        taken = {box for _, box in pairs}
        going += [Head([index], [box]) for number, box in enumerate(boxes) if number not in taken]
        done += [head for head in going if index - head.frames[-1] > PAUSE_S * rate_fps]
        going = [head for head in going if index - head.frames[-1] <= PAUSE_S * rate_fps]
    return done + going


def _pairs(going: Sequence[Head], boxes: Sequence[Box], index: int) -> list[tuple[int, int]]:
    here = np.array(boxes)
    expected = np.array([_expected(head, index) for head in going])
    size, other = (np.sqrt(np.prod(b[:, 2:] - b[:, :2], axis=1)) for b in (here, expected))
    middle, place = ((b[:, :2] + b[:, 2:]) / 2 for b in (here, expected))
    apart = np.hypot(*(place[:, None] - middle[None]).transpose(2, 0, 1)) / np.minimum(other[:, None], size[None])
    apart = np.where(np.maximum(other[:, None] / size, size / other[:, None]) < 1.8, apart, 99)
    return [(a, b) for a, b in zip(*linear_sum_assignment(np.minimum(apart, 99)), strict=True) if apart[a, b] < NEAR]


def _expected(head: Head, index: int) -> npt.NDArray[np.float64]:
    last = np.array(head.boxes[-1])
    if len(head.frames) < 2:
        return last
    step = (last - np.array(head.boxes[-2])) / (head.frames[-1] - head.frames[-2])
    moved = np.tile((step[:2] + step[2:]) / 2, 2) * (index - head.frames[-1])
    return np.asarray(last + moved, np.float64)

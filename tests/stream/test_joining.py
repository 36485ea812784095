"""Regions of several pictures in one: nothing that any of them covers is left out, and few are made of many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerby.redact.joining import hulls
from passerby.regions import Regions


def regions(*boxes: tuple[float, float, float, float], label: int = 2) -> Regions:
    return Regions(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), label, np.uint8))


side = st.integers(0, 60)
box = st.tuples(side, side, st.integers(1, 30), st.integers(1, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
pictures = st.lists(st.tuples(st.lists(box, max_size=5), st.sampled_from([1, 2])), max_size=6)


@given(pictures)
def test_every_region_of_every_picture_lies_in_one_of_the_same_label(given_pictures: list[tuple[list, int]]) -> None:  # type: ignore[type-arg]
    each = [regions(*boxes, label=label) for boxes, label in given_pictures]
    joined = hulls(each)
    for one in each:
        for (x1, y1, x2, y2), label in zip(one.boxes, one.labels, strict=True):
            around = joined.boxes[joined.labels == label]
            holds = (around[:, :2] <= (x1, y1)).all(axis=1) & (around[:, 2:] >= (x2, y2)).all(axis=1)
            assert holds.any()


def test_one_who_walks_is_one_region_and_two_who_stand_apart_are_two() -> None:
    each = [regions((10 + 3 * step, 20, 40 + 3 * step, 60), (200, 20, 230, 60)) for step in range(8)]
    joined = hulls(each)
    assert joined.boxes.tolist() == [[10, 20, 61, 60], [200, 20, 230, 60]]


def test_pictures_that_are_clear_stay_clear() -> None:
    assert len(hulls([Regions()] * 5)) == 0
    assert len(hulls([])) == 0

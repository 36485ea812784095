"""The plan of a live camera: what nobody examined in time is painted whole."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest

from passerby.redact.live_plan import CARRIED_S, LivePlan, covered_share
from passerby.redact.polygons import Polygon
from passerby.regions import LABELS, NOTHING, Boxes, Look, Regions, no_boxes

SIZE = (640, 360)
MILLISECONDS = Fraction(1, 1000)
HEAD = np.array([LABELS.index("head")], np.uint8)
NO_LABELS = np.zeros(0, np.uint8)
BOX = np.array([[100, 100, 140, 150]], np.float32)
LIMIT = round(CARRIED_S * 1000)

How = Literal["whole", "part", "carried", "unseen"]


def plan(*, margins: dict[str, float] | None = None, keep: tuple[Polygon, ...] = ()) -> LivePlan:
    return LivePlan(SIZE, MILLISECONDS, margins or {"head": 0.1}, keep)


def look(pts: int, how: How = "whole", *, cut: bool = False) -> Look:
    return Look(pts, NOTHING, how, cut)


def final(of: LivePlan, pts: int, boxes: Boxes | None = None, moving: Boxes | None = NOTHING.boxes) -> Regions | None:
    boxes = no_boxes() if boxes is None else boxes
    return of.final(pts, boxes, np.repeat(HEAD, len(boxes)), moving)


def test_before_the_first_verdict_everything_is_painted_whole() -> None:
    assert final(plan(), 0) is None


def test_an_examined_frame_in_which_nothing_is_is_clear() -> None:
    live = plan()
    live.take(look(0))
    regions = final(live, 0)
    assert regions is not None
    assert not len(regions)


def test_what_a_track_covers_is_painted_with_its_margin() -> None:
    live = plan()
    live.take(look(0))
    regions = final(live, 0, BOX)
    assert regions is not None
    np.testing.assert_allclose(regions.boxes, [[96, 95, 144, 155]])


def test_a_frame_whose_look_failed_is_painted_whole() -> None:
    live = plan()
    live.take(look(0, "unseen"))
    assert final(live, 0, BOX) is None


def test_frames_between_two_that_were_examined_are_known_for_a_short_while() -> None:
    live = plan()
    live.take(look(0))
    live.take(look(LIMIT))
    assert final(live, LIMIT // 2) is not None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (look(0), look(LIMIT + 1)),
        (look(0, "unseen"), look(LIMIT)),
        (look(0), look(LIMIT, "unseen")),
        (look(0), look(LIMIT, cut=True)),
    ],
    ids=["too far apart", "the first is unknown", "the second is unknown", "a new scene begins"],
)
def test_frames_between_two_others_are_painted_whole_where_no_track_can_carry_over(before: Look, after: Look) -> None:
    live = plan()
    live.take(before)
    live.take(after)
    assert final(live, LIMIT // 2, BOX) is None


def test_a_frame_after_the_last_verdict_is_painted_whole() -> None:
    live = plan()
    live.take(look(0))
    assert final(live, 1) is None


def test_a_frame_before_the_first_verdict_is_painted_whole() -> None:
    live = plan()
    live.take(look(10))
    assert final(live, 5) is None


def test_verdicts_that_nobody_needs_any_more_are_forgotten() -> None:
    live = plan()
    for pts in range(0, 100_000, 100):
        live.take(look(pts))
        assert final(live, pts) is not None
    assert len(live._verdicts) < 5


def test_a_box_that_makes_no_sense_paints_the_whole_frame() -> None:
    live = plan()
    live.take(look(0))
    assert final(live, 0, np.array([[10, 10, np.nan, 20]], np.float32)) is None


def test_what_lies_in_a_part_that_is_kept_is_not_painted() -> None:
    everything = Polygon.of([(0, 0), (1, 0), (1, 1), (0, 1)])
    live = plan(keep=(everything,))
    live.take(look(0))
    regions = final(live, 0, BOX)
    assert regions is not None
    assert not len(regions)


def test_what_moves_is_painted_where_that_is_wanted_and_nothing_else() -> None:
    moving = np.array([[0, 0, 64, 64]], np.float32)
    live, other = plan(margins={"motion": 0.0}), plan()
    for each in (live, other):
        each.take(look(0))
    regions = final(live, 0, moving=moving)
    assert regions is not None
    np.testing.assert_allclose(regions.boxes, moving)
    clear = final(other, 0, moving=moving)
    assert clear is not None
    assert not len(clear)


def test_while_the_background_is_learned_everything_is_painted_whole() -> None:
    live = plan(margins={"motion": 0.0})
    live.take(look(0))
    assert final(live, 0, moving=None) is None


def test_the_share_of_a_picture_counts_each_place_once() -> None:
    half = np.array([[0, 0, 320, 360], [0, 0, 320, 360]], np.float32)
    assert covered_share(Regions(half, np.zeros(2, np.uint8)), SIZE) == pytest.approx(0.5)
    assert covered_share(Regions(), SIZE) == 0
    assert covered_share(None, SIZE) == 1

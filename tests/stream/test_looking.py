"""When live pictures are looked at: seldom where nothing changes, at once where somebody asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np

from passerby.detect.evidence import sketch_of
from passerby.detect.live import LiveLook, LiveLooks, moving_in
from passerby.media import Frame, Orientation, Picture
from passerby.read.picture import frame_of, picture_of
from passerby.regions import Boxes, Detections, no_boxes
from tests.stream.scenes import Finder, Rgb, thing, wall

STEP = 6000
BASE = Fraction(1, 90000)


def frame(index: int, picture: Rgb, *, damaged: bool = False) -> Frame:
    decoded = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")
    return frame_of(decoded, index * STEP, BASE, Orientation.UPRIGHT, damaged=damaged, writable=True)


def examined(looks: LiveLooks, frames: Iterator[Frame], ask: Boxes | None = None) -> list[LiveLook]:
    ask = no_boxes() if ask is None else ask
    known = [look for each in frames for look in looks.take(each, sketch_of(each), ask)]
    return known + looks.settle()


def test_where_nothing_changes_renewals_get_rarer() -> None:
    finder = Finder()
    picture = wall(0)
    known = examined(LiveLooks(picture_of, finder), (frame(index, picture) for index in range(0, 15 * 70, 5)))
    at = [look.look.pts * BASE for look in known if len(look.looked_at)]
    pauses = [float(after - before) for before, after in itertools.pairwise(at)]
    assert [round(pause) for pause in pauses] == [4, 8, 16, 32]


def test_a_place_that_somebody_asks_for_is_looked_at_though_nothing_changes() -> None:
    picture, place = wall(0), np.array([[100, 60, 130, 90]], np.float32)
    looks = LiveLooks(picture_of, Finder())
    examined(looks, iter([frame(0, picture)]))
    known = examined(looks, iter([frame(15, picture)]), place)
    assert len(known[-1].looked_at)
    assert (known[-1].looked_at[:, :2].min(axis=0) <= place[0, :2]).all()
    assert (known[-1].looked_at[:, 2:].max(axis=0) >= place[0, 2:]).all()


def test_every_frame_gets_one_verdict_in_order() -> None:
    frames = [frame(index, thing(index), damaged=index == 7) for index in range(20)]
    known = examined(LiveLooks(picture_of, Finder()), iter(frames))
    assert [look.look.pts for look in known] == [each.pts for each in frames]
    assert known[7].look.how == "unseen"


def test_what_stands_still_and_is_not_found_again_is_believed_for_three_renewals() -> None:
    """It is found once and never again, as something that was no head would be."""

    class Once(Finder):
        def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
            found = super().find(picture)
            return found if self.looks == 1 else found[np.zeros(len(found), np.bool_)]

    picture = thing(0)
    known = examined(LiveLooks(picture_of, Once()), (frame(index, picture) for index in range(0, 15 * 70, 5)))
    renewals = [look for look in known if len(look.looked_at)]
    assert [len(look.look.detections) for look in renewals] == [1, 1, 1, 0, 0]


def test_a_look_that_fails_is_told_and_makes_its_frames_unseen() -> None:
    told: list[Exception | None] = []

    def fail() -> None:
        raise RuntimeError("the net broke")

    looks = LiveLooks(picture_of, Finder(fail), on_look=lambda seconds, error: told.append(error))
    known = examined(looks, (frame(index, thing(index)) for index in range(3)))
    assert {look.look.how for look in known} == {"unseen"}
    assert told
    assert all(isinstance(error, RuntimeError) for error in told)


def test_what_differs_is_covered_in_the_frames_beside_it_too() -> None:
    size = (320, 240)
    here, there = np.zeros((60, 80), np.bool_), np.zeros((60, 80), np.bool_)
    there[10, 10] = True
    assert moving_in(None, [here, there], size) is None
    moving = moving_in(here, [None, there], size)
    assert moving is not None
    assert len(moving) == 1

"""Pictures that wait: in order, bounded in bytes, and never looked at while they are painted."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from passerby.media import Orientation
from passerby.pipeline.stream_buffer import Buffer, TooLate, Waiting
from passerby.read.camera import LivePicture
from passerby.read.picture import frame_of

LONG_AGO_S = 1000.0


def waiting(pts: int, *, age_s: float = 0.0) -> Waiting:
    pixels = av.VideoFrame.from_ndarray(np.full((48, 64, 3), pts % 256, np.uint8), "rgb24").reformat(format="yuv420p")
    frame = frame_of(pixels, pts, Fraction(1, 1000), Orientation.UPRIGHT, damaged=False, writable=True)
    return Waiting(LivePicture(frame, None, False, "", datetime.now(UTC), time.monotonic() - age_s), None)


SIZE = waiting(0).size_bytes


def test_pictures_come_out_in_order_each_with_the_one_after_it() -> None:
    buffer = Buffer(1.0, 100 * SIZE)
    for pts in range(3):
        buffer.put(waiting(pts, age_s=LONG_AGO_S))
    taken = [buffer.take(0) for _ in range(4)]
    assert [(pair[0].pts, pair[1].pts if pair[1] else None) for pair in taken if pair] == [(0, 1), (1, 2), (2, None)]
    assert buffer.waiting_bytes == 0


def test_a_picture_comes_out_only_when_its_delay_has_passed() -> None:
    buffer = Buffer(LONG_AGO_S, 100 * SIZE)
    buffer.put(waiting(0))
    assert buffer.take(0.05) is None
    buffer.release()
    assert buffer.take(0.05) is not None


def test_what_finds_no_room_is_dropped_and_the_next_one_knows() -> None:
    buffer = Buffer(0.0, 2 * SIZE)
    for pts in range(5):
        buffer.put(waiting(pts, age_s=1))
    assert buffer.waiting_bytes <= 2 * SIZE
    assert (buffer.arrived, buffer.dropped) == (5, 3)
    buffer.take(0)
    buffer.put(waiting(5, age_s=1))
    pairs = [buffer.take(0) for _ in range(2)]
    assert [(pair[0].pts, pair[0].after_gap) for pair in pairs if pair] == [(1, False), (5, True)]


def test_one_picture_always_finds_room() -> None:
    buffer = Buffer(0.0, 1)
    buffer.put(waiting(0))
    assert buffer.dropped == 0


def test_a_picture_that_is_painted_cannot_be_looked_at_any_more() -> None:
    picture = waiting(0)
    assert picture.shown().shape == (48, 64, 3)
    picture.take()
    with pytest.raises(TooLate):
        picture.shown()


def test_what_is_looked_at_is_not_what_is_painted() -> None:
    picture = waiting(200)
    shown = picture.shown()
    before = shown.copy()
    for plane in picture.take().planes:
        plane[...] = 0
    np.testing.assert_array_equal(shown, before)


def test_the_looker_gets_what_is_new_to_it_and_is_told_of_the_end() -> None:
    buffer = Buffer(LONG_AGO_S, 100 * SIZE)
    for pts in range(3):
        buffer.put(waiting(pts))
    newer = buffer.after(0, 0)
    assert newer is not None
    assert [each.pts for each in newer] == [1, 2]
    assert buffer.after(2, 0.01) == []
    buffer.end()
    assert buffer.after(2, 1.0) is None
    assert not buffer.is_over()
    buffer.give_up()
    assert buffer.is_over()

"""What differs from the background of a fixed camera: nothing of it is missed, and little else is taken for it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from passerby.detect.background import Background, BackgroundOptions
from passerby.detect.blocks import BLOCK_PX, MOST_BOXES, blocks_of, boxes_of, grown
from passerby.detect.sway import Anchor, moved_along, moved_back
from passerby.detect.watch import MotionWatch
from passerby.media import Frame, Orientation, PixelLayout
from passerby.regions import NOTHING, Boxes, Look

GRAY = PixelLayout("gray", "gray")
YUV = PixelLayout("yuv444p", "yuv")
SIZE = (320, 192)
STEP = 100
MILLISECONDS = Fraction(1, 1000)
SOON = BackgroundOptions(learn_s=1.0)
LEARNED = 12
"""So many frames are more than enough to learn, with `SOON`."""
Gray = npt.NDArray[np.uint8]


def frame_at(index: int, *planes: Gray, damaged: bool = False, step: int = STEP) -> Frame:
    return Frame(index * step, MILLISECONDS, GRAY if len(planes) == 1 else YUV, planes, damaged=damaged)


@pytest.fixture(scope="module")
def wall() -> Gray:
    """A textured backdrop, larger than the picture, so that a camera can be turned."""
    rng = np.random.default_rng(7)
    coarse = rng.integers(60, 190, (60, 80)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (SIZE[0] * 2, SIZE[1] * 2), interpolation=cv2.INTER_CUBIC), np.uint8)


def seen(wall: Gray, index: int, x: float = 0.0, noise: float = 3.0) -> Gray:
    """What a camera that points at x sees of the wall, with noise of its own in each frame."""
    matrix = np.array([[1, 0, -x], [0, 1, 0]], np.float64)
    part = cv2.warpAffine(wall, matrix, SIZE, flags=cv2.INTER_LINEAR).astype(np.float32)
    grain = np.random.default_rng(index).normal(0, noise, part.shape)
    return np.asarray(np.clip(part + grain, 0, 255), np.uint8)


def learned(wall: Gray, options: BackgroundOptions = SOON) -> Background:
    background = Background(options)
    for index in range(LEARNED):
        background.blocks(frame_at(index, seen(wall, index)))
    return background


def covers(blocks: npt.NDArray[np.bool_] | None, x1: int, y1: int, x2: int, y2: int) -> bool:
    """Whether all of these pixels lie in squares; the sketches of such small pictures are not shrunk."""
    assert blocks is not None
    return bool(blocks[y1 // BLOCK_PX : -(-y2 // BLOCK_PX), x1 // BLOCK_PX : -(-x2 // BLOCK_PX)].all())


def with_thing(picture: Gray, x: int, y: int, side: int = 40, by: int = 60) -> Gray:
    """Something darker or lighter than what is behind it."""
    changed = picture.astype(np.int16)
    part = changed[y : y + side, x : x + side]
    part += np.where(part > 127, -by, by).astype(np.int16)
    return np.asarray(np.clip(changed, 0, 255), np.uint8)


def test_everything_may_differ_until_the_background_is_learned(wall: Gray) -> None:
    background = Background(BackgroundOptions(learn_s=2.0))
    found = [background.blocks(frame_at(i, seen(wall, i))) for i in range(30)]
    assert [blocks is None for blocks in found] == [True] * 20 + [False] * 10


def test_few_frames_are_not_enough_however_much_time_they_take(wall: Gray) -> None:
    background = Background(SOON)
    found = [background.blocks(frame_at(i, seen(wall, i), step=1000)) for i in range(10)]
    assert [blocks is None for blocks in found] == [True] * 7 + [False] * 3


def test_noise_is_no_motion(wall: Gray) -> None:
    background = learned(wall)
    for index in range(LEARNED, LEARNED + 20):
        blocks = background.blocks(frame_at(index, seen(wall, index)))
        assert blocks is not None
        assert not blocks.any()


@pytest.mark.parametrize(("x", "y"), [(40, 40), (201, 77), (0, 0), (311, 183)])
def test_a_thing_of_eight_pixels_is_found(wall: Gray, x: int, y: int) -> None:
    background = learned(wall)
    assert covers(background.blocks(frame_at(LEARNED, with_thing(seen(wall, 50), x, y, side=8))), x, y, x + 8, y + 8)


def test_a_thing_of_eight_pixels_is_found_in_a_large_picture() -> None:
    rng = np.random.default_rng(3)
    large = rng.integers(80, 170, (1080, 1920)).astype(np.uint8)
    background = Background(SOON)
    for index in range(LEARNED):
        background.blocks(frame_at(index, large))
    for index, (x, y) in enumerate([(800, 400), (1003, 517), (333, 222), (1911, 1071)], LEARNED):
        picture = large.copy()
        picture[y : y + 8, x : x + 8] = 235
        blocks = background.blocks(frame_at(index, picture))
        assert covers(blocks, x // 4, y // 4, x // 4 + 2, y // 4 + 2)
        assert blocks is not None
        assert blocks.mean() < 0.01


def test_a_thing_that_differs_in_colour_alone_is_found(wall: Gray) -> None:
    background = Background(SOON)
    chroma = np.full(SIZE[::-1], 128, np.uint8)
    for index in range(LEARNED):
        background.blocks(frame_at(index, seen(wall, index), chroma, chroma))
    red = chroma.copy()
    red[80:120, 100:140] = 160
    assert covers(background.blocks(frame_at(LEARNED, seen(wall, LEARNED), chroma, red)), 100, 80, 140, 120)


def test_what_stands_still_does_not_become_background(wall: Gray) -> None:
    background = learned(wall)
    for index in range(3, 122):  # a minute
        blocks = background.blocks(frame_at(index, with_thing(seen(wall, index), 100, 80), step=500))
        assert covers(blocks, 100, 80, 140, 120), f"after {index / 2} s"
    blocks = background.blocks(frame_at(122, seen(wall, 1), step=500))
    assert blocks is not None
    assert not blocks.any(), "it left something behind"


def test_slow_light_is_followed_and_what_stands_in_it_is_not(wall: Gray) -> None:
    background = learned(wall)
    blocks = None
    for index in range(3, 200):
        light = np.float32(1 - 0.2 * index / 200)
        picture = seen(np.asarray(wall * light, np.uint8), index)
        blocks = background.blocks(frame_at(index, with_thing(picture, 100, 80, by=90), step=500))
        assert covers(blocks, 100, 80, 140, 120)
    assert blocks is not None
    assert blocks.mean() < 0.08


def test_sudden_light_begins_anew(wall: Gray) -> None:
    background = learned(wall)
    found = [background.blocks(frame_at(LEARNED + i, seen(wall // 2, i))) for i in range(15)]
    assert [blocks is None for blocks in found] == [True] * 10 + [False] * 5


def test_a_cut_begins_anew(wall: Gray) -> None:
    background = learned(wall)
    other = np.ascontiguousarray(wall[::-1, ::-1])
    found = [background.blocks(frame_at(LEARNED + i, seen(other, i))) for i in range(15)]
    assert [blocks is None for blocks in found] == [True] * 10 + [False] * 5


def test_another_size_begins_anew(wall: Gray) -> None:
    background = learned(wall)
    assert background.blocks(frame_at(LEARNED, np.ascontiguousarray(seen(wall, 1)[:100]))) is None


def test_of_a_damaged_frame_nothing_is_known_and_nothing_is_learned(wall: Gray) -> None:
    background = learned(wall)
    assert background.blocks(frame_at(LEARNED, np.zeros(SIZE[::-1], np.uint8), damaged=True)) is None
    after = background.blocks(frame_at(LEARNED + 1, seen(wall, LEARNED)))
    assert after is not None
    assert not after.any()


def test_nothing_is_known_while_the_camera_pans(wall: Gray) -> None:
    background = learned(wall)
    found = [background.blocks(frame_at(LEARNED + i, seen(wall, i, x=3.0 * i))) for i in range(40)]
    assert all(blocks is None for blocks in found[2:])


def test_a_camera_that_sways_is_no_motion(wall: Gray) -> None:
    background = learned(wall)
    for index in range(20):
        x = 2.5 * np.sin(index)
        blocks = background.blocks(frame_at(LEARNED + index, seen(with_thing(wall, 100, 80), index, x=x)))
        assert covers(blocks, 103, 80, 137, 120)
        assert blocks is not None
        assert blocks.mean() < 0.35, "more than the thing and the edges of the picture"


def test_where_somebody_walked_while_it_was_learned_stays_covered_until_it_was_still(wall: Gray) -> None:
    background = Background(SOON)
    for index in range(LEARNED):
        background.blocks(frame_at(index, with_thing(seen(wall, index), 100 + 12 * (index % 6), 80)))
    blocks = background.blocks(frame_at(LEARNED, seen(wall, LEARNED)))
    assert covers(blocks, 104, 84, 196, 116)
    for index in range(3, 100):
        blocks = background.blocks(frame_at(index, seen(wall, index), step=500))
    assert blocks is not None
    assert not blocks.any()


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 40), st.integers(1, 60))))
def test_every_square_lies_in_a_box(blocks: npt.NDArray[np.bool_]) -> None:
    height, width = blocks.shape[0] * BLOCK_PX, blocks.shape[1] * BLOCK_PX
    boxes = boxes_of(blocks, (width, height))
    assert len(boxes) <= MOST_BOXES
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()
    painted = np.zeros((height, width), np.bool_)
    for x1, y1, x2, y2 in np.stack([*np.floor(boxes.T[:2]), *np.ceil(boxes.T[2:])], axis=1).astype(int):
        painted[y1:y2, x1:x2] = True
    assert painted[np.repeat(np.repeat(blocks, BLOCK_PX, axis=0), BLOCK_PX, axis=1)].all()
    assert blocks.any() == painted.any()


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 50), st.integers(1, 50))))
def test_every_pixel_lies_in_a_square_and_growing_loses_none(mask: npt.NDArray[np.bool_]) -> None:
    blocks = blocks_of(mask)
    rows, columns = np.nonzero(mask)
    assert blocks[rows // BLOCK_PX, columns // BLOCK_PX].all()
    assert grown(blocks)[blocks].all()


def test_what_is_surrounded_belongs_to_it() -> None:
    ring = np.zeros((20, 20), np.bool_)
    ring[4:16, 4:16] = True
    ring[5:15, 5:15] = False
    whole = grown(ring)
    assert whole[3:17, 3:17].all()
    assert not whole[:3].any()


@pytest.mark.parametrize("by", [(2.0, 0.0), (-3.0, 1.0), (1.5, -2.5)])
def test_shifts_are_found_and_undone(wall: Gray, by: tuple[float, float]) -> None:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float64)
    still = seen(wall, 1, noise=0)
    moved = np.asarray(cv2.warpAffine(still, matrix, SIZE), np.uint8)
    shift = Anchor(still).shift_of(moved)
    assert shift is not None
    assert np.hypot(shift[0] - by[0], shift[1] - by[1]) < 0.5
    assert cv2.absdiff(moved_back(moved, shift), still)[8:-8, 8:-8].mean() < cv2.absdiff(moved, still).mean() / 2


def test_what_was_never_compared_counts_as_different() -> None:
    nothing = np.zeros((20, 30), np.bool_)
    assert moved_along(nothing, (2.0, 0.0))[:, :2].all()
    assert moved_along(nothing, (0.0, -3.0))[-3:].all()


def boxes_of_frames(frames: Iterable[Frame], options: BackgroundOptions) -> list[Boxes | None]:
    watch = MotionWatch(options)
    passed = [Look(frame.pts, NOTHING) for frame in watch.over(frames)]
    return [look.moving for look in watch.added_to(passed)]


def test_what_moves_is_covered_in_the_frames_beside_it(wall: Gray) -> None:
    there = {LEARNED + 5, LEARNED + 6}
    pictures = [seen(wall, i) if i not in there else with_thing(seen(wall, i), 100, 80) for i in range(LEARNED + 12)]
    found = boxes_of_frames((frame_at(i, picture) for i, picture in enumerate(pictures)), SOON)
    covered = [index for index, boxes in enumerate(found) if boxes is not None and len(boxes)]
    assert covered == [LEARNED + 4, LEARNED + 5, LEARNED + 6, LEARNED + 7]


def test_boxes_are_those_of_the_upright_picture(wall: Gray) -> None:
    def turned(index: int) -> Frame:
        picture = with_thing(seen(wall, index), 250, 20, 40) if index >= LEARNED else seen(wall, index)
        return Frame(index * STEP, MILLISECONDS, GRAY, (picture,), Orientation.QUARTER_RIGHT)

    boxes = boxes_of_frames(map(turned, range(LEARNED + 2)), SOON)[-1]
    assert boxes is not None
    # Turned to the right, what was at the right is at the bottom, and what was at the top is at the right.
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    assert (low <= [192 - 60, 250]).all()
    assert (high >= [192 - 20, 290]).all()
    assert (low > [192 - 60 - 20, 250 - 20]).all()

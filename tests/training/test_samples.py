"""What is labelled stays on what it marks, and nothing is learned where nothing is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="PyTorch is not installed, it comes with the extra train")

from train.augment import sample_of
from train.cutting import Aim, Sample, cut_out, joined
from train.data import NO_BOXES, Boxes, Example
from train.loss import heat_loss, target_of
from train.net import CLASSES

SIZE = 96
SEEDS = st.integers(0, 2**32 - 1)
ALL, NONE = (True, True), (False, False)


def example(
    boxes: Boxes = NO_BOXES,
    *,
    picture: npt.NDArray[np.uint8] | None = None,
    ignored: Boxes = NO_BOXES,
    whole: tuple[bool, ...] = ALL,
) -> Example:
    """A picture with heads in some boxes, and no plates."""
    content = cv2.imencode(".png", np.zeros((120, 160, 3), np.uint8) if picture is None else picture)[1].tobytes()
    return Example("made.png", content, (boxes, NO_BOXES), (ignored, NO_BOXES), whole)


def disc(x: int, y: int, radius: int) -> Example:
    """A white disc on black, labelled as a head."""
    picture = np.zeros((120, 160, 3), np.uint8)
    cv2.circle(picture, (x, y), radius, (255, 255, 255), -1)
    # A pixel's middle is half a pixel from its edge.
    box = np.array([[x - radius, y - radius, x + radius + 1, y + radius + 1]], np.float32)
    return example(box, picture=picture)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, x=st.integers(30, 130), y=st.integers(30, 90), radius=st.integers(6, 28))
def test_the_box_of_a_disc_still_holds_the_disc(seed: int, x: int, y: int, radius: int) -> None:
    sample = cut_out(disc(x, y, radius), SIZE, Aim(7, 80), np.random.default_rng(seed))
    bright = sample.pixels[:, :, 0] > 128
    for x1, y1, x2, y2 in sample.boxes[0]:
        inside = np.zeros_like(bright)
        # Enlarged three times, a drawn disc is no perfect one, and half a pixel is one and a half.
        inside[max(0, int(y1 - 3)) : int(y2 + 4), max(0, int(x1 - 3)) : int(x2 + 4)] = True
        assert not (bright & ~inside).any()
        # And it is hardly larger: a disc fills more than three quarters of its box.
        assert bright.sum() > 0.6 * (x2 - x1) * (y2 - y1)
    if bright.sum() > 900 and not (bright[0].any() or bright[-1].any() or bright[:, 0].any() or bright[:, -1].any()):
        assert len(sample.boxes[0]) == 1


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_box_lies_in_the_middle_of_what_it_marks_mirrored_or_not(seed: int) -> None:
    sample = cut_out(disc(80, 60, 20), SIZE, Aim(30, 60), np.random.default_rng(seed))
    bright = sample.pixels[:, :, 0] > 128
    if not len(sample.boxes[0]) or bright[0].any() or bright[-1].any() or bright[:, 0].any() or bright[:, -1].any():
        return
    rows, columns = np.nonzero(bright)
    x1, y1, x2, y2 = sample.boxes[0][0]
    assert abs((x1 + x2) / 2 - columns.mean() - 0.5) < 0.3
    assert abs((y1 + y2) / 2 - rows.mean() - 0.5) < 0.3


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_boxes_and_known_places_stay_in_the_cut_out_whatever_is_drawn(seed: int) -> None:
    sample = sample_of([disc(60, 60, 20)] * 4, SIZE, np.random.default_rng(seed))
    assert sample.pixels.shape == (SIZE, SIZE, 3)
    for boxes, known in zip(sample.boxes, sample.known, strict=True):
        assert known.shape == (SIZE, SIZE)
        assert boxes.dtype == np.float32
        assert ((boxes >= 0) & (boxes <= SIZE)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_a_mosaic_moves_each_box_with_its_picture() -> None:
    pixels = [np.full((8, 8, 3), value, np.uint8) for value in range(4)]
    box = np.array([[1, 2, 3, 5]], np.float32)
    known = np.ones((8, 8), np.uint8)
    whole = joined([Sample(part, (box, NO_BOXES), (known, known)) for part in pixels])
    assert whole.boxes[0].tolist() == [[1, 2, 3, 5], [9, 2, 11, 5], [1, 10, 3, 13], [9, 10, 11, 13]]
    assert [whole.pixels[int(y1), int(x1), 0] for x1, y1, *_ in whole.boxes[0]] == [0, 1, 2, 3]


def loss_where_the_net_sees_everything(sample: Sample) -> list[float]:
    """For each class, when the net is nearly sure of a centre in every cell."""
    target = target_of(sample)
    heat, known = torch.from_numpy(target.heat)[None], torch.from_numpy(target.known)[None]
    losses: list[float] = heat_loss(torch.full_like(heat, 8), heat, known).tolist()
    return losses


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_a_class_that_is_not_labelled_gives_no_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert loss_where_the_net_sees_everything(cut_out(example(whole=NONE), SIZE, Aim(7, 80), rng)) == [0, 0]
    head, plate = loss_where_the_net_sees_everything(cut_out(example(whole=(True, False)), SIZE, Aim(7, 80), rng))
    assert head > 1000
    assert plate == 0


def test_a_doubtful_place_gives_no_loss_and_its_surroundings_do() -> None:
    everywhere = np.array([[-500, -500, 500, 500]], np.float32)
    rng = np.random.default_rng(0)
    assert loss_where_the_net_sees_everything(cut_out(example(ignored=everywhere), SIZE, Aim(7, 80), rng))[0] == 0
    somewhere = np.array([[40, 40, 90, 90]], np.float32)
    known = [
        cut_out(example(ignored=somewhere), SIZE, Aim(7, 80), np.random.default_rng(i)).known[0].mean()
        for i in range(20)
    ]
    assert 0 < min(known) < 1
    assert max(known) == 1


def test_where_only_some_things_are_labelled_their_surroundings_alone_are_known() -> None:
    box = np.array([[70, 50, 90, 70]], np.float32)
    sample = cut_out(example(box, whole=NONE), SIZE, Aim(7, 12), np.random.default_rng(3))
    (x1, y1, x2, y2) = sample.boxes[0][0]
    known = sample.known[0].astype(bool)
    assert known[int((y1 + y2) / 2), int((x1 + x2) / 2)]
    rows, columns = known.nonzero()
    assert x2 - x1 < np.ptp(columns) < 4.5 * (x2 - x1)
    assert y2 - y1 < np.ptp(rows) < 4.5 * (y2 - y1)


def test_what_is_too_small_to_be_asked_for_is_not_held_against_the_net_either() -> None:
    side_by_side = np.array([[60, 40, 100, 80], [52, 58, 56, 62]], np.float32)
    labelled = []
    for seed in range(10):
        sample = cut_out(example(side_by_side), SIZE, Aim(7, 12), np.random.default_rng(seed))
        labelled.append(len(sample.boxes[0]))
        assert (sample.known[0] == 0).any() == (labelled[-1] < 2)
    assert 1 in labelled


def sample_with(*heads: tuple[float, float, float, float]) -> Sample:
    known = np.ones((64, 64), np.uint8)
    return Sample(np.zeros((64, 64, 3), np.uint8), (np.array(heads, np.float32), NO_BOXES), (known, known))


def test_the_target_is_one_in_the_cell_of_the_centre_with_its_size_and_place() -> None:
    target = target_of(sample_with((20, 12, 36, 44)))
    row, column = 6, 6  # the centre is at x 28, y 28: where four cells meet
    assert {target.heat[0, row + i, column + j] == 1 for i in (0, 1) for j in (0, 1)} <= {True, False}
    assert (target.heat[0] == 1).sum() == 1
    (row,), (column,) = (target.heat[0] == 1).nonzero()
    assert np.exp(target.sizes[:2, row, column]) == pytest.approx([32 / 4, 16 / 4], rel=1e-5)
    down, right = target.offsets[:2, row, column]
    assert 4 * (row + 0.5 + down) == pytest.approx(28)
    assert 4 * (column + 0.5 + right) == pytest.approx(28)
    assert target.weights[0, row, column] == 1


@settings(deadline=None)
@given(
    x=st.floats(6, 58),
    y=st.floats(6, 58),
    width=st.floats(5, 50),
    height=st.floats(5, 50),
    index=st.sampled_from([0, 1]),
)
def test_what_a_target_says_is_read_back_as_the_box(
    x: float, y: float, width: float, height: float, index: int
) -> None:
    from passerby.detect.heads import centre_heatmaps

    box = np.array([[x - width / 2, y - height / 2, x + width / 2, y + height / 2]], np.float32)
    known = np.ones((64, 64), np.uint8)
    boxes = (box, NO_BOXES) if index == 0 else (NO_BOXES, box)
    target = target_of(Sample(np.zeros((64, 64, 3), np.uint8), boxes, (known, known)))
    outputs = {"heatmap": target.heat[None], "scale": target.sizes[None], "offset": target.offsets[None]}
    read = centre_heatmaps(outputs, 1.0, CLASSES)
    assert read.boxes == pytest.approx(box, abs=1e-3)


def test_of_two_heads_at_one_place_the_smaller_has_the_say_at_its_centre() -> None:
    target = target_of(sample_with((0, 0, 64, 64), (28, 28, 40, 40)))
    assert (target.heat[0] == 1).sum() == 2
    assert np.exp(target.sizes[0, 8, 8]) == pytest.approx(3, rel=1e-4)

"""Text is found wherever it stands and at any angle, nothing is found where none is, and nobody reads it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.detect.detector import NetDetector
from passerby.detect.runtime import Session
from passerby.detect.text import UNCLIP, text_boxes
from passerby.detect.zoo import entry_of, read_model
from passerby.errors import ModelError
from passerby.regions import LABELS, Boxes

Picture = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]

REFERENCE = Path(__file__).with_name("text_original.json")
"""What the original says of scikit-image's page at every eighth pixel, written by tools/build_text_detector.py."""


@pytest.fixture(scope="module", params=["text", "text-int8"])
def detector(request: pytest.FixtureRequest) -> NetDetector:
    return NetDetector(str(request.param), provider="cpu")


def page() -> Picture:
    return np.ascontiguousarray(cv2.cvtColor(skimage.data.page(), cv2.COLOR_GRAY2RGB), np.uint8)


def bar(width: float, height: float, degrees: float, value: float = 0.9) -> Map:
    """A map of 200 x 240 cells with a turned rectangle around x 120, y 100 in it."""
    heatmap = np.zeros((200, 240), np.float32)
    corners = cv2.boxPoints(((120, 100), (width, height), degrees))
    cv2.fillPoly(heatmap, [np.rint(corners).astype(np.int32)], value)
    return heatmap


def read(heatmap: Map, threshold: float = 0.5) -> Boxes:
    return text_boxes({"heatmap": heatmap[None, None]}, threshold, ("text",)).boxes


def test_a_mark_becomes_a_box_moved_out_by_area_over_circumference() -> None:
    heatmap = np.zeros((200, 240), np.float32)
    heatmap[90:110, 60:180] = 0.75
    found = text_boxes({"heatmap": heatmap[None, None]}, 0.5, ("text",))
    out = UNCLIP * 120 * 20 / (2 * (120 + 20))
    assert found.boxes == pytest.approx(np.array([[60 - out, 90 - out, 180 + out, 110 + out]]), abs=0.01)
    assert found.scores.tolist() == [0.75]
    assert [LABELS[label] for label in found.labels] == ["text"]


@settings(deadline=None)
@given(st.floats(20, 120), st.floats(6, 40), st.floats(0, 180))
def test_the_box_of_a_turned_mark_holds_all_of_it(width: float, height: float, degrees: float) -> None:
    heatmap = bar(width, height, degrees)
    (box,) = read(heatmap)
    rows, columns = np.nonzero(heatmap)
    assert box[0] <= columns.min()
    assert box[1] <= rows.min()
    assert box[2] >= columns.max() + 1
    assert box[3] >= rows.max() + 1


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_mark_is_inside_a_box_and_scores_at_least_the_threshold(seed: int) -> None:
    heatmap = cv2.GaussianBlur(np.random.default_rng(seed).random((64, 96), np.float32), (0, 0), 4)
    heatmap = (heatmap - heatmap.min()) / np.ptp(heatmap)
    found = text_boxes({"heatmap": heatmap[None, None]}, 0.7, ("text",))
    covered = np.zeros(heatmap.shape, bool)
    for x1, y1, x2, y2 in np.clip(np.rint(found.boxes), 0, 96).astype(int):
        covered[y1:y2, x1:x2] = True
    assert covered[heatmap >= 0.9].all()
    assert ((found.scores >= 0.7) & (found.scores <= 1)).all()


def test_two_marks_are_two_texts_each_with_its_score() -> None:
    heatmap = np.zeros((200, 240), np.float32)
    heatmap[20:30, 20:100] = 0.6
    heatmap[60:70, 20:100] = 0.9
    found = text_boxes({"heatmap": heatmap[None, None]}, 0.5, ("text",))
    assert sorted(found.scores.tolist()) == pytest.approx([0.6, 0.9])
    assert found.boxes[found.scores > 0.8, 1] > found.boxes[found.scores < 0.8, 1]


def test_specks_and_blank_maps_are_nothing() -> None:
    heatmap = np.zeros((200, 240), np.float32)
    heatmap[10, 10:60] = 0.9
    assert len(read(heatmap)) == 0
    assert len(read(np.zeros((32, 32), np.float32))) == 0


def test_a_net_that_gives_no_numbers_has_failed_and_not_found_nothing() -> None:
    heatmap = bar(50, 10, 0)
    heatmap[0, 0] = np.nan
    with pytest.raises(ModelError, match="no numbers"):
        read(heatmap)


@pytest.mark.parametrize(("name", "tolerance", "least"), [("text", 1e-4, 0.9999), ("text-int8", 0.5, 0.97)])
def test_a_model_says_of_a_page_what_the_original_says(name: str, tolerance: float, least: float) -> None:
    original = np.array(json.loads(REFERENCE.read_text()), np.float32)
    session = Session(read_model(entry_of(name)), name=name, provider="cpu")
    ours = session.run(np.ascontiguousarray(page()[None, :160]))["heatmap"][0, 0, ::8, ::8]
    assert ours.shape == original.shape
    assert (original >= 0.2).sum() > 100
    assert np.abs(ours - original).max() < tolerance
    assert ((ours >= 0.2) == (original >= 0.2)).mean() >= least


@pytest.mark.parametrize("degrees", [-30, -10, 0, 10, 30])
@pytest.mark.parametrize("height", [24, 60])
def test_a_word_is_found_at_angles_and_sizes(
    detector: NetDetector, astronaut: Picture, degrees: float, height: int
) -> None:
    picture, where = with_word(astronaut, height, degrees)
    boxes = detector.find(picture).boxes
    covered = np.zeros(picture.shape[:2], bool)
    for x1, y1, x2, y2 in np.rint(boxes).astype(int):
        covered[y1:y2, x1:x2] = True
    assert covered[where].mean() > 0.9


def with_word(picture: Picture, height: int, degrees: float) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """A copy with a word of that height in its middle, turned; and where its strokes are."""
    picture = np.ascontiguousarray(picture.copy())
    scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_DUPLEX, height, 2)
    (width, _), _ = cv2.getTextSize("PASSERBY", cv2.FONT_HERSHEY_DUPLEX, scale, 2)
    strokes: npt.NDArray[np.uint8] = np.zeros(picture.shape[:2], np.uint8)
    middle = (picture.shape[1] / 2, picture.shape[0] / 2)
    corner = (int(middle[0] - width / 2), int(middle[1] + height / 2))
    thickness = max(1, height // 8)
    cv2.putText(strokes, "PASSERBY", corner, cv2.FONT_HERSHEY_DUPLEX, scale, 255, thickness, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1)
    strokes = np.asarray(cv2.warpAffine(strokes, turn, strokes.shape[::-1]), np.uint8)
    share = strokes[:, :, None].astype(np.float32) / 255
    return (picture * (1 - share) + 255 * share).astype(np.uint8), strokes > 128


@pytest.mark.parametrize("level", [0, 90, 255])
def test_nothing_is_found_in_a_blank_picture(detector: NetDetector, level: int) -> None:
    assert len(detector.find(np.full((200, 320, 3), level, np.uint8))) == 0


def test_both_models_find_the_same_lines_of_a_page() -> None:
    exact, quick = (NetDetector(name, provider="cpu").find(page()) for name in ("text", "text-int8"))
    assert len(exact) >= 6
    assert abs(len(exact) - len(quick)) <= 2

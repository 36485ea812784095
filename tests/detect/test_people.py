"""Persons and vehicles are found, and nothing else of what the original NanoDet knows can come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import skimage.data
import skimage.io
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.detect.detector import NetDetector
from passerby.detect.distances import BINS, STRIDES, distance_bins
from passerby.detect.runtime import Session
from passerby.detect.zoo import entry_of, read_model
from passerby.errors import ModelError
from passerby.regions import LABELS, Detections

BOTH = ("person", "vehicle")
Tensors = dict[str, npt.NDArray[np.float32]]

REFERENCE = Path(__file__).with_name("nanodet_original.json")
"""What TensorFlow.js says of the astronaut with the original, written by tools/build_nanodet.py."""


def nothing() -> Tensors:
    """Of a picture of 128 x 64 px: no score anywhere, and every distance spread evenly over the bins."""
    outputs = {}
    for stride in STRIDES:
        rows, columns = 64 // stride, 128 // stride
        outputs[f"scores_{stride}"] = np.zeros((1, 2, rows, columns), np.float32)
        outputs[f"distances_{stride}"] = np.zeros((1, 4 * BINS, rows, columns), np.float32)
    return outputs


def sure(outputs: Tensors, stride: int, row: int, column: int, bins: tuple[int, int, int, int]) -> None:
    """Left, up, right and down are these bins for certain."""
    for side, chosen in enumerate(bins):
        outputs[f"distances_{stride}"][0, side * BINS + chosen, row, column] = 100


def labels_of(found: Detections) -> list[str]:
    return [LABELS[label] for label in found.labels]


@pytest.mark.parametrize("stride", STRIDES)
def test_a_cell_becomes_a_box_with_sides_at_so_many_cells(stride: int) -> None:
    outputs = nothing()
    outputs[f"scores_{stride}"][0, 0, 1, 2] = 0.75
    sure(outputs, stride, 1, 2, (1, 2, 3, 10))
    found = distance_bins(outputs, 0.5, BOTH)
    x, y = 2.5 * stride, 1.5 * stride
    expected = [x - stride, y - 2 * stride, x + 3 * stride, y + 10 * stride]
    assert found.boxes == pytest.approx(np.array([expected], np.float32))
    assert found.scores.tolist() == [0.75]
    assert labels_of(found) == ["person"]


def test_a_distance_between_two_bins_is_their_mean() -> None:
    outputs = nothing()
    outputs["scores_8"][0, 1, 3, 3] = 1
    sure(outputs, 8, 3, 3, (1, 1, 1, 1))
    outputs["distances_8"][0, 2, 3, 3] = 100  # the third bin, of the left side, is as likely as the second
    found = distance_bins(outputs, 0.5, BOTH)
    assert found.boxes == pytest.approx(np.array([[28 - 12, 28 - 8, 28 + 8, 28 + 8]], np.float32))
    assert labels_of(found) == ["vehicle"]


def test_what_all_strides_see_is_there_from_each_of_them() -> None:
    outputs = nothing()
    for stride in STRIDES:
        outputs[f"scores_{stride}"][0, :, 0, 0] = 0.5
    assert labels_of(distance_bins(outputs, 0.5, BOTH)) == 3 * ["person", "vehicle"]
    assert len(distance_bins(outputs, 0.51, BOTH)) == 0


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0, 1e4))
@settings(deadline=None, max_examples=50)
def test_no_box_reaches_further_than_the_last_bin_whatever_the_net_says(seed: int, size: float) -> None:
    outputs = nothing()
    outputs["scores_16"][0, 0, 2, 2] = 1
    outputs["distances_16"][0, :, 2, 2] = np.random.default_rng(seed).uniform(-size, size, 4 * BINS)
    (box,) = distance_bins(outputs, 0.5, BOTH).boxes
    assert (box[:2] <= 40).all()
    assert (box[2:] >= 40).all()
    assert np.abs(box - 40).max() <= 160.001


@pytest.mark.parametrize("name", ["scores_8", "distances_16", "scores_32"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_net_that_gives_no_numbers_has_failed_and_not_found_nothing(name: str, value: float) -> None:
    outputs = nothing()
    outputs["scores_16"][0, 0, 0, 0] = 1
    outputs[name][0, :, 0, 0] = value
    with pytest.raises(ModelError, match="no numbers"):
        distance_bins(outputs, 0.5, BOTH)


@pytest.mark.parametrize(("name", "tolerance"), [("nanodet", 1e-4), ("nanodet-int8", 0.1)])
def test_the_model_says_of_the_astronaut_what_the_original_says(
    name: str, tolerance: float, astronaut: npt.NDArray[np.uint8]
) -> None:
    original = json.loads(REFERENCE.read_text())
    part = np.ascontiguousarray(astronaut[:416, :416])
    outputs = Session(read_model(entry_of(name)), name=name, provider="cpu").run(part[None])
    cells = 0
    for stride, expected in original.items():
        at = np.array(expected["rows"], np.intp), np.array(expected["columns"], np.intp)
        scores = outputs[f"scores_{stride}"][0][:, *at]
        assert scores == pytest.approx(np.array(expected["scores"]).reshape(2, -1), abs=tolerance)
        if name == "nanodet":
            logits = outputs[f"distances_{stride}"][0][:, *at]
            assert logits == pytest.approx(np.array(expected["distances"]).reshape(4 * BINS, -1), abs=tolerance)
        cells += len(at[0])
    assert cells > 4


@pytest.mark.parametrize("name", ["nanodet", "nanodet-int8"])
def test_the_astronaut_is_one_person_and_no_vehicle(name: str, astronaut: npt.NDArray[np.uint8]) -> None:
    found = NetDetector(name).find(astronaut, scale=0.8, threshold=0.4)
    assert labels_of(found) == ["person"]
    x1, y1, x2, y2 = found.boxes[0]
    assert x1 < 80
    assert y1 < 30
    assert x2 > 350
    assert y2 > 480


@pytest.mark.parametrize("name", ["nanodet", "nanodet-int8"])
@pytest.mark.parametrize("picture", ["black", "grid", "coffee", "cat"])
def test_where_no_one_is_no_one_is_found(name: str, picture: str) -> None:
    drawn = {
        "black": np.zeros((200, 300, 3), np.uint8),
        "grid": np.kron(np.indices((20, 30)).sum(axis=0) % 2 * 255, np.ones((16, 16)))[..., None].repeat(3, axis=2),
    }
    pixels = np.asarray(drawn[picture] if picture in drawn else getattr(skimage.data, picture)(), np.uint8)
    assert len(NetDetector(name).find(pixels, threshold=0.3)) == 0


def test_someone_small_is_found_in_a_tile_of_a_large_picture(astronaut: npt.NDArray[np.uint8]) -> None:
    picture = np.full((1200, 2400, 3), 128, np.uint8)
    picture[500:700, 1900:2100] = astronaut[::2, ::2][:200, :200]
    found = NetDetector("nanodet-int8").find(picture, threshold=0.3)
    assert "person" in labels_of(found)
    x1, y1, x2, y2 = found.boxes[labels_of(found).index("person")]
    assert 1880 < x1 < x2 < 2120
    assert 480 < y1 < y2 < 720


def test_the_kinds_of_things_that_the_original_knows_are_not_in_the_model() -> None:
    graph = onnx.load_from_string(read_model(entry_of("nanodet"))).graph
    kernels = {tensor.name: list(tensor.dims) for tensor in graph.initializer if tensor.name.endswith(".kernel")}
    for stride in STRIDES:
        assert kernels[f"person_{stride}.kernel"] == [1, 128, 1, 1]
        assert kernels[f"vehicle_{stride}.kernel"] == [4, 128, 1, 1]
    assert not [name for name, dims in kernels.items() if 80 <= dims[0] < 128]


def test_plates_lie_in_vehicles_that_both_models_find(shared: Path) -> None:
    """On ten labelled photos, 416 px wide and high, where they are there."""
    folder = shared / "media/plates-openimages"
    labelled = list(json.loads((folder / "boxes.json").read_text()).items())[::35]
    missed = {name: _plates_outside(NetDetector(name), folder, labelled) for name in ("nanodet", "nanodet-int8")}
    assert missed == {"nanodet": 0, "nanodet-int8": 0}


def _plates_outside(detector: NetDetector, folder: Path, labelled: list[tuple[str, Any]]) -> int:
    """How many plates have their centre in no vehicle."""
    outside = 0
    for name, entry in labelled:
        picture = np.asarray(skimage.io.imread(folder / name), np.uint8)
        found = detector.find(picture, threshold=0.15)
        boxes = found.boxes[found.labels == LABELS.index("vehicle")]
        for x1, y1, x2, y2 in (box[:4] for box in entry["boxes"] if box[4] == "plate"):
            x, y = (x1 + x2) / 2, (y1 + y2) / 2
            inside = (boxes[:, 0] <= x) & (x <= boxes[:, 2]) & (boxes[:, 1] <= y) & (y <= boxes[:, 3])
            outside += not inside.any()
    return outside

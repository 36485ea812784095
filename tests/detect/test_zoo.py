"""The models that travel with the package are the ones that were measured."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto

from passerby.detect.detector import NetDetector
from passerby.detect.runtime import Session
from passerby.detect.zoo import ModelEntry, entry_of, read_model, zoo
from passerby.errors import ModelError
from passerby.regions import LABELS

GRANTS = {
    "MIT": "Permission is hereby granted",
    "Apache-2.0": "Licensed under the Apache License, Version 2.0",
}
"""What the card of a model under each licence says of it."""

OUTPUTS = {
    "centre": ["heatmap", "scale", "offset"],
    "heads": ["heatmap", "scale", "offset"],
    "nanodet": [f"{name}_{stride}" for name in ("scores", "distances") for stride in (8, 16, 32)],
    "text": ["heatmap"],
}
"""All that the models of each family give: where things are, and nothing about them."""

MODELS = pytest.mark.parametrize("entry", zoo(), ids=lambda entry: entry.name)


@MODELS
def test_a_model_is_the_file_that_its_entry_and_its_card_name(entry: ModelEntry) -> None:
    digest = hashlib.sha256(read_model(entry)).hexdigest()
    card = (resources.files("passerby.models") / entry.card).read_text(encoding="utf-8")
    assert digest == entry.sha256
    assert digest in card
    assert GRANTS[entry.licence] in card
    assert set(entry.finds) <= set(LABELS)


@MODELS
def test_a_model_takes_pixels_of_any_size_and_no_weights(entry: ModelEntry) -> None:
    graph = onnx.load_from_string(read_model(entry)).graph
    (pixels,) = graph.input
    assert pixels.type.tensor_type.elem_type == TensorProto.UINT8
    assert [d.dim_param or d.dim_value for d in pixels.type.tensor_type.shape.dim] == ["batch", "height", "width", 3]


@MODELS
def test_a_model_gives_no_landmarks_and_no_text(entry: ModelEntry) -> None:
    graph = onnx.load_from_string(read_model(entry)).graph
    assert [output.name for output in graph.output] == OUTPUTS[entry.family]


def test_an_altered_model_is_refused() -> None:
    altered = dataclasses.replace(entry_of("centerface"), sha256="0" * 64)
    with pytest.raises(
        ModelError, match=r"centerface\.onnx is not the file that was measured, its SHA-256 is 2ab5[0-9a-f]*, not 0{64}"
    ):
        read_model(altered)


def test_a_missing_model_is_an_error_of_ours() -> None:
    with pytest.raises(ModelError, match="missing from the installation"):
        read_model(dataclasses.replace(entry_of("centerface"), name="gone"))


def test_an_unknown_model_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ModelError, match="model yolo is not in the zoo") as caught:
        NetDetector("yolo")
    assert caught.value.hint is not None
    assert "centerface" in caught.value.hint


REFERENCE = Path(__file__).with_name("centerface_original.json")
"""What the original says of the astronaut, written by tools/build_centerface.py."""


@pytest.mark.parametrize(("name", "tolerance"), [("centerface", 1e-4), ("centerface-int8", 0.15)])
def test_a_model_says_of_a_face_what_the_original_says(
    name: str, tolerance: float, astronaut: npt.NDArray[np.uint8]
) -> None:
    original = json.loads(REFERENCE.read_text())
    outputs = Session(read_model(entry_of(name)), name=name, provider="cpu").run(astronaut[None])
    assert len(original["rows"]) > 4
    for output in ("heatmap", "scale", "offset"):
        ours = outputs[output][0][:, original["rows"], original["columns"]]
        assert np.abs(ours - np.array(original[output], np.float32)).max() < tolerance

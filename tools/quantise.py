"""A model in INT8: static quantisation with ranges taken from real pictures."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import skimage.data
import skimage.io
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

Picture = npt.NDArray[np.uint8]

SIZE = (640, 480)
"""Every calibration picture is resized to this, width and height in pixels."""

FOLDERS = ("heads-metro", "heads-hardhat", "heads-riders", "people-airport")
PER_FOLDER = 14


class CalibrationPictures(CalibrationDataReader):  # type: ignore[misc]
    """Hands pictures to the quantiser, one at a time."""

    def __init__(self, pictures: list[Picture]) -> None:
        self._left: Iterator[Picture] = iter(pictures)

    def get_next(self) -> dict[str, Picture] | None:
        """The next input of the net, or None after the last."""
        picture = next(self._left, None)
        return None if picture is None else {"pixels": picture[None]}


def calibration_pictures(train: Path | None) -> list[Picture]:
    """People, RGB, uint8, shape (480, 640, 3): scikit-image's, and an even choice from folders of training pictures."""
    names = ("astronaut", "camera", "coffee", "cat", "rocket")
    pictures = [np.atleast_3d(getattr(skimage.data, name)()) for name in names]
    pictures = [np.repeat(p, 3, axis=2) if p.shape[2] == 1 else p for p in pictures]
    for folder in FOLDERS if train else ():
        files = sorted((train / folder).rglob("*.jpg")) if train else []
        chosen = files[:: max(1, len(files) // PER_FOLDER)][:PER_FOLDER]
        pictures += [np.asarray(skimage.io.imread(f), np.uint8) for f in chosen]
    return [np.ascontiguousarray(cv2.resize(p, SIZE, interpolation=cv2.INTER_AREA), np.uint8) for p in pictures]


def quantised(model: onnx.ModelProto, pictures: list[Picture], in_float: list[str]) -> onnx.ModelProto:
    """`model` in INT8: unsigned activations, signed weights per channel, the nodes named `in_float` left as they are.

    Those that make the outputs are best left: they cost 3 % of the time, and a step of a heatmap's range would be as
    large as the least score that counts.
    Ranges are the least and greatest value seen: a face that is brighter than most must not be cut off. Weights keep to
    seven bits, for x86 processors without VNNI add products in 16 bits and would saturate: the same face would score
    less there than where the model was measured.
    """
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        before, prepared, after = (str(Path(folder) / name) for name in ("before.onnx", "prepared.onnx", "after.onnx"))
        onnx.save(model, before)
        quant_pre_process(before, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            after,
            CalibrationPictures(pictures),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=in_float,
        )
        return onnx.load(after)

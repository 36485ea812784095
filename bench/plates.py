#!/usr/bin/env python3
"""How many labelled plates stay visible, and how much is painted that is none, as a Markdown table.

    plates.py [SHARED] [--sets ...] [--every 1] [--nets headnet nanodet] [--text text] [--threshold 0.1]
              [--suspected 0.1] [--vehicle 0.3] [--alone 0.5] [--areas] [--margin 0.15]

SHARED is a folder of labelled pictures and `eval/score.py`. `PlateFinder` looks once at each picture; what it says are
plates is painted as passerby paints, copies are stored as JPEG at quality 95 and scored from pixels alone, plates of
12 px and more. Sets without plates, scikit-image's pictures among them, give the share that is painted. `--nets`
without a name asks text alone; `--areas` looks for text on vehicles and around doubtful plates only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageOps

from passerby.detect.detector import NetDetector
from passerby.detect.plate_finder import PlateFinder
from passerby.detect.plates import PLATE, PlateRule
from passerby.media import PHOTO_TIME_BASE, Frame, Picture, PixelLayout
from passerby.redact.cover import Painter
from passerby.regions import MARGINS, Boxes, Regions, grow

PLATES = {
    "plates-openalpr-eu": "media",
    "plates-openimages": "media",
    "plates-garage-vn": "train",
    "plates-gantry-my": "train",
    "plates-openlpr-own": "train",
    "plates-kaggle433": "train",
}
"""Sets with labelled plates, and where they are. The head net is trained on those of `train`."""

NONE = {
    "faces-dlib": "media",
    "faces-eden-mask": "media",
    "faces-kaggle-mask-extra": "media",
    "heads-eden-metro": "media",
    "scikit-image": "",
}
"""Sets without a plate; some pictures of them show signs and papers."""

PICTURES = ("astronaut", "chelsea", "coffee", "rocket", "page", "coins", "brick", "grass")
"""Of scikit-image."""

LEAST_PX = 12


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table; `exposed` is None where nothing is labelled, shares are from 0 to 1."""

    pictures: int
    plates: int
    exposed: int | None
    painted: float
    seconds: float

    def __str__(self) -> str:
        share = "" if self.exposed is None else f"{100 * self.exposed / max(1, self.plates):.1f} %"
        exposed = "" if self.exposed is None else str(self.exposed)
        cost = f"{100 * self.painted:.2f} % | {self.seconds:.2f}"
        return f"{self.pictures} | {self.plates or ''} | {exposed} | {share} | {cost}"


def pictures_of(shared: Path, name: str, every: int) -> Iterator[tuple[str, Picture]]:
    """Names and upright pictures of a set."""
    if name == "scikit-image":
        for title in PICTURES[::every]:
            pixels = np.atleast_3d(np.asarray(getattr(skimage.data, title)(), np.uint8))
            yield title + ".jpg", np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
        return
    folder = shared / {**PLATES, **NONE}[name] / name
    for file in sorted(json.loads((folder / "boxes.json").read_text()))[::every]:
        with Image.open(folder / file) as image:
            yield file, np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def painted(picture: Picture, boxes: Boxes, margin: float) -> Picture:
    """A copy with the boxes, grown by the margin, painted as plates are."""
    copy = picture.copy()
    planes = tuple(copy[:, :, channel] for channel in range(3))
    regions = Regions(grow(boxes, margin), np.full(len(boxes), PLATE, np.uint8))
    Painter().cover(Frame(0, PHOTO_TIME_BASE, PixelLayout("RGB", "rgb"), planes), regions)
    return copy


def measure(shared: Path, name: str, finder: PlateFinder, args: argparse.Namespace) -> Result:
    """Look at one set, paint and score."""
    shares, seconds, names = [], 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for file, picture in pictures_of(shared, name, args.every):
            start = time.process_time()
            found = finder.find(picture, threshold=args.threshold)
            seconds += time.process_time() - start
            copy = painted(picture, found.boxes[found.labels == PLATE], args.margin)
            shares.append(float((copy != picture).any(axis=2).mean()))
            names.append(file)
            target = Path(folder) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(copy).save(target, quality=95)
        if name in NONE:
            return Result(len(names), 0, None, float(np.mean(shares)), seconds / len(names))
        return replace(score(shared, name, Path(folder), names), seconds=seconds / len(names))


def score(shared: Path, name: str, copies: Path, names: list[str]) -> Result:
    """What `score.py` says of the pictures that were looked at."""
    folder = shared / PLATES[name] / name
    labels = json.loads((folder / "boxes.json").read_text())
    chosen = copies / "boxes.json"
    chosen.write_text(json.dumps({file: labels[file] for file in names}))
    command = [sys.executable, str(shared / "eval/score.py"), str(folder), str(copies), str(chosen)]
    command += ["--labels", "plate", "--min-px", str(LEAST_PX), "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for worst in result["worst"]:
        print(f"  exposed in {name}: {worst}", file=sys.stderr)
    return Result(len(names), result["boxes"], result["exposed"], result["share_of_other_pixels_changed"], 0.0)


def arguments() -> argparse.Namespace:
    rule = PlateRule()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--sets", nargs="*", choices=[*PLATES, *NONE], default=[*PLATES, *NONE])
    parser.add_argument("--every", type=int, default=1, help="look at every n-th picture")
    parser.add_argument(
        "--nets", nargs="*", default=["headnet", "nanodet"], help="models that find plates and vehicles"
    )
    parser.add_argument("--text", default="text", help="model that finds text")
    parser.add_argument("--threshold", type=float, help="least score of a net's plate; its own if not given")
    parser.add_argument("--suspected", type=float, default=rule.suspected)
    parser.add_argument("--vehicle", type=float, default=rule.vehicle)
    parser.add_argument("--doubtful-vehicle", type=float, default=rule.doubtful_vehicle)
    parser.add_argument("--alone", type=float, default=rule.alone, help="above 1: text counts nowhere by its looks")
    parser.add_argument("--areas", action="store_true", help="text on vehicles and around doubtful plates only")
    parser.add_argument("--margin", type=float, default=MARGINS["plate"])
    return parser.parse_args()


def main() -> int:
    args = arguments()
    rule = PlateRule(
        suspected=args.suspected, vehicle=args.vehicle, doubtful_vehicle=args.doubtful_vehicle, alone=args.alone
    )
    nets = [NetDetector(name, provider="cpu") for name in args.nets]
    finder = PlateFinder(NetDetector(args.text, provider="cpu"), nets, rule=rule, everywhere=not args.areas)
    print(
        f"| Set | Pictures | Plates of {LEAST_PX} px and more | Exposed | Share | Painted elsewhere | s per picture |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in args.sets:
        print(f"| {name} | {measure(args.shared, name, finder, args)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Note where a face detector sees somebody who is not labelled, so that training says nothing there.

    python -m train.doubtful PICTURES

Writes `doubtful.json` beside this file: for each picture boxes x1 y1 x2 y2 in its pixels, more than twice as large
as what was seen. Only folders whose list asks for it are looked through.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from passerby.detect.detector import NetDetector
from passerby.regions import grow, iou
from train.data import LISTS, Boxes, decoded

LEAST = 0.3
SCALES = (1.0, 2.0)


def seen_in(detector: NetDetector, file: Path, labelled: Boxes) -> list[list[float]]:
    """Places of faces in a picture that no label explains."""
    picture = decoded(file.read_bytes(), file.name)
    found = np.concatenate([detector.find(picture, scale=scale, threshold=LEAST).boxes for scale in SCALES])
    unexplained = found[(iou(found, labelled) < 0.05).all(axis=1)]
    return [[round(float(side), 1) for side in box] for box in grow(unexplained, 0.7)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, help="folder of the training pictures")
    pictures = parser.parse_args().pictures
    detector = NetDetector(threads=2)
    doubtful: dict[str, list[list[float]]] = {}
    for name, how in json.loads(LISTS.read_text()).items():
        if "ignored" not in how:
            continue
        for file, entry in json.loads((pictures / name / "boxes.json").read_text()).items():
            labelled = np.array([box[:4] for box in entry["boxes"]], np.float32).reshape(-1, 4)
            if seen := seen_in(detector, pictures / name / file, labelled):
                doubtful[file] = seen
    lines = ",\n".join(f"{json.dumps(name)}: {boxes}" for name, boxes in doubtful.items())
    LISTS.with_name("doubtful.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()

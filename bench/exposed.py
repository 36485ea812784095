"""How many labelled faces can still be seen in what passerby writes, as a Markdown table.

    python bench/exposed.py [SHARED]

Every labelled picture and clip below SHARED is redacted with the default settings through the public API; then
`SHARED/eval/score.py` compares copies and originals, from pixels alone. `bench/accuracy.py` asks the detector alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import passerby

PHOTOS = ("faces-eden-mask", "faces-dlib", "faces-kaggle-mask-extra")
CLIPS = ("royal-opera-house.mp4", "ai-generated-walkers.mp4")
LEAST_PX = 16


def score(shared: Path, original: Path, copy: Path, boxes: Path) -> dict[str, Any]:
    command: list[str | Path] = [
        sys.executable,
        shared / "eval/score.py",
        original,
        copy,
        boxes,
        "--min-px",
        str(LEAST_PX),
        "--json",
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(output)
    return result


def photos(shared: Path, name: str, copies: Path) -> dict[str, Any]:
    folder = shared / "media" / name
    for picture in json.loads((folder / "boxes.json").read_text()):
        target = copies / name / picture
        target.parent.mkdir(parents=True, exist_ok=True)
        passerby.redact_photo(folder / picture, target)
    return score(shared, folder, copies / name, folder / "boxes.json")


def clip(shared: Path, name: str, copies: Path) -> dict[str, Any]:
    source = shared / "media" / "video-people" / name
    passerby.redact_video(source, copies / name)
    return score(shared, source, copies / name, source.with_name(f"{name}.boxes.json"))


def main(shared: Path) -> None:
    print(f"| Set | Faces of {LEAST_PX} px and more | Exposed | Share | Changed elsewhere |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in (*PHOTOS, *CLIPS):
            result = (photos if name in PHOTOS else clip)(shared, name, Path(folder))
            shares = f"{100 * result['exposed_share']:.2f} % | {100 * result['share_of_other_pixels_changed']:.2f} %"
            print(f"| {name} | {result['boxes']} | {result['exposed']} | {shares} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared")

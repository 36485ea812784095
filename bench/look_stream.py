"""What a camera costs whose smaller stream is looked at, in turn with the same camera without it.

    python bench/look_stream.py [--seconds 28] [--rounds 3] [--rows 720p-nobody 1080p-fifth ...]

As `cameras.py`: processor time for a second of one camera that plays made clips in real time, in a process of its own.
The smaller stream is the same clip at 640x360 and 400 kbit/s; `decoded` is how many packets of the main one were.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from cameras import CLIP_S, LEAD_S, Rgb, crowd, made, measured, result, show, street
from passerby.read.camera import CameraAddress, open_camera
from passerby.read.camera_pair import open_pair

SMALL = (640, 360)
SIZES = {"720p": ((1280, 720), 1_500_000), "1080p": ((1920, 1080), 3_000_000)}
PEOPLE = {"nobody": range(0), "fifth": range(8, 12)}
CROWD = "crowd"
"""In every frame, handheld."""


def wall(width: int, height: int) -> Rgb:
    """In which no net finds a head at any size: soft spots of a ninth of its height."""
    coarse = np.random.default_rng(1).integers(60, 190, (9, 16, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def scene(width: int, height: int, walks: range) -> Iterator[Rgb]:
    """That wall, and in the seconds of `walks` two persons before it."""
    return street(width, height, walks, wall(width, height))


def smaller(frames: Iterator[Rgb]) -> Iterator[Rgb]:
    """The same pictures, as the second stream has them."""
    for picture in frames:
        yield np.asarray(cv2.resize(picture, SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def redact(clips: list[Path], seconds: float) -> dict[str, float]:
    """One camera for so many seconds, in this process."""
    stop, addresses = threading.Event(), [CameraAddress.parse("bench", str(clip)) for clip in clips]
    if len(addresses) == 1:
        return measured(open_camera(addresses[0], stop=stop), stop, seconds)
    pair = open_pair(addresses[0], addresses[1], stop=stop)
    return {**measured(pair, stop, seconds), "decoded": pair.main.decoded}


def child(clips: list[Path], seconds: float) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--seconds", str(seconds), "--run", *map(str, clips)]
    return result(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))


def in_turn(folder: Path, seconds: float, rounds: int, rows: list[str]) -> None:
    """All cameras with and without, one after the other and round again."""
    kinds: dict[str, list[Path]] = {}
    for row in rows:
        size, people = row.split("-")
        (width, height), rate = SIZES[size]
        frames = partial(crowd, folder) if people == CROWD else partial(scene, width, height, PEOPLE[people])
        main = made(folder / f"{row}.mp4", frames(), rate)
        small = made(folder / f"{row}-small.mp4", smaller(frames()), 400_000)
        kinds |= {row: [main], f"{row}, with look_url": [main, small]}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, clips in kinds.items():
            runs[name].append(child(clips, seconds))
    print("| Camera | of a core | cameras per core | |\n|---|--:|--:|---|")
    for name, each in runs.items():
        show(name, each)


def main() -> None:
    rows = [*(f"{size}-{people}" for size in SIZES for people in PEOPLE), f"1080p-{CROWD}"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=LEAD_S + CLIP_S + 2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", choices=rows, default=rows)
    parser.add_argument("--run", nargs="+", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print(json.dumps(redact(args.run, args.seconds)), flush=True)
        os._exit(0)  # a look that is still under way is not waited for
    with tempfile.TemporaryDirectory() as name:
        in_turn(Path(name), args.seconds, args.rounds, args.rows)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Train the net, or go on where it stopped.

    python -m train.run PICTURES INTO [--negatives FOLDER] [--from NET] [--steps N] [--rate R] [--seed N]
        [--stop-after MINUTES]

PICTURES is the folder that holds the folders of `lists.json`, apart from the negatives, which `train/negatives.py`
makes; without them the net takes more hands and textures for heads. INTO gets `last.pt` (everything needed to go on),
`curves.csv` (one line every fifty steps), `validation.csv` (one every thousand), both drawn in `curves.png`, and at
the end `net.pt` (averaged weights). The same seed, lists, pictures, machine and number of threads give the same net.
8,000 steps take an hour and a quarter on two cores.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from train.curves import Curves
from train.data import Example, kept_back, load
from train.start import finished, start_net
from train.training import Recipe, Training
from train.validation import validated

SAVE_EVERY = 250
"""Steps; a multiple of those that the curves average over."""

VALIDATE_EVERY = 1000
"""Steps; it takes some seconds."""


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    cv2.setNumThreads(1)
    folders = load(args.pictures, negatives=args.negatives)
    start = finished(args.start) if args.start else start_net(folders)
    training = Training(folders, Recipe(steps=args.steps, rate=args.rate, seed=args.seed), start)
    train(training, args.into, kept_back(args.pictures), args.stop_after)


def train(training: Training, into: Path, back: Sequence[Example], minutes: float | None = None) -> None:
    """Make the steps that are left.

    Args:
        training: a run at its beginning.
        into: the folder of the run; if it was cut off, what it left there is gone on from.
        back: pictures to validate on.
        minutes: after how long to save and stop.
    """
    into.mkdir(parents=True, exist_ok=True)
    last, curves = into / "last.pt", Curves(into)
    if last.exists():
        training.restore(last)
        print(f"going on from step {training.step}", flush=True)
    until = time.monotonic() + 60 * minutes if minutes else math.inf
    for batch in training.batches():
        curves.note(training.step, training.learn(batch))
        if training.step % VALIDATE_EVERY == 0:
            curves.note_validation(training.step, validated(training.average, back))
        if training.step % SAVE_EVERY == 0:
            training.save(last)
            if time.monotonic() > until:
                return
    training.save(last)
    torch.save(training.average.state_dict(), into / "net.pt")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--negatives", type=Path, help="what train/negatives.py made")
    parser.add_argument(
        "--from", type=Path, metavar="NET", dest="start", help="net.pt of another run, instead of CenterFace"
    )
    parser.add_argument("--rate", type=float, default=Recipe().rate)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="save and stop after so long")
    return parser.parse_args()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Train the net, or go on where it stopped.

    python -m train.run PICTURES INTO [--steps N] [--seed N] [--stop-after MINUTES]

PICTURES is the folder that holds the folders of `lists.json`. INTO gets `last.pt` (everything needed to go on),
`curves.csv` (one line every fifty steps), `validation.csv` (one every thousand), both drawn in `curves.png`, and at
the end `net.pt` (averaged weights). The same seed, lists, pictures, machine and number of threads give the same net.
8,000 steps take an hour and a quarter on two cores.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import torch

from train.curves import Curves
from train.data import kept_back, load
from train.start import start_net
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
    folders = load(args.pictures)
    training = Training(folders, Recipe(steps=args.steps, seed=args.seed), start_net(folders))
    args.into.mkdir(parents=True, exist_ok=True)
    last = args.into / "last.pt"
    if last.exists():
        training.restore(last)
        print(f"going on from step {training.step}", flush=True)
    if _trained(training, last, args):
        torch.save(training.average.state_dict(), args.into / "net.pt")


def _trained(training: Training, last: Path, args: argparse.Namespace) -> bool:
    """Make the steps that are left; False if the time was up before."""
    curves, back = Curves(args.into), kept_back(args.pictures)
    started = time.monotonic()
    for batch in training.batches():
        curves.note(training.step, training.learn(batch))
        if training.step % VALIDATE_EVERY == 0:
            curves.note_validation(training.step, validated(training.average, back))
        if training.step % SAVE_EVERY == 0:
            training.save(last)
            if args.stop_after and time.monotonic() - started > 60 * args.stop_after:
                return False
    training.save(last)
    return True


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("into", type=Path)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="save and stop after so long")
    return parser.parse_args()


if __name__ == "__main__":
    main()

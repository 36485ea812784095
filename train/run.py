#!/usr/bin/env python3
"""Train the net, or go on where it stopped.

    python -m train.run PICTURES INTO [--steps N] [--seed N] [--stop-after MINUTES]

PICTURES is the folder that holds the folders of `lists.json`. INTO gets `last.pt` (everything needed to go on),
`curves.csv` (one line every fifty steps), and at the end `net.pt` (averaged weights). The same seed, lists, pictures,
machine and number of threads give the same net. 8,000 steps take an hour and a quarter on two cores.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from train.augment import sample_of
from train.data import Example, Folder, load
from train.loss import Target, box_loss, heat_loss, target_of
from train.net import CLASSES, HeadNet, from_centerface

ZOO = Path(__file__).parents[1] / "src/passerby/models"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the net is trained. `steps` may be changed when a run is resumed; nothing else may.

    Attributes:
        steps: how many batches.
        batch: cut-outs per step.
        size: side of a cut-out in pixels, a multiple of 32.
        rate: learning rate between warming up and cooling down.
        warm: steps in which it rises.
        cool: share of the steps at the end in which it falls to nothing.
        average: how much of the averaged weights stays at each step.
        seed: of everything that is drawn.
    """

    steps: int = 9000
    batch: int = 8
    size: int = 384
    rate: float = 5e-4
    warm: int = 200
    cool: float = 0.35
    average: float = 0.998
    seed: int = 1

    def rate_at(self, step: int) -> float:
        """Learning rate of a step."""
        falling = (self.steps - step) / (self.cool * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warm, max(falling, 0.01))


@dataclass(slots=True)
class Batch:
    """Cut-outs and their targets, as tensors with a first dimension for the batch."""

    pixels: Tensor
    heat: Tensor
    known: Tensor
    sizes: Tensor
    offsets: Tensor
    weights: Tensor


class Training:
    """A run: the net, its average, the optimiser, and how far it has come."""

    def __init__(self, folders: list[Folder], recipe: Recipe, start: HeadNet) -> None:
        self.recipe = recipe
        self.folders = folders
        self.net = start.to(memory_format=torch.channels_last)
        self.average = HeadNet()
        self.average.load_state_dict(start.state_dict())
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=recipe.rate, weight_decay=1e-4)
        self.step = 0

    def batch_of(self, step: int) -> Batch:
        """The batch of a step; it depends on the seed and the step alone."""
        rng = np.random.default_rng((self.recipe.seed, step))
        shares = np.array([folder.share for folder in self.folders])
        samples = []
        for _ in range(self.recipe.batch):
            picked = rng.choice(len(self.folders), 4, p=shares / shares.sum())
            samples.append(sample_of([self._pick(int(i), rng) for i in picked], self.recipe.size, rng))
        targets = [target_of(sample) for sample in samples]
        pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples])).permute(0, 3, 1, 2).float()
        return Batch(pixels.contiguous(memory_format=torch.channels_last), **_stacked(targets))

    def _pick(self, folder: int, rng: np.random.Generator) -> Example:
        examples = self.folders[folder].examples
        return examples[int(rng.integers(len(examples)))]

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; the losses by name."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate_at(self.step)
        with torch.autocast("cpu", torch.bfloat16):
            heat, sizes, offsets = self.net(batch.pixels)
        heats = heat_loss(heat.float(), batch.heat, batch.known)
        size = box_loss(sizes.float(), batch.sizes, batch.weights)
        offset = box_loss(offsets.float(), batch.offsets, batch.weights)
        loss = heats.sum() + size + 0.5 * offset
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        with torch.no_grad():
            # At first the average would hold on to what the net started as.
            keep = min(self.recipe.average, self.step / (self.step + 10))
            for mean, now in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        losses = {name: value.item() for name, value in zip(CLASSES, heats, strict=True)}
        return {**losses, "size": size.item(), "offset": offset.item()}

    def batches(self) -> Iterator[Batch]:
        """The batches that are left, the next made while one is learned from."""
        with ThreadPoolExecutor(1) as maker:
            coming = maker.submit(self.batch_of, self.step)
            for step in range(self.step, self.recipe.steps):
                batch = coming.result()
                if step + 1 < self.recipe.steps:
                    coming = maker.submit(self.batch_of, step + 1)
                yield batch

    def save(self, file: Path) -> None:
        """Everything needed to go on; a run cut off while saving leaves the file before."""
        state = {
            "step": self.step,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        part = file.with_suffix(".part")
        torch.save(state, part)
        part.replace(file)

    def restore(self, file: Path) -> None:
        """Go on from what `save` wrote."""
        state = torch.load(file, weights_only=True)
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


def _stacked(targets: list[Target]) -> dict[str, Tensor]:
    names = ("heat", "known", "sizes", "offsets", "weights")
    return {name: torch.from_numpy(np.stack([getattr(target, name) for target in targets])) for name in names}


def start_net(folders: list[Folder]) -> HeadNet:
    """CenterFace, thinned by what its channels carry on sixteen of the training pictures."""
    examples = [example for folder in folders for example in folder.examples]
    chosen = examples[:: max(1, len(examples) // 16)][:16]
    pictures = [cv2.resize(example.picture(), (480, 352)) for example in chosen]
    return from_centerface(ZOO / "centerface.onnx", torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float())


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
        print(f"going on from step {training.step}")
    curves = Curves(args.into / "curves.csv")
    started = time.monotonic()
    for batch in training.batches():
        curves.note(training.step, training.learn(batch))
        if training.step % 250 == 0:
            training.save(last)
            if args.stop_after and time.monotonic() - started > 60 * args.stop_after:
                return
    training.save(last)
    torch.save(training.average.state_dict(), args.into / "net.pt")


class Curves:
    """The losses, averaged over fifty steps: printed and appended to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._noted: list[dict[str, float]] = []
        self._since = time.monotonic()

    def note(self, step: int, losses: dict[str, float]) -> None:
        """Take the losses of one step."""
        self._noted.append(losses)
        if len(self._noted) < 50:
            return
        means = {name: round(float(np.mean([noted[name] for noted in self._noted])), 4) for name in losses}
        row = {"step": step, **means, "seconds": round(time.monotonic() - self._since, 1)}
        print(row, flush=True)
        first = not self._file.exists()
        with self._file.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if first:
                writer.writeheader()
            writer.writerow(row)
        self._noted, self._since = [], time.monotonic()


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

"""A training run: what it learns from, step by step, and how it is cut off and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from train.augment import sample_of
from train.data import Example, Folder
from train.loss import Target, box_loss, heat_loss, target_of
from train.net import CLASSES, HeadNet


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
    """Cut-outs, float32, shape (B, 3, size, size), and the arrays of their `Target`, one more dimension first."""

    pixels: Tensor
    heat: Tensor
    known: Tensor
    sizes: Tensor
    offsets: Tensor
    weights: Tensor


class Training:
    """A run: the net, its average, the optimiser, and how far it has come.

    Attributes:
        average: the net with weights averaged over the last steps, which is what a run is for.
        step: how many steps were made.
    """

    def __init__(self, folders: list[Folder], recipe: Recipe, start: HeadNet) -> None:
        self.recipe = recipe
        self.average = HeadNet()
        self.average.load_state_dict(start.state_dict())
        self.step = 0
        self._folders = folders
        # The method's type leaves the memory format out.
        self._net: HeadNet = start.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = torch.optim.AdamW(self._net.parameters(), lr=recipe.rate, weight_decay=1e-4)

    def batch_of(self, step: int) -> Batch:
        """The batch of a step; it depends on the pictures, the seed and the step alone."""
        rng = np.random.default_rng((self.recipe.seed, step))
        shares = np.array([folder.share for folder in self._folders])
        samples = []
        for _ in range(self.recipe.batch):
            picked = rng.choice(len(self._folders), 4, p=shares / shares.sum())
            samples.append(sample_of([self._pick(int(i), rng) for i in picked], self.recipe.size, rng))
        targets = [target_of(sample) for sample in samples]
        pixels = torch.from_numpy(np.stack([sample.pixels for sample in samples])).permute(0, 3, 1, 2).float()
        return Batch(pixels.contiguous(memory_format=torch.channels_last), **_stacked(targets))

    def _pick(self, folder: int, rng: np.random.Generator) -> Example:
        examples = self._folders[folder].examples
        return examples[int(rng.integers(len(examples)))]

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; the losses by name."""
        for group in self._optimiser.param_groups:
            group["lr"] = self.recipe.rate_at(self.step)
        with torch.autocast("cpu", torch.bfloat16):
            heat, sizes, offsets = self._net(batch.pixels)
        heats = heat_loss(heat.float(), batch.heat, batch.known)
        size = box_loss(sizes.float(), batch.sizes, batch.weights)
        offset = box_loss(offsets.float(), batch.offsets, batch.weights)
        self._improve(heats.sum() + size + 0.5 * offset)
        losses = {name: value.item() for name, value in zip(CLASSES, heats, strict=True)}
        return {**losses, "size": size.item(), "offset": offset.item()}

    def _improve(self, loss: Tensor) -> None:
        """Change the weights so that a loss gets smaller."""
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), 5.0)
        self._optimiser.step()
        self.step += 1
        # At first the average would hold on to what the net started as.
        keep = min(self.recipe.average, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self._net.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)

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
            "net": self._net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "recipe": asdict(self.recipe),
        }
        part = file.with_suffix(".part")
        torch.save(state, part)
        part.replace(file)

    def restore(self, file: Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            ValueError: that run has another recipe.
        """
        state = torch.load(file, weights_only=True)
        mine = asdict(self.recipe)
        # Runs from before recipes were saved have none.
        for name, value in state.get("recipe", mine).items():
            if name != "steps" and value != mine[name]:
                raise ValueError(
                    f"{file} is of a run with {name} {value}, not {mine[name]}, and cannot go on as another"
                )
        self.step = state["step"]
        self._net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])


def _stacked(targets: list[Target]) -> dict[str, Tensor]:
    names = ("heat", "known", "sizes", "offsets", "weights")
    return {name: torch.from_numpy(np.stack([getattr(target, name) for target in targets])) for name in names}

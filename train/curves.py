"""How a run goes, as tables (CSV) and as a picture (PNG)."""

from __future__ import annotations

import csv
import importlib.util
import time
from pathlib import Path

import numpy as np

from train.net import CLASSES

EVERY = 50
"""Steps over which losses are averaged."""

Row = dict[str, float]


class Curves:
    """The curves of one run: printed, and appended to files in its folder.

    `curves.csv` holds the losses, `validation.csv` what is found in pictures that are kept back. A run that was cut off
    goes on a little before where it stopped: of two lines for one step the later counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._noted: list[Row] = []
        self._since = time.monotonic()

    def note(self, step: int, losses: Row) -> None:
        """Take the losses of one step, counted from 0."""
        self._noted.append(losses)
        if len(self._noted) < EVERY:
            return
        means = {name: round(float(np.mean([noted[name] for noted in self._noted])), 4) for name in losses}
        self._append("curves.csv", {"step": step, **means, "seconds": round(time.monotonic() - self._since, 1)})
        self._noted, self._since = [], time.monotonic()

    def note_validation(self, steps: int, shares: Row) -> None:
        """Take what a net is worth after so many steps, and draw all curves anew."""
        self._append("validation.csv", {"step": steps, **shares})
        self.draw()
        self._since = time.monotonic()

    def _append(self, name: str, row: Row) -> None:
        print(row, flush=True)
        file = self._folder / name
        first = not file.exists()
        with file.open("a", newline="") as table:
            writer = csv.DictWriter(table, list(row))
            if first:
                writer.writeheader()
            writer.writerow(row)

    def draw(self) -> None:
        """Write `curves.png`, where matplotlib is installed; the tables hold the same."""
        if importlib.util.find_spec("matplotlib") is None:
            return
        from matplotlib.figure import Figure

        figure = Figure(figsize=(10, 8), layout="constrained")
        tables = ("curves.csv", (*CLASSES, "size", "offset"), "loss"), ("validation.csv", None, "share")
        for (name, columns, label), axes in zip(tables, figure.subplots(2, 1, sharex=True), strict=True):
            table = columns_of(self._folder / name)
            for column in columns or [column for column in table if column != "step"]:
                axes.plot(table.get("step", []), table.get(column, []), label=column.replace("_", " at score "))
            axes.set(ylabel=label, xlabel="steps", ylim=(0, None))
            axes.grid(alpha=0.3)
            axes.legend()
        figure.savefig(self._folder / "curves.png", dpi=100)


def columns_of(file: Path) -> dict[str, list[float]]:
    """The columns of a table that `Curves` wrote, by name; empty if there is none yet."""
    if not file.exists():
        return {}
    with file.open(newline="") as table:
        by_step = {float(row["step"]): row for row in csv.DictReader(table)}
    rows = [by_step[step] for step in sorted(by_step)]
    return {name: [float(row[name]) for row in rows] for name in rows[0]} if rows else {}

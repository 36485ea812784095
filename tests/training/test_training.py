"""A run learns, goes on where it was cut off, and says how far it has come."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed, it comes with the extra train")

from passerby.regions import LABELS, iou
from train.curves import Curves, columns_of
from train.data import Folder, kept_back, load
from train.net import HeadNet
from train.run import train
from train.start import start_net
from train.training import Recipe, Training
from train.validation import covered_by, found_in, painted_with, validated

from .toys import toy, toy_folder

SHORT = Recipe(steps=6, batch=2, size=64, warm=2)


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder of made pictures and its lists."""
    folder = tmp_path_factory.mktemp("toys")
    return folder, toy_folder(folder)


@pytest.fixture(scope="session")
def folders(toys: tuple[Path, Path]) -> list[Folder]:
    return load(*toys)


def found(net: HeadNet, seed: int) -> list[bool]:
    """For each labelled thing of a made picture whether it is found where it is, and for what it is."""
    picture, boxes = toy(np.random.default_rng(seed))
    detections = found_in(net, picture, 0.2)
    labels = np.array([LABELS.index(label) for *_, label in boxes])
    overlaps = iou(np.array([box[:4] for box in boxes], np.float32), detections.boxes)
    hits: list[bool] = ((overlaps > 0.3) & (labels[:, None] == detections.labels)).any(axis=1).tolist()
    return hits


def test_a_toy_set_is_learned_and_heads_and_plates_never_seen_are_found(
    toys: tuple[Path, Path], folders: list[Folder]
) -> None:
    start = start_net(folders)
    unseen = range(100, 106)
    assert not any(any(found(start, seed)) for seed in unseen)
    training = Training(folders, Recipe(steps=60, batch=4, size=96, rate=1e-3, warm=10, average=0.9), start)
    losses = [sum(training.learn(batch).values()) for batch in training.batches()]
    assert np.mean(losses[-10:]) < 0.65 * np.mean(losses[:10])
    assert np.mean([found(training.average, seed) for seed in unseen]) > 0.8
    shares = validated(training.average, kept_back(*toys))
    assert shares["covered_0.2"] == 1
    assert shares["painted_0.2"] < 0.5


def state_of(training: Training, file: Path) -> dict[str, Any]:
    training.save(file)
    state: dict[str, Any] = torch.load(file, weights_only=True)
    return state


def test_a_run_that_was_cut_off_ends_with_the_weights_of_one_that_was_not(
    folders: list[Folder], tmp_path: Path
) -> None:
    through = Training(folders, SHORT, start_net(folders))
    first = Training(folders, SHORT, start_net(folders))
    for index, batch in enumerate(through.batches()):
        if index < 3:
            first.learn(batch)
        through.learn(batch)
    first.save(tmp_path / "last.pt")

    again = Training(folders, SHORT, start_net(folders))
    again.restore(tmp_path / "last.pt")
    assert again.step == 3
    assert sum(1 for batch in again.batches() if again.learn(batch)) == 3
    wanted, given = state_of(through, tmp_path / "through.pt"), state_of(again, tmp_path / "again.pt")
    for part in ("net", "average"):
        assert all(torch.equal(wanted[part][name], given[part][name]) for name in wanted[part])


def test_a_run_goes_on_with_more_steps_but_not_with_another_seed(folders: list[Folder], tmp_path: Path) -> None:
    Training(folders, SHORT, HeadNet()).save(tmp_path / "last.pt")
    Training(folders, Recipe(steps=9, batch=2, size=64, warm=2), HeadNet()).restore(tmp_path / "last.pt")
    with pytest.raises(ValueError, match="seed 1, not 2"):
        Training(folders, Recipe(batch=2, size=64, warm=2, seed=2), HeadNet()).restore(tmp_path / "last.pt")


def test_a_run_cut_off_while_saving_leaves_what_was_saved_before(
    folders: list[Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "last.pt"
    training = Training(folders, SHORT, HeadNet())
    training.save(last)
    before = last.read_bytes()

    def cut_off(state: object, file: Path) -> None:
        file.write_bytes(before[: len(before) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(KeyboardInterrupt):
        training.save(last)
    assert last.read_bytes() == before


def test_the_same_step_has_the_same_batch_and_another_step_another(folders: list[Folder]) -> None:
    one, two, other = (Training(folders, SHORT, HeadNet()).batch_of(step) for step in (4, 4, 5))
    assert torch.equal(one.pixels, two.pixels)
    assert torch.equal(one.heat, two.heat)
    assert not torch.equal(one.pixels, other.pixels)


def test_a_run_is_stopped_and_goes_on_with_its_curves(
    toys: tuple[Path, Path], folders: list[Folder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, steps in (("train.curves.EVERY", 2), ("train.run.SAVE_EVERY", 2), ("train.run.VALIDATE_EVERY", 3)):
        monkeypatch.setattr(name, steps)
    train(Training(folders, SHORT, HeadNet()), tmp_path, kept_back(*toys), minutes=1e-9)
    assert not (tmp_path / "net.pt").exists()
    train(Training(folders, SHORT, HeadNet()), tmp_path, kept_back(*toys))

    assert [row["step"] for row in rows(tmp_path / "curves.csv")] == ["1", "3", "5"]
    assert [row["step"] for row in rows(tmp_path / "validation.csv")] == ["3", "6"]
    HeadNet().load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))


def test_losses_are_averaged_and_of_two_lines_for_one_step_the_later_is_drawn(tmp_path: Path) -> None:
    losses = {"head": 1.0, "plate": 2.0, "size": 0.0, "offset": 0.0}
    for run in (1.0, 3.0):
        curves = Curves(tmp_path)
        for step in range(50):
            curves.note(step, {**losses, "head": run + step % 2})
    assert [row["head"] for row in rows(tmp_path / "curves.csv")] == ["1.5", "3.5"]
    assert columns_of(tmp_path / "curves.csv")["head"] == [3.5]
    Curves(tmp_path).note_validation(50, {"covered_0.1": 0.5})
    assert cv2.imread(str(tmp_path / "curves.png")) is not None


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as table:
        return list(csv.DictReader(table))


def test_a_head_counts_as_covered_when_three_quarters_of_it_are_painted() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    paint = painted_with(np.array([[10, 10, 50, 50]], np.float32), picture)
    assert paint.sum() == 48 * 48
    heads = np.array([[6, 6, 54, 54], [30, 6, 70, 54], [40, 6, 60, 54], [80, 80, 92, 91]], np.float32)
    assert covered_by(paint, heads) == [True, False, False]

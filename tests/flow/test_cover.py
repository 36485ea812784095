"""What is covered is what the user asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .commands import passerby, sentence
from .scenes import load_json


def report_of(tmp_path: Path, source: Path, *options: str) -> dict[str, Any]:
    report = tmp_path / "report.json"
    said = passerby("redact", source, "-o", tmp_path / f"out{source.suffix}", "--report", report, "--force", *options)
    assert said.code == 0, said
    told: dict[str, Any] = load_json(report)
    return told


@pytest.mark.parametrize("name", ["face.jpg", "portrait.mp4"])
def test_heads_and_plates_are_looked_for_unless_told_otherwise(made: Path, tmp_path: Path, name: str) -> None:
    told = report_of(tmp_path, made / name)
    assert told["regions_by_label"]["head"] >= 1
    assert set(told["regions_by_label"]) <= {"head", "plate"}
    assert any(model["name"].startswith("headnet") for model in told["models"])


@pytest.mark.parametrize("name", ["face.jpg", "portrait.mp4"])
def test_only_what_is_asked_for_is_covered(made: Path, tmp_path: Path, name: str) -> None:
    assert set(report_of(tmp_path, made / name, "--cover", "face")["regions_by_label"]) == {"face"}
    assert set(report_of(tmp_path, made / name, "--cover", "plate")["regions_by_label"]) <= {"plate"}


def test_each_label_has_its_own_margin(made: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    report_of(tmp_path, made / "face.jpg", "--cover", "head,plate", "--margin", "head=0.4", "--plan", str(plan))
    assert json.loads(plan.read_text())["settings"]["margins"] == {"head": 0.4, "plate": 0.15}


@pytest.mark.parametrize("wrong", ["cat", "head,", "", "head;plate"])
def test_something_else_cannot_be_covered(made: Path, wrong: str) -> None:
    said = passerby("redact", made / "face.jpg", "--cover", wrong)
    assert said.code == 2
    sentence(said, "cover")


@pytest.mark.parametrize("wrong", ["cat=0.1", "head=much", "head=-1", "3", "head"])
def test_a_margin_that_makes_no_sense_is_refused(made: Path, wrong: str) -> None:
    said = passerby("redact", made / "face.jpg", "--margin", wrong)
    assert said.code == 2
    sentence(said, "margin")

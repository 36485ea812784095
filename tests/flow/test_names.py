"""What the name of a copy says is what it holds, or it is refused."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from .commands import passerby, passerby_process
from .conftest import Getter
from .scenes import load_json, spoil


@pytest.mark.parametrize(("source", "target"), [("face.jpg", "copy.webp"), ("portrait.mp4", "copy.avi")])
def test_a_name_that_says_another_format_is_refused(take: Getter, tmp_path: Path, source: str, target: str) -> None:
    said = passerby("redact", take(source), "-o", tmp_path / target)
    assert said.code == 2
    assert f"error: {target}: " in said.err
    assert "hint: choose a name that ends in" in said.err
    assert not (tmp_path / target).exists()


def test_a_photo_whose_name_says_another_format_keeps_its_name_and_that_is_said(take: Getter, tmp_path: Path) -> None:
    shutil.move(take("face.png"), tmp_path / "odd.jpg")
    said = passerby("redact", tmp_path / "odd.jpg", "-o", tmp_path / "out" / "odd.jpg")
    assert said.code == 0
    assert "odd.jpg holds PNG, whatever its name says" in said.out


def test_a_photo_and_a_video_of_one_name_have_a_contact_sheet_each(take: Getter, tmp_path: Path) -> None:
    shutil.copy(take("face.png"), tmp_path / "same.png")
    shutil.copy(take("portrait.mp4"), tmp_path / "same.mp4")
    assert passerby("redact", tmp_path / "same.png", tmp_path / "same.mp4", "--contact-sheet").code == 0
    assert (tmp_path / "same.redacted.png.contact-sheet.png").exists()
    assert (tmp_path / "same.redacted.mp4.contact-sheet.png").exists()


def test_the_limit_of_megapixels_holds_for_videos_and_can_be_raised(take: Getter, tmp_path: Path) -> None:
    clip = take("portrait.mp4")
    said = passerby("redact", clip, "--max-megapixels", "0.01")
    assert said.code == 1
    assert "over the limit of 0.01 megapixels" in said.err
    assert passerby("redact", clip, "--max-megapixels", "60").code == 0


def test_a_damaged_copy_that_is_there_is_good_enough_with_salvage(made: Path, tmp_path: Path) -> None:
    clip = spoil(made / "street.mp4", 0.1, tmp_path / "spoiled.mp4")
    assert passerby("redact", clip).code == 1
    said = passerby("redact", clip)
    assert said.code == 1
    assert "painted whole" in said.err
    assert passerby("redact", clip, "--salvage").code == 0


def test_a_name_cannot_write_on_the_terminal(take: Getter, tmp_path: Path) -> None:
    evil = tmp_path / "a\x1b[31m\n1 file: 1 done.png"
    shutil.move(take("face.png"), evil)
    said = passerby("redact", evil, "-o", tmp_path / "copy.png", "--cover", "face")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert (
        "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}1 file: 1 done.png: copy.png, 1 face covered"
        in said.out.splitlines()[0]
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names are not bytes here")
def test_a_name_that_is_no_text_is_no_obstacle(take: Getter, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe.png"))
    shutil.move(take("face.png"), odd)
    said = passerby_process("redact", odd)
    assert said.code == 0, said.err
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.is_file()) == [".png", ".png"]


def test_nothing_is_copied_when_that_is_not_wanted(take: Getter, tmp_path: Path) -> None:
    street = take("street.mp4")
    assert passerby("redact", street, "-o", tmp_path / "a.mp4", "--report", tmp_path / "a.json").code == 0
    assert passerby("redact", street, "-o", tmp_path / "b.mp4", "--report", tmp_path / "b.json", "--no-copy").code == 0
    copied, encoded = (load_json(tmp_path / name) for name in ("a.json", "b.json"))
    assert copied["gops_copied"] > 0
    assert (encoded["gops_copied"], encoded["gops_encoded"]) == (0, copied["gops_copied"] + copied["gops_encoded"])


def test_frames_that_a_given_plan_does_not_know_are_counted_as_covered_whole(take: Getter, tmp_path: Path) -> None:
    clip, plan = take("portrait.mp4"), tmp_path / "plan.json"
    assert passerby("redact", clip, "-o", tmp_path / "a.mp4", "--plan", plan).code == 0
    content = load_json(plan)
    content["frames"] = content["frames"][:10]
    plan.write_text(json.dumps(content))
    said = passerby("redact", clip, "-o", tmp_path / "b.mp4", "--plan", plan, "--report", tmp_path / "b.json")
    assert said.code == 0, said.err
    report = load_json(tmp_path / "b.json")
    assert (report["frames"], report["frames_covered"], report["frames_covered_whole"]) == (24, 24, 14)

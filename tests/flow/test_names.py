"""What the name of a copy says is what it holds, or it is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .commands import passerby
from .conftest import Getter
from .scenes import spoil


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

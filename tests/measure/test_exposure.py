"""What counts as still to be seen: from pixels alone, and as the scorer of the labelled media counts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from passerby.measure.exposure import EXPOSED, changed_shares, inside, kept_share, luma_of
from passerby.measure.judging import judge
from passerby.measure.material import LabelledFile, read_set
from passerby.measure.ways import ModelAlone, Pair

Luma = npt.NDArray[np.uint8]
FACE = (177, 68, 272, 187)


@pytest.fixture(scope="module")
def luma(astronaut: npt.NDArray[np.uint8]) -> Luma:
    return luma_of(astronaut)


def face_of(picture: Luma) -> Luma:
    return inside(picture, FACE)


def test_an_untouched_face_is_kept_whole(luma: Luma) -> None:
    assert kept_share(face_of(luma), face_of(luma)) == 1


def test_a_painted_face_is_not_kept(luma: Luma) -> None:
    assert kept_share(face_of(luma), np.full_like(face_of(luma), 128)) == 0


def test_a_face_that_was_encoded_anew_is_exposed(luma: Luma, tmp_path: Path) -> None:
    Image.fromarray(luma).save(tmp_path / "copy.jpg", quality=80)
    with Image.open(tmp_path / "copy.jpg") as copy:
        assert kept_share(face_of(luma), face_of(np.asarray(copy))) > 0.9


@pytest.mark.parametrize("seed", [1, 2])
def test_noise_does_not_count_as_a_face_that_is_kept(seed: int, luma: Luma) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, face_of(luma).shape, np.uint8)
    assert kept_share(face_of(luma), noise) < 0.02


def test_a_strong_blur_is_not_kept(luma: Luma) -> None:
    blurred = np.asarray(Image.fromarray(luma).filter(ImageFilter.GaussianBlur(12)))
    assert kept_share(face_of(luma), face_of(blurred)) < EXPOSED


def test_a_face_of_another_brightness_is_not_kept(luma: Luma) -> None:
    darker = (face_of(luma).astype(int) - 13).clip(0).astype(np.uint8)
    slightly = (face_of(luma).astype(int) - 8).clip(0).astype(np.uint8)
    assert kept_share(face_of(luma), darker) < 0.1
    assert kept_share(face_of(luma), slightly) > 0.9


def test_half_a_face_is_kept_by_half(luma: Luma) -> None:
    face = face_of(luma)
    copy = face.copy()
    copy[:, : face.shape[1] // 8 * 4] = 128
    assert 0.25 < kept_share(face, copy) < 0.75


@pytest.mark.parametrize("size", [(0, 0), (3, 40), (40, 3)])
def test_what_is_smaller_than_a_block_shows_nothing(size: tuple[int, int]) -> None:
    nothing = np.zeros(size, np.uint8)
    assert kept_share(nothing, nothing) == 0


@given(level=st.integers(0, 255), height=st.integers(4, 40), width=st.integers(4, 40))
def test_a_flat_wall_shows_nothing(level: int, height: int, width: int) -> None:
    wall = np.full((height, width), level, np.uint8)
    assert kept_share(wall, wall) == 0


def test_paint_far_from_every_box_is_counted_and_paint_near_one_is_excused() -> None:
    original = np.zeros((100, 200), np.uint8)
    copy = original.copy()
    copy[40:60, 40:60] = 255
    painted, elsewhere = changed_shares(original, copy, [(42, 42, 58, 58)])
    assert (painted, elsewhere) == (400 / 20_000, 0)
    painted, elsewhere = changed_shares(original, copy, [(150, 40, 160, 50)])
    far = 20_000 - (10 + 2 * 10) * (10 + 2 * 10)  # 0.6 of 10 px and 4 px around
    assert elsewhere == pytest.approx(400 / far)
    assert changed_shares(original, copy, []) == (400 / 20_000, 400 / 20_000)


def test_nothing_lies_elsewhere_where_a_box_fills_the_picture() -> None:
    picture = np.zeros((50, 50), np.uint8)
    assert changed_shares(picture, picture, [(0, 0, 50, 50)]) == (0, None)


def test_a_difference_that_encoders_make_is_no_paint() -> None:
    picture = np.full((20, 20), 100, np.uint8)
    assert changed_shares(picture, picture + 24, [])[0] == 0
    assert changed_shares(picture, picture + 25, [])[0] == 1


def test_the_scorer_of_the_labelled_media_comes_to_the_same_numbers(shared: Path, tmp_path: Path) -> None:
    labelled = read_set(shared / "media" / "faces-dlib")
    exposed, elsewhere = 0, []
    for file in labelled.files:
        pair = _half_painted(file, tmp_path)
        judged = judge(pair, file.frames[0], frozenset({"face"}), faces_labelled=False)
        exposed += sum(box.exposed for box in judged.boxes)
        elsewhere.append(judged.elsewhere)
    theirs = _scored(shared, tmp_path)
    assert 0 < theirs["exposed"] < theirs["boxes"]
    assert (theirs["exposed"], theirs["share_of_other_pixels_changed"]) == (
        exposed,
        round(float(np.mean([share for share in elsewhere if share is not None])), 4),
    )


def _half_painted(file: LabelledFile, folder: Path) -> Pair:
    """Its left half is grey: some faces are covered, some are not, and much else is."""
    with Image.open(file.path) as image:
        before = np.array(image.convert("RGB"))
    after = before.copy()
    after[:, : after.shape[1] // 2] = 128
    Image.fromarray(after).save(folder / file.name, format="PNG")
    return Pair(0, luma_of(before), luma_of(after))


def _scored(shared: Path, copies: Path) -> dict[str, float]:
    folder = shared / "media" / "faces-dlib"
    command = [sys.executable, str(shared / "eval" / "score.py"), str(folder), str(copies), str(folder / "boxes.json")]
    done = subprocess.run([*command, "--min-px", "16", "--json"], check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def test_a_model_is_relevant_to_what_contains_its_finds() -> None:
    assert ModelAlone("centerface").may_cover("head")
    assert not ModelAlone("centerface").may_cover("plate")

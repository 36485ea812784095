"""The contact sheet: a few covered frames on one picture, however long the video is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from passerby.check.contact_sheet import MOST_TILES, TILE_WIDTH, ContactSheet
from passerby.errors import OutputError
from passerby.regions import Regions

BASE = Fraction(1, 25)


def flat(value: int, width: int = 640, height: int = 360) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def offered(sheet: ContactSheet, frames: int) -> list[int]:
    """Offer that many frames, each of its own grey; the indices of those that were asked for."""
    asked: list[int] = []

    def picture(index: int) -> npt.NDArray[np.uint8]:
        asked.append(index)
        return flat(40 + index % 200)

    for index in range(frames):
        sheet.add(lambda index=index: picture(index), index, BASE, index, Regions())  # type: ignore[misc]
    return asked


def tile_greys(path: Path, columns: int) -> list[int]:
    """The grey of each tile, found by looking at where its middle must be."""
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    rows = (pixels.shape[0] - 8) // (180 + 20 + 8)
    middles = [(8 + r * 208 + 90, 8 + c * 328 + 160) for r in range(rows) for c in range(columns)]
    return [int(pixels[y, x, 0]) for y, x in middles if pixels[y, x, 0] != 24]


@pytest.mark.parametrize("frames", [1, 5, MOST_TILES])
def test_all_frames_are_shown_while_they_fit(frames: int, tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png", columns=6)
    offered(sheet, frames)
    assert sheet.write() == tmp_path / "sheet.png"
    assert tile_greys(tmp_path / "sheet.png", min(6, frames)) == [40 + i for i in range(frames)]


@pytest.mark.parametrize("frames", [49, 96, 97, 150, 199])
def test_a_long_video_is_shown_by_frames_evenly_apart(frames: int, tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png", columns=6)
    offered(sheet, frames)
    sheet.write()
    shown = [grey - 40 for grey in tile_greys(tmp_path / "sheet.png", 6)]
    assert MOST_TILES / 2 <= len(shown) <= MOST_TILES
    steps = set(np.diff(shown).tolist())
    assert len(steps) == 1
    assert shown[0] == 0
    assert frames - shown[-1] <= steps.pop()


def test_pictures_of_frames_that_are_not_chosen_are_never_made() -> None:
    asked = offered(ContactSheet(Path("unused.png")), 10_000)
    assert len(asked) < MOST_TILES * 6


@pytest.mark.parametrize("size", [(4000, 3000), (300, 4000), (5, 3), (1, 1), (90, 160)])
def test_tiles_are_small_whatever_the_frame_is(size: tuple[int, int], tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    sheet.add(lambda: flat(99, *size), 0, BASE, 0, None)
    sheet.write()
    with Image.open(tmp_path / "sheet.png") as written:
        assert written.width <= TILE_WIDTH + 16
        assert written.height <= TILE_WIDTH + 40


def test_each_tile_has_a_caption(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    sheet.add(lambda: flat(0), -90061, Fraction(1), 3, None)
    sheet.add(lambda: flat(0), 10, Fraction(1, 3), 4, Regions())
    sheet.write()
    with Image.open(tmp_path / "sheet.png") as written:
        pixels = np.asarray(written)
    for left in (8, 336):
        assert (pixels[8 + 180 : 8 + 200, left : left + 320] > 150).sum() > 100
    assert not (pixels[8 + 180 : 8 + 200, :328] == pixels[8 + 180 : 8 + 200, 328:656]).all()


def test_the_sheet_holds_pictures_and_no_metadata_and_leaves_no_other_file(tmp_path: Path) -> None:
    sheet = ContactSheet(tmp_path / "sheet.png")
    offered(sheet, 3)
    sheet.write()
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    with Image.open(tmp_path / "sheet.png") as written:
        assert written.info == {}


def test_a_sheet_without_frames_is_not_written(tmp_path: Path) -> None:
    assert ContactSheet(tmp_path / "sheet.png").write() is None
    assert not list(tmp_path.iterdir())


def test_a_sheet_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    target = tmp_path / "taken.png"
    target.mkdir()
    sheet = ContactSheet(target)
    offered(sheet, 1)
    with pytest.raises(OutputError, match=r"taken\.png"):
        sheet.write()
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]

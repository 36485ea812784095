from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from passerby.media import Orientation
from passerby.read.photo import open_photo, pictures_of

from .conftest import Copier

TURNS = range(2, 9)


def _turned(face: Image.Image, path: Path, format_name: str, turn: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    options = {"lossless": True} if format_name == "WEBP" else {"quality": 95} if format_name == "JPEG" else {}
    face.save(path, format_name, exif=exif, **options)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_turned_photo_is_looked_at_upright_and_shown_as_before(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str, turn: int
) -> None:
    source = tmp_path / "turned"
    _turned(face, source, format_name, turn)
    with Image.open(source) as original:
        upright = np.asarray(ImageOps.exif_transpose(original).convert("RGB"), np.int16)
    with open_photo(source) as photo:
        frame = next(photo.frames())
        assert frame.orientation is Orientation.UPRIGHT
        assert np.array_equal(pictures_of(frame)[0], upright)
    copy = copied(source)
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert ExifTags.Base.Orientation not in shown.getexif()
        difference = np.abs(np.asarray(shown.convert("RGB"), np.int16) - upright)
    assert difference.mean() < 3


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_16_bit_tiff_is_looked_at_upright(face: Image.Image, tmp_path: Path, turn: int) -> None:
    pixels = np.asarray(face, np.uint16) * 257
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    tags[256], tags[257], tags[258], tags[259], tags[262] = face.width, face.height, (16, 16, 16), 1, 2
    tags[273], tags[274], tags[277], tags[278], tags[279] = 0, turn, 3, face.height, pixels.nbytes
    stored = io.BytesIO()
    tags.save(stored)
    (tmp_path / "deep.tif").write_bytes(stored.getvalue() + pixels.tobytes())
    with open_photo(tmp_path / "deep.tif") as photo:
        frame = next(photo.frames())
    assert frame.layout.name == "RGB;16"
    assert np.array_equal(np.stack(frame.planes, axis=-1), Orientation(turn).turn(pixels))


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_heic_is_looked_at_upright_and_shown_as_before(
    face: Image.Image, tmp_path: Path, copied: Copier, turn: int
) -> None:
    source = tmp_path / "turned.heic"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    heif = pillow_heif.from_pillow(face)
    heif.save(source, quality=95, chroma=444, exif=exif.tobytes())
    shown = np.asarray(pillow_heif.open_heif(source).to_pillow(), np.int16)
    copy = copied(source)
    assert copy.problems == []
    assert (copy.info.width, copy.info.height) == (shown.shape[1], shown.shape[0])
    after = pillow_heif.open_heif(copy.path)
    assert after.info["exif"] is None
    assert np.abs(np.asarray(after.to_pillow(), np.int16) - shown).mean() < 3

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageCms

from passerby.check.photo_readback import read_back_photo
from passerby.errors import RedactionIncomplete
from passerby.read.photo import open_photo
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.photo import write_photo

from . import planted
from .conftest import Copier

FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"]


def _save(face: Image.Image, path: Path, format_name: str) -> None:
    if format_name == "HEIF":
        pillow_heif.from_pillow(face).save(path, quality=80)
    else:
        face.save(path, format_name)


@pytest.mark.parametrize("format_name", FORMATS)
def test_bytes_after_the_end_are_found(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    _save(face, tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    copy.path.write_bytes(copy.content + planted.jpeg(face))
    assert read_back_photo(copy.path, copy.info)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_that_is_cut_off_is_found(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    _save(face, tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    copy.path.write_bytes(copy.content[: len(copy.content) * 3 // 4])
    assert any("does not read back" in problem for problem in read_back_photo(copy.path, copy.info))


@pytest.mark.parametrize("format_name", FORMATS)
def test_another_size_is_found(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    _save(face, tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    assert read_back_photo(copy.path, replace(copy.info, width=copy.info.width + 1))


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_another_format_is_found(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    _save(face, tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    other = replace(copy.info, format="GIF")
    assert any("not GIF" in problem for problem in read_back_photo(copy.path, other))


@pytest.mark.parametrize("code", [0xE1, 0xE2, 0xED, 0xFE, 0xE0, 0xEF])
def test_a_segment_too_many_is_found_in_a_jpeg(face: Image.Image, tmp_path: Path, copied: Copier, code: int) -> None:
    face.save(tmp_path / "a.jpg")
    copy = copied(tmp_path / "a.jpg")
    copy.path.write_bytes(planted.with_segments(copy.content, (code, b"anything at all")))
    assert any("segment" in problem for problem in read_back_photo(copy.path, copy.info))


@pytest.mark.parametrize("kind", [b"tEXt", b"eXIf", b"faCe", b"tIME"])
def test_a_chunk_too_many_is_found_in_a_png(face: Image.Image, tmp_path: Path, copied: Copier, kind: bytes) -> None:
    face.save(tmp_path / "a.png")
    copy = copied(tmp_path / "a.png")
    copy.path.write_bytes(copy.content[:33] + planted.png_chunk(kind, b"a\0bcdefg") + copy.content[33:])
    assert any("chunk" in problem for problem in read_back_photo(copy.path, copy.info))


@pytest.mark.parametrize("kind", [b"EXIF", b"XMP ", b"face"])
def test_a_chunk_too_many_is_found_in_a_webp(face: Image.Image, tmp_path: Path, copied: Copier, kind: bytes) -> None:
    face.save(tmp_path / "a.webp", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    copy = copied(tmp_path / "a.webp")
    longer = copy.content + kind + struct.pack("<I", 8) + b"somebody"
    copy.path.write_bytes(longer[:4] + struct.pack("<I", len(longer) - 8) + longer[8:])
    assert any("chunk" in problem for problem in read_back_photo(copy.path, copy.info))


def test_a_comment_is_found_in_a_gif(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    face.save(tmp_path / "a.gif")
    copy = copied(tmp_path / "a.gif")
    copy.path.write_bytes(copy.content[:-1] + b"!\xfe\x08somebody\0;")
    assert any("block" in problem for problem in read_back_photo(copy.path, copy.info))


def test_tags_and_pages_too_many_are_found_in_a_tiff(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    face.save(tmp_path / "a.tif")
    copy = copied(tmp_path / "a.tif")
    face.save(copy.path, "TIFF", tiffinfo={315: "somebody"})
    assert any("tag" in problem for problem in read_back_photo(copy.path, copy.info))
    face.save(copy.path, "TIFF", save_all=True, append_images=[face])
    assert any("pages" in problem for problem in read_back_photo(copy.path, copy.info))


def test_exif_and_further_pictures_are_found_in_a_heic(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    pillow_heif.from_pillow(face).save(tmp_path / "a.heic", quality=80)
    copy = copied(tmp_path / "a.heic")
    pillow_heif.from_pillow(face).save(copy.path, quality=80, exif=b"Exif\0\0" + planted.exif(face))
    assert any("Exif" in problem for problem in read_back_photo(copy.path, copy.info))
    two = pillow_heif.from_pillow(face)
    two.add_from_pillow(face)
    two.save(copy.path, quality=80)
    assert any("further picture" in problem for problem in read_back_photo(copy.path, copy.info))


def test_a_profile_that_was_not_reduced_is_found(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    face.save(tmp_path / "a.jpg", icc_profile=profile)
    copy = copied(tmp_path / "a.jpg")
    assert copy.problems == []
    face.save(copy.path, "JPEG", icc_profile=profile)
    assert any("profile" in problem for problem in read_back_photo(copy.path, copy.info))


def test_a_text_of_the_originals_exif_data_is_found(face: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(planted.with_segments(planted.jpeg(face), (0xE1, b"Exif\0\0" + planted.exif(face))))
    with open_photo(path) as photo:
        info = photo.info
    found = read_back_photo(path, info, source=path)
    assert any("texts of the original" in problem for problem in found)
    assert not any(text.decode() in " ".join(found) for text in planted.TEXTS)


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_a_lost_frame_and_another_timing_are_found(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    frames = [face, face.rotate(90), face.rotate(180)]
    face.save(tmp_path / "a", format_name, save_all=True, append_images=frames[1:], duration=[10, 20, 30])
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    slower = replace(copy.info, durations_s=tuple(value + Fraction(1, 100) for value in copy.info.durations_s))
    assert any("shown as long" in problem for problem in read_back_photo(copy.path, slower))
    longer = replace(copy.info, frame_count=4, durations_s=(*copy.info.durations_s, Fraction(1, 100)))
    assert any("frames, not 4" in problem for problem in read_back_photo(copy.path, longer))


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_too_few_or_too_many_frames_are_withheld(
    face: Image.Image, tmp_path: Path, format_name: str, count: int
) -> None:
    frames = [face, face.rotate(90), face.rotate(180)]
    face.save(tmp_path / "a", format_name, save_all=True, append_images=frames[1:], duration=50)
    painter = Painter()
    with open_photo(tmp_path / "a") as photo, open_photo(tmp_path / "a") as again:
        covered = [painter.cover(f, Regions()) for f in (*photo.frames(), *again.frames())]
        with pytest.raises(RedactionIncomplete):
            write_photo(tmp_path / "out", covered[:count], photo.info)

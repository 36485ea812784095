from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from passerby.read.profile import clean_icc

from .conftest import Copier

PRIVATE = b"PLANTED-PRIVATE-TAG"


def _with_private_tag(profile: bytes) -> bytes:
    """The profile with a private tag, a device, a date and a maker."""
    count = int.from_bytes(profile[128:132], "big")
    table = bytearray(profile[132 : 132 + 12 * count])
    for index in range(count):
        at = 12 * index + 4
        table[at : at + 4] = (int.from_bytes(table[at : at + 4], "big") + 12).to_bytes(4, "big")
    content = b"text\0\0\0\0" + PRIVATE + b"\0"
    place = len(profile) + 12
    table += b"priv" + place.to_bytes(4, "big") + len(content).to_bytes(4, "big")
    header = bytearray(profile[:128])
    header[24:36] = b"\x07\xe8\0\5\0\6\0\7\0\x08\0\x09"
    header[48:56] = b"PLANTEDX"
    header[80:84] = b"ANNA"
    whole = bytes(header) + (count + 1).to_bytes(4, "big") + bytes(table) + profile[132 + 12 * count :] + content
    return len(whole).to_bytes(4, "big") + whole[4:]


@pytest.fixture
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_reduced_profile_has_no_private_tags_dates_devices_or_makers(srgb: bytes) -> None:
    cleaned = clean_icc(_with_private_tag(srgb), "RGB")
    assert cleaned is not None
    for secret in (PRIVATE, b"priv", b"PLANTEDX", b"ANNA", b"lcms"):
        assert secret not in cleaned
    assert cleaned[24:36] == bytes(12)
    assert int.from_bytes(cleaned[:4], "big") == len(cleaned)


def test_a_reduced_profile_converts_colours_as_before(srgb: bytes) -> None:
    cleaned = clean_icc(srgb, "RGB")
    assert cleaned is not None
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    lab = ImageCms.createProfile("LAB")
    pictures = []
    for profile in (srgb, cleaned):
        opened = ImageCms.getOpenProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(opened, lab, "RGB", "LAB")
        pictures.append(np.asarray(ImageCms.applyTransform(Image.fromarray(noise), transform), np.int16))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_reducing_twice_changes_nothing(srgb: bytes) -> None:
    cleaned = clean_icc(srgb, "RGB")
    assert cleaned is not None
    assert clean_icc(cleaned, "RGB") == cleaned


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB;16", "RGBA"])
def test_a_profile_counts_only_for_pictures_of_its_colour_space(srgb: bytes, mode: str) -> None:
    assert (clean_icc(srgb, mode) is not None) == mode.startswith("RGB")


@pytest.mark.parametrize("cut", [0, 3, 100, 131, 140, 300])
def test_a_broken_profile_is_not_passed_on(srgb: bytes, cut: int) -> None:
    assert clean_icc(srgb[:cut], "RGB") is None


def test_noise_is_no_profile(srgb: bytes) -> None:
    random = np.random.default_rng(5)
    for _ in range(50):
        noisy = bytearray(srgb)
        for at in random.integers(128, len(noisy), 30):
            noisy[at] = random.integers(256)
        cleaned = clean_icc(bytes(noisy), "RGB")
        assert cleaned is None or clean_icc(cleaned, "RGB") == cleaned


def test_colours_under_a_profile_that_cannot_be_reduced_are_converted_to_srgb(
    srgb: bytes, face: Image.Image, tmp_path: Path, copied: Copier
) -> None:
    endless = srgb + bytes(9 << 20)
    face.save(tmp_path / "a.tif", icc_profile=len(endless).to_bytes(4, "big") + endless[4:])
    copy = copied(tmp_path / "a.tif")
    assert (copy.problems, copy.info.icc) == ([], None)
    assert any("converted to sRGB" in part for part in copy.info.dropped)
    with Image.open(copy.path) as shown:
        assert "icc_profile" not in shown.info
        assert np.abs(np.asarray(shown, np.int16) - np.asarray(face, np.int16)).max() <= 2


def test_a_broken_profile_is_dropped_and_named(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    for suffix in ("png", "jpg", "tif"):
        face.save(tmp_path / f"a.{suffix}", icc_profile=b"PLANTED-PRIVATE-TAG" * 20)
        copy = copied(tmp_path / f"a.{suffix}")
        assert (copy.problems, copy.info.icc) == ([], None)
        assert any("colour profile" in part for part in copy.info.dropped)

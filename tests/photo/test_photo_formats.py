from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from PIL import Image, ImageCms

from passerby.read.photo import is_photo, open_photo, pictures_of
from passerby.read.profile import clean_icc
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.photo import write_photo

from .conftest import Copier

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_a_lossless_photo_keeps_every_pixel(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str, mode: str
) -> None:
    if (format_name, mode) == ("TIFF", "P"):
        pytest.skip("palettes are tried with PNG")
    original = face.convert(mode)
    original.save(tmp_path / "a", format_name, compression="tiff_lzw" if format_name == "TIFF" else None)
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert np.array_equal(np.asarray(shown.convert("RGBA")), np.asarray(original.convert("RGBA")))


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"quality": 80, "subsampling": "4:2:0"}),
        ("RGB", {"quality": 60, "subsampling": "4:2:2", "progressive": True}),
        ("RGB", {"quality": 97, "subsampling": "4:4:4"}),
        ("L", {"quality": 80}),
        ("CMYK", {"quality": 80}),
    ],
)
def test_a_jpeg_keeps_its_quantisation_and_subsampling(
    face: Image.Image, tmp_path: Path, copied: Copier, mode: str, options: dict[str, Any]
) -> None:
    source = tmp_path / "a.jpg"
    face.convert(mode).save(source, **options)
    copy = copied(source)
    assert copy.problems == []
    with Image.open(source) as before, Image.open(copy.path) as after:
        assert after.mode == before.mode
        assert after.quantization == before.quantization  # type: ignore[attr-defined]
        assert [layer[1:3] for layer in after.layer] == [layer[1:3] for layer in before.layer]  # type: ignore[attr-defined]
        assert bool(after.info.get("progressive")) == bool(before.info.get("progressive"))
        difference = np.asarray(before, np.int16) - np.asarray(after, np.int16)
    assert np.abs(difference).mean() < 1


def test_a_webp_without_loss_stays_without_loss(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    face.save(tmp_path / "a.webp", lossless=True)
    copy = copied(tmp_path / "a.webp")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert np.array_equal(np.asarray(shown.convert("RGB")), np.asarray(face))


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF", "BMP"])
def test_a_photo_stays_in_its_format(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    face.save(tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert shown.format == format_name
        assert np.abs(np.asarray(shown.convert("RGB"), np.int16) - np.asarray(face, np.int16)).mean() < 4


@pytest.mark.parametrize(("format_name", "mode"), [("PPM", "RGB"), ("PPM", "L"), ("JPEG2000", "RGB")])
def test_a_format_that_is_not_written_becomes_a_png_and_says_so(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str, mode: str
) -> None:
    face.convert(mode).save(tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert (shown.format, shown.mode) == ("PNG", mode)


def _deep(face: Image.Image, channels: int) -> npt.NDArray[np.uint16]:
    noise = np.random.default_rng(1).integers(0, 256, (*face.size[::-1], channels), np.uint16)
    base = np.asarray(face.convert("RGBA"), np.uint16)[..., :channels]
    return np.asarray(base * 256 + noise, np.uint16)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bits_stay_16_bits(face: Image.Image, tmp_path: Path, copied: Copier, suffix: str, channels: int) -> None:
    source = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(source), _deep(face, channels))
    copy = copied(source)
    assert copy.problems == []
    assert copy.info.bits == 16
    before, after = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (source, copy.path))
    assert before is not None
    assert after is not None
    assert after.dtype == np.uint16
    assert np.array_equal(before, after)


def test_a_10_bit_heic_stays_10_bit_with_its_code_points(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    source = tmp_path / "hdr.heic"
    pixels = np.asarray(face, np.uint16) * 4 + 3
    options = {"color_primaries": 9, "transfer_characteristics": 16, "matrix_coefficients": 9, "full_range_flag": 1}
    pillow_heif.encode("RGB;10", face.size, pixels.tobytes(), source, quality=90, chroma=444, **options)
    copy = copied(source)
    assert copy.problems == []
    assert (copy.info.mode, copy.info.bits) == ("RGB;10", 10)
    after = pillow_heif.open_heif(copy.path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    assert after.info["bit_depth"] == 10
    assert after.info["nclx_profile"]["color_primaries"] == 9
    assert after.info["nclx_profile"]["transfer_characteristics"] == 16
    before = pillow_heif.open_heif(source, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    assert np.abs(np.asarray(after, np.int32) - np.asarray(before, np.int32)).mean() < 12


def test_a_10_bit_avif_stays_10_bit(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    pixels = np.asarray(face, np.uint16)[..., ::-1] * 4
    done, encoded = cv2.imencode(".avif", pixels, [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 95])
    assert done
    source = tmp_path / "hdr.avif"
    source.write_bytes(encoded.tobytes().replace(b"nclx\0\1\0\x0d", b"nclx\0\x09\0\x10"))
    copy = copied(source)
    assert copy.problems == []
    assert (copy.info.bits, copy.info.colour.primaries, copy.info.colour.transfer) == (10, 9, 16)
    after = cv2.imread(str(copy.path), cv2.IMREAD_UNCHANGED)
    assert after is not None
    assert after.dtype == np.uint16
    assert np.abs(after.astype(np.int32) - pixels).mean() < 20


def test_a_grey_16_bit_tiff_with_white_at_zero_does_not_become_its_negative(tmp_path: Path, copied: Copier) -> None:
    grey = np.linspace(0, 65535, 400, dtype=np.uint16).reshape(20, 20)
    Image.fromarray(grey).save(tmp_path / "a.tif", tiffinfo={262: 0})
    copy = copied(tmp_path / "a.tif")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert np.array_equal(np.asarray(shown), ~grey)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_colour_profile_goes_along_without_its_texts(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    face.save(tmp_path / "a", format_name, icc_profile=SRGB)
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        assert shown.info["icc_profile"] == clean_icc(SRGB, "RGB")


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 16), (".tif", 16)])
def test_the_colour_profile_of_a_deep_picture_goes_along(
    face: Image.Image, tmp_path: Path, copied: Copier, suffix: str, bits: int
) -> None:
    cleaned = clean_icc(SRGB, "RGB")
    cv2.imwrite(str(tmp_path / "plain.png"), _deep(face, 3))
    plain = (tmp_path / "plain.png").read_bytes()
    with Image.open(tmp_path / "plain.png") as opened:
        opened.save(tmp_path / "small.png", icc_profile=SRGB)
    small = (tmp_path / "small.png").read_bytes()
    at = small.index(b"iCCP") - 4
    chunk = small[at : at + 12 + int.from_bytes(small[at : at + 4], "big")]
    (tmp_path / "deep.png").write_bytes(plain[:33] + chunk + plain[33:])
    copy = copied(tmp_path / "deep.png")
    assert copy.problems == []
    assert (copy.info.bits, copy.info.icc) == (bits, cleaned)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_alpha_stays(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    alpha = Image.linear_gradient("L").resize(face.size)
    original = face.convert("RGB")
    original.putalpha(alpha)
    original.save(tmp_path / "a", format_name, **({"lossless": True} if format_name == "WEBP" else {}))
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    with Image.open(copy.path) as shown:
        after = np.asarray(shown.convert("RGBA"), np.int16)[..., 3]
    assert np.abs(after - np.asarray(alpha, np.int16)).max() <= (0 if format_name != "AVIF" else 12)


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_alpha_that_is_opaque_everywhere_is_no_trouble(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    face.convert("RGBA").save(tmp_path / "a", format_name)
    assert copied(tmp_path / "a").problems == []


def test_alpha_stays_in_a_heic(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    original = face.convert("RGB")
    original.putalpha(Image.linear_gradient("L").resize(face.size))
    pillow_heif.from_pillow(original).save(tmp_path / "a.heic", quality=95)
    copy = copied(tmp_path / "a.heic")
    assert copy.problems == []
    after = np.asarray(pillow_heif.open_heif(copy.path).to_pillow(), np.int16)
    assert np.abs(after[..., 3] - np.asarray(original, np.int16)[..., 3]).mean() < 3


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_what_full_transparency_hides_is_erased(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    original = np.array(face.convert("RGBA"))
    original[:, :100, 3] = 0
    Image.fromarray(original).save(tmp_path / "a", format_name)
    copy = copied(tmp_path / "a")
    with Image.open(copy.path) as shown:
        after = np.asarray(shown)
    assert not after[:, :100].any()
    assert np.array_equal(after[:, 100:], original[:, 100:])


def test_a_see_through_picture_is_looked_at_bare_and_over_grey_and_its_transparency_alone(
    face: Image.Image, tmp_path: Path
) -> None:
    original = face.convert("RGBA")
    original.putalpha(100)
    original.save(tmp_path / "a.png")
    with open_photo(tmp_path / "a.png") as photo:
        bare, transparency, over_grey = pictures_of(next(photo.frames()))
    assert np.array_equal(bare, np.asarray(face))
    assert (transparency == 100).all()
    assert over_grey.std() < bare.std()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_face_drawn_by_transparency_alone_is_looked_at(face: Image.Image, tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", face.size, (128, 128, 128)).convert(mode)
    picture.putalpha(face.convert("L"))
    picture.save(tmp_path / "a.png")
    with open_photo(tmp_path / "a.png") as photo:
        pictures = pictures_of(next(photo.frames()))
    assert any(np.array_equal(shown[..., 0], np.asarray(face.convert("L"))) for shown in pictures)


def test_a_12_bit_range_kept_in_16_bits_is_also_looked_at_stretched(face: Image.Image, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "dark.png"), np.asarray(face, np.uint16) * 16)
    with open_photo(tmp_path / "dark.png") as photo:
        plain, stretched = pictures_of(next(photo.frames()))
    assert plain.max() < 16
    assert stretched.max() == 255


@pytest.mark.parametrize("hidden_in", [0, 3])
def test_a_face_in_some_inks_is_looked_at_where_the_others_hide_it(
    face: Image.Image, tmp_path: Path, hidden_in: int
) -> None:
    inks = np.full((face.height, face.width, 4), 255, np.uint8)
    inks[..., hidden_in] = np.asarray(face.convert("L"))
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.tif")
    with open_photo(tmp_path / "a.tif") as photo:
        pictures = pictures_of(next(photo.frames()))
    assert not pictures[-1].any()
    assert any(np.array_equal(255 - shown[..., 0], inks[..., hidden_in]) for shown in pictures)


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA"])
def test_every_mode_is_looked_at_as_rgb(face: Image.Image, tmp_path: Path, mode: str) -> None:
    face.convert(mode).save(tmp_path / "a.tif")
    with open_photo(tmp_path / "a.tif") as photo:
        picture = pictures_of(next(photo.frames()))[-1]
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, np.asarray(face.convert(mode).convert("RGB")))


def test_writing_into_a_plane_changes_the_picture(face: Image.Image, tmp_path: Path) -> None:
    face.save(tmp_path / "a.png")
    with open_photo(tmp_path / "a.png") as photo:
        frame = next(photo.frames())
    frame.planes[1][3:5, 7:9] = 99
    assert (frame.carrier[3:5, 7:9, 1] == 99).all()


def _running(face: Image.Image, count: int) -> list[Image.Image]:
    frames = []
    for index in range(count):
        pixels = np.array(face)
        pixels[20:40, 10 * index : 10 * index + 20] = (255, 0, 0)
        frames.append(Image.fromarray(pixels))
    return frames


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_every_frame_of_an_animation_is_read_and_written_with_its_time(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    frames = _running(face, 4)
    durations = [40, 100, 250, 70]
    options = {"lossless": True} if format_name == "WEBP" else {}
    frames[0].save(
        tmp_path / "a", format_name, save_all=True, append_images=frames[1:], duration=durations, loop=3, **options
    )
    copy = copied(tmp_path / "a")
    assert copy.problems == []
    assert copy.info.frame_count == 4
    assert copy.info.durations_s == tuple(Fraction(value, 1000) for value in durations)
    with Image.open(tmp_path / "a") as before, Image.open(copy.path) as after:
        for index in range(4):
            before.seek(index)
            after.seek(index)
            difference = np.asarray(before.convert("RGB"), np.int16) - np.asarray(after.convert("RGB"), np.int16)
            assert np.abs(difference).mean() < (3 if format_name == "AVIF" else 0.01)
        if format_name != "AVIF":
            assert after.info["loop"] == before.info["loop"]


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_frames_that_are_alike_stay_frames(face: Image.Image, tmp_path: Path, copied: Copier, format_name: str) -> None:
    frames = _running(face, 3)
    frames[0].save(tmp_path / "a", format_name, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    content = (tmp_path / "a").read_bytes()
    assert content
    copy = copied(tmp_path / "a")
    assert (copy.problems, copy.info.frame_count) == ([], 3)
    again = copied(copy.path)
    assert (again.problems, again.info.durations_s) == ([], copy.info.durations_s)


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_an_animation_with_holes_keeps_its_holes(
    face: Image.Image, tmp_path: Path, copied: Copier, format_name: str
) -> None:
    frames = []
    for index in range(3):
        pixels = np.array(face.quantize(60).convert("RGBA"))
        pixels[:, 50 * index : 50 * index + 40] = 0
        frames.append(Image.fromarray(pixels))
    disposal = 1 if format_name == "PNG" else 2
    frames[0].save(
        tmp_path / "a",
        format_name,
        save_all=True,
        append_images=frames[1:],
        duration=100,
        disposal=disposal,
        lossless=True,
    )
    copy = copied(tmp_path / "a")
    assert (copy.problems, copy.info.frame_count) == ([], 3)
    with Image.open(tmp_path / "a") as before, Image.open(copy.path) as after:
        for index in range(3):
            before.seek(index)
            after.seek(index)
            expected, shown = np.asarray(before.convert("RGBA")), np.asarray(after.convert("RGBA"))
            assert np.array_equal(shown[..., 3], expected[..., 3])
            assert (shown[:, 50 * index : 50 * index + 40, 3] == 0).all()
            assert np.array_equal(shown[shown[..., 3] > 0], expected[expected[..., 3] > 0])


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_what_is_painted_in_an_animation_is_painted_in_every_frame_of_the_copy(
    face: Image.Image, tmp_path: Path, format_name: str
) -> None:
    frames = _running(face, 5)
    frames[0].save(tmp_path / "a", format_name, save_all=True, append_images=frames[1:], duration=50)
    regions = Regions(np.array([[60, 20, 150, 120]], np.float32), np.array([1], np.uint8))
    painter = Painter("black")
    with open_photo(tmp_path / "a") as photo:
        write_photo(tmp_path / "b", (painter.cover(f, regions) for f in photo.frames()), photo.info)
    with Image.open(tmp_path / "b") as shown:
        for index in range(5):
            shown.seek(index)
            assert np.asarray(shown.convert("RGB"))[24:116, 64:146].max() < 16


def test_the_still_picture_before_an_animation_is_dropped_and_named(
    face: Image.Image, tmp_path: Path, copied: Copier
) -> None:
    frames = _running(face, 3)
    face.rotate(180).save(
        tmp_path / "a.png", save_all=True, append_images=frames, duration=[10, 20, 30], default_image=True
    )
    copy = copied(tmp_path / "a.png")
    assert copy.problems == []
    assert copy.info.frame_count == 3
    assert "still picture before the animation" in copy.info.dropped


def test_a_gif_with_a_frame_beyond_its_screen_keeps_the_size_of_its_screen(
    face: Image.Image, tmp_path: Path, copied: Copier
) -> None:
    frames = _running(face, 2)
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    copy = copied(tmp_path / "a.gif")
    assert (copy.info.width, copy.info.height) == face.size
    assert copy.problems == []


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"qt  ", b"M4V ", b"hevc", b"crx "])
def test_a_video_is_not_taken_for_a_photo(tmp_path: Path, brand: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\0\0\0\x14ftyp" + brand + b"\0\0\0\0" + brand + bytes(100))
    assert not is_photo(tmp_path / "a.jpg")


def test_contents_count_and_not_the_suffix(face: Image.Image, tmp_path: Path, copied: Copier) -> None:
    face.save(tmp_path / "a.jpg", "PNG")
    assert is_photo(tmp_path / "a.jpg")
    copy = copied(tmp_path / "a.jpg")
    assert (copy.info.format, copy.path.suffix, copy.problems) == ("PNG", ".png", [])

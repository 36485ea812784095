from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, PngImagePlugin

from passerby.errors import OutputError, SourceDamaged, SourceError, SourceTooLarge, SourceUnreadable
from passerby.media import Frame
from passerby.read.photo import PhotoLimits, is_photo, open_photo
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.photo import write_photo

from . import planted


def _read(path: Path, limits: PhotoLimits | None = None) -> list[Frame]:
    with open_photo(path, limits=limits) as photo:
        return list(photo.frames())


def _assert_one_sentence(error: SourceError, path: Path) -> None:
    assert error.message.startswith(f"{path.name}: ")
    assert not error.message.endswith(".")
    assert "nothing was written" in error.message
    assert "\n" not in error.message
    assert str(path.parent) not in error.message


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "empty"), (b"Dear all,\nthis is no picture\n", "text"), (bytes(range(200)), "not a picture")],
)
def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert not is_photo(path)
    with pytest.raises(SourceUnreadable, match=word) as caught:
        _read(path)
    _assert_one_sentence(caught.value, path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(SourceUnreadable, match="cannot be read") as caught:
            _read(path)
        _assert_one_sentence(caught.value, path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(SourceUnreadable, match="not a file"):
        _read(tmp_path / "a.jpg")
    with pytest.raises(SourceUnreadable, match="not a file"):
        is_photo(tmp_path / "a.jpg")


def _stored(face: Image.Image, format_name: str) -> bytes:
    stored = io.BytesIO()
    if format_name == "HEIF":
        pillow_heif.from_pillow(face).save(stored, quality=80)
    elif format_name == "GIF+":
        face.save(stored, "GIF", save_all=True, append_images=[face.rotate(90), face.rotate(180)], duration=50)
    elif format_name == "PNG+":
        face.save(stored, "PNG", save_all=True, append_images=[face.rotate(90), face.rotate(180)], duration=50)
    elif format_name == "WEBP+":
        face.save(stored, "WEBP", save_all=True, append_images=[face.rotate(90), face.rotate(180)], duration=50)
    elif format_name == "progressive":
        face.save(stored, "JPEG", progressive=True)
    else:
        face.save(stored, format_name, compression="tiff_lzw" if format_name == "TIFF" else None)
    return stored.getvalue()


@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    "format_name",
    ["JPEG", "progressive", "PNG", "WEBP", "TIFF", "GIF", "HEIF", "AVIF", "BMP", "GIF+", "PNG+", "WEBP+", "JPEG2000"],
)
def test_a_photo_that_was_cut_off_is_refused(face: Image.Image, tmp_path: Path, format_name: str, part: float) -> None:
    path = tmp_path / "cut.jpg"
    whole = _stored(face, format_name)
    path.write_bytes(whole)
    assert _read(path)
    path.write_bytes(whole[: max(24, int(len(whole) * part))])
    with pytest.raises(SourceError) as caught:
        _read(path)
    _assert_one_sentence(caught.value, path)


def test_a_16_bit_png_that_was_cut_off_is_refused(face: Image.Image, tmp_path: Path) -> None:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in np.asarray(face, np.uint16) * 257)
    header = planted.png_chunk(b"IHDR", struct.pack(">IIBBBBB", *face.size, 16, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + planted.png_chunk(b"IDAT", zlib.compress(rows))
    path = tmp_path / "deep.png"
    path.write_bytes(content + planted.png_chunk(b"IEND", b""))
    assert _read(path)[0].layout.bits == 16
    path.write_bytes(content[:-5000])
    with pytest.raises(SourceError):
        _read(path)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "HEIF", "AVIF"])
def test_a_corrupted_photo_is_read_whole_or_refused(
    face: Image.Image, tmp_path: Path, format_name: str, seed: int
) -> None:
    content = bytearray(_stored(face.resize((60, 40)), format_name))
    random = np.random.default_rng(seed)
    for at in random.integers(12, len(content), max(1, len(content) // 200)):
        content[at] = random.integers(256)
    path = tmp_path / "a"
    path.write_bytes(content)
    try:
        with open_photo(path) as photo:
            frames = list(photo.frames())
            assert len(frames) == photo.info.frame_count
            assert all(frame.size == (photo.info.width, photo.info.height) for frame in frames)
    except SourceError as error:
        _assert_one_sentence(error, path)


def _claims(width: int, height: int) -> dict[str, bytes]:
    """Small files that claim to hold a picture of that size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = planted.png_chunk(b"IDAT", zlib.compress(bytes(1 << 16)))
    sof = struct.pack(">BHHB", 8, min(height, 65500), min(width, 65500), 1) + b"\1\x11\0"
    tiff = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1)]
    tiff += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 20)]
    entries = b"".join(struct.pack("<HHII", *entry) for entry in tiff)
    screen = struct.pack("<HHBBB", min(width, 65535), min(height, 65535), 0x80, 0, 0) + bytes(6)
    image = b"," + struct.pack("<HHHHB", 0, 0, min(width, 65535), min(height, 65535), 0) + b"\2\2L\1\0;"
    canvas = b"\x10\0\0\0" + (16382).to_bytes(3, "little") + (16382).to_bytes(3, "little")
    webp = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"VP8L" + struct.pack("<I", 8) + bytes(8)
    return {
        "png": b"\x89PNG\r\n\x1a\n" + planted.png_chunk(b"IHDR", header) + idat + planted.png_chunk(b"IEND", b""),
        "jpg": b"\xff\xd8\xff\xc0" + struct.pack(">H", len(sof) + 2) + sof + b"\xff\xd9",
        "tif": b"II*\0\x1c\0\0\0" + bytes(20) + struct.pack("<H", len(tiff)) + entries + bytes(4),
        "gif": b"GIF89a" + screen + image,
        "bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0),
        "webp": b"RIFF" + struct.pack("<I", len(webp)) + webp,
        "ppm": b"P6 %d %d 255\n" % (width, height),
        "psd": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(14),
    }


def _heic_claiming(face: Image.Image, format_name: str, width: int, height: int) -> bytes:
    content = bytearray(_stored(face, format_name))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", width, height)
    return bytes(content)


@pytest.mark.parametrize("kind", sorted(_claims(60_000, 60_000)))
def test_a_picture_of_60000_by_60000_is_refused_with_the_option_that_raises_the_limit(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"huge.{kind}"
    path.write_bytes(_claims(60_000, 60_000)[kind])
    with pytest.raises(SourceTooLarge) as caught:
        _read(path)
    _assert_one_sentence(caught.value, path)
    if kind != "webp":
        assert "--max-megapixels" in (caught.value.hint or "")


@pytest.mark.parametrize("format_name", ["HEIF", "AVIF"])
def test_a_heic_or_avif_that_claims_60000_by_60000_is_refused(
    face: Image.Image, tmp_path: Path, format_name: str
) -> None:
    path = tmp_path / "huge"
    path.write_bytes(_heic_claiming(face, format_name, 60_000, 60_000))
    with pytest.raises(SourceError):
        _read(path)


def test_the_limit_can_be_raised_and_lowered(face: Image.Image, tmp_path: Path) -> None:
    face.save(tmp_path / "a.png")
    with pytest.raises(SourceTooLarge):
        _read(tmp_path / "a.png", PhotoLimits(max_megapixels=0.03))
    assert _read(tmp_path / "a.png", PhotoLimits(max_megapixels=0.031))


def test_an_animation_with_too_many_frames_is_refused(face: Image.Image, tmp_path: Path) -> None:
    small = face.resize((8, 8))
    frames = [small.rotate(10 * index) for index in range(12)]
    for suffix in ("gif", "png", "webp"):
        path = tmp_path / f"long.{suffix}"
        small.save(path, save_all=True, append_images=frames, duration=20)
        with pytest.raises(SourceTooLarge, match="frames"):
            _read(path, PhotoLimits(max_frames=5))


def test_a_text_that_unpacks_to_a_hundred_megabytes_is_refused(face: Image.Image, tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "0" * 100_000_000, zip=True)
    face.save(tmp_path / "bomb.png", pnginfo=texts)
    with pytest.raises(SourceTooLarge):
        _read(tmp_path / "bomb.png")


def test_bombs_are_refused_in_bounded_memory(face: Image.Image, tmp_path: Path) -> None:
    for kind, content in _claims(60_000, 60_000).items():
        (tmp_path / f"huge.{kind}").write_bytes(content)
    for format_name in ("HEIF", "AVIF"):
        (tmp_path / f"huge.{format_name}").write_bytes(_heic_claiming(face, format_name, 60_000, 60_000))
    script = """
import resource, sys
from pathlib import Path
from passerby.errors import SourceError
from passerby.read.photo import open_photo
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in Path(sys.argv[1]).iterdir():
    try:
        with open_photo(path) as photo:
            list(photo.frames())
    except SourceError:
        continue
    sys.exit(f"{path.name} was read")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    source = Path(__file__).parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(source)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 100


def test_a_long_animation_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from passerby.read.photo import open_photo
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.photo import write_photo
folder, kind, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with open_photo(folder / f"{kind}-{count}") as photo:
    painter = Painter()
    write_photo(folder / "out", (painter.cover(f, Regions()) for f in photo.frames()), photo.info)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    random = np.random.default_rng(0).integers(0, 9, (300, 400, 3), np.uint8)
    for kind in ("gif", "png", "webp"):
        used = []
        for count in (4, 44):
            frames = []
            for index in range(count):
                pixels = random.copy()
                pixels[:, 5 * index : 5 * index + 30] = index
                frames.append(Image.fromarray(pixels))
            frames[0].save(tmp_path / f"{kind}-{count}", kind, save_all=True, append_images=frames[1:], duration=40)
            done = subprocess.run(
                [sys.executable, "-c", script, str(tmp_path), kind, str(count)],
                capture_output=True,
                text=True,
                env={"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
                check=True,
            )
            used.append(int(done.stdout))
        assert used[1] - used[0] < 8, f"{kind}: 40 more frames of 0.4 MB took {used[1] - used[0]} MB more"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_that_cannot_be_copied_are_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (20, 20)).save(tmp_path / "a.tif")
    with pytest.raises(SourceUnreadable) as caught:
        _read(tmp_path / "a.tif")
    _assert_one_sentence(caught.value, tmp_path / "a.tif")


def test_bits_are_never_lost_silently(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 2 2 65535\n" + bytes(24))
    with pytest.raises(SourceUnreadable, match="without losing bits") as caught:
        _read(tmp_path / "a.ppm")
    _assert_one_sentence(caught.value, tmp_path / "a.ppm")


def test_a_camera_raw_file_is_refused_and_not_its_preview_copied(face: Image.Image, tmp_path: Path) -> None:
    face.save(tmp_path / "a.dng", "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(SourceUnreadable, match="camera raw"):
        _read(tmp_path / "a.dng")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "HEIF", "AVIF", "BMP", "GIF+"])
def test_a_full_disk_is_an_error_of_the_output(face: Image.Image, tmp_path: Path, format_name: str) -> None:
    (tmp_path / "a").write_bytes(_stored(face, format_name))
    painter = Painter()
    with open_photo(tmp_path / "a") as photo, pytest.raises(OutputError, match="disk is full"):
        write_photo(Path("/dev/full"), (painter.cover(f, Regions()) for f in photo.frames()), photo.info)


@pytest.mark.parametrize("when", ["between two readings", "within one"])
def test_a_picture_that_is_changed_after_it_was_looked_at_is_refused(tmp_path: Path, when: str) -> None:
    path = tmp_path / "a.bmp"
    Image.new("RGB", (64, 48), (90, 90, 90)).save(path)
    with open_photo(path) as photo:
        frames = photo.frames()
        next(frames)
        if when == "between two readings":
            assert list(frames) == []
            frames = photo.frames()
        with path.open("r+b") as file:
            file.seek(1000)
            file.write(b"another face")
        os.utime(path, ns=(0, 0))  # whatever the clock of this disk counts in
        with pytest.raises(SourceDamaged, match=r"a\.bmp: was changed while it was being read") as caught:
            list(frames)
    _assert_one_sentence(caught.value, path)

"""What a copy has in common with its input: times, size, depth, colours, and how it is turned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

import passerby
from passerby.read.video import open_video

from .scenes import FACE_SHOWN, STEP, X264, Clip, Rgb, decoded, difference, face, make, picture, raw_frames, still_shown

ONE, WHOLE = 1 << 16, 1 << 30
UNEVEN = [0, 512, 700, 2048, 2049, 4096, 5000, 9000, 9100, 9700, 10240, 13000]
"""PTS of a variable frame rate."""


@pytest.mark.parametrize("shown", [True, False])
def test_the_times_of_a_variable_frame_rate_stay_as_they_are(tmp_path: Path, shown: bool) -> None:
    times = [base + 14000 * turn for turn in range(4) for base in UNEVEN]
    source = make(tmp_path / "in.mp4", Clip(times=times, shown=lambda index: shown or index < 12))
    report = passerby.redact_video(source, tmp_path / "out.mp4").report
    assert bool(report.gops_copied) == (not shown)
    assert decoded(tmp_path / "out.mp4").times == decoded(source).times


@pytest.mark.parametrize("start", [-3 * STEP, 90_000])
def test_a_video_that_does_not_start_at_zero_keeps_its_start(tmp_path: Path, start: int) -> None:
    settings = {**X264, "bf": "0"}
    times = [start + STEP * index for index in range(16)]
    source = make(tmp_path / "in.mp4", Clip(times=times, settings=settings))
    passerby.redact_video(source, tmp_path / "out.mp4")
    assert decoded(tmp_path / "out.mp4").times == decoded(source).times


@pytest.mark.parametrize("size", [(853, 479), (1920, 1080), (322, 242)])
def test_the_size_stays_and_is_not_rounded(tmp_path: Path, size: tuple[int, int]) -> None:
    odd = size[0] % 2
    # Odd sizes are not for 4:2:0 of x264.
    clip = Clip(size=size, frames=8, pixel_format="yuv444p" if odd else "yuv420p")
    source = make(tmp_path / "in.mp4", clip)
    result = passerby.redact_video(source, tmp_path / "out.mp4")
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    assert {pixels.shape for pixels in after.pictures} == {(size[1], size[0], 3)}
    assert still_shown(before.pictures[4], after.pictures[4]) == ""
    assert result.report.frames_covered == 8


def test_10_bit_bt2020_stays_10_bit_with_its_colour_tags(tmp_path: Path) -> None:
    tags = {"color_primaries": 9, "color_trc": 16, "colorspace": 9, "color_range": 1}
    clip = Clip(
        codec="libx265", pixel_format="yuv420p10le", settings={"x265-params": "log-level=0:keyint=8"}, frames=12
    )
    source = make(tmp_path / "in.mp4", replace(clip, attributes=tags))
    passerby.redact_video(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("hevc", "yuv420p10le")
        assert {name: getattr(context, name) for name in tags} == tags
        # Values that 8 bits do not have.
        luma = next(file.decode(video=0)).to_ndarray()
    assert np.count_nonzero(luma % 4) > luma.size / 4
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    assert still_shown(before.pictures[6], after.pictures[6]) == ""


def test_10_bit_is_not_flattened_by_asking_for_h264(tmp_path: Path) -> None:
    clip = Clip(codec="libx265", pixel_format="yuv420p10le", settings={"x265-params": "log-level=0"}, frames=8)
    source = make(tmp_path / "in.mp4", clip)
    with pytest.raises(
        passerby.OutputError, match=r"^in.mp4: yuv420p10le pictures cannot be kept as they are in H.264"
    ):
        passerby.redact_video(source, tmp_path / "out.mp4", passerby.Settings(codec="h264"))
    assert not (tmp_path / "out.mp4").exists()


TURNED: dict[str, tuple[list[int], Callable[[Rgb], Rgb]]] = {
    # The display matrix, and how an upright picture is stored so that this matrix turns it back.
    "quarter right": ([0, ONE, 0, -ONE, 0, 0, 0, 0, WHOLE], lambda upright: np.rot90(upright, 1)),
    "upside down": ([-ONE, 0, 0, 0, -ONE, 0, 0, 0, WHOLE], lambda upright: np.rot90(upright, 2)),
    "quarter left": ([0, -ONE, 0, ONE, 0, 0, 0, 0, WHOLE], lambda upright: np.rot90(upright, -1)),
    "mirrored": ([-ONE, 0, 0, 0, ONE, 0, 0, 0, WHOLE], np.fliplr),
    "transposed": ([0, ONE, 0, ONE, 0, 0, 0, 0, WHOLE], lambda upright: np.swapaxes(upright, 0, 1)),
}


@pytest.mark.parametrize("turn", TURNED)
def test_a_turned_video_is_looked_at_upright_and_shown_as_before(tmp_path: Path, turn: str) -> None:
    matrix, stored = TURNED[turn]
    clip = Clip(frames=32, matrix=matrix, stored=stored, shown=lambda index: index < 8)
    source = make(tmp_path / "in.mp4", clip)
    report = passerby.redact_video(source, tmp_path / "out.mp4").report
    assert report.gops_copied > 0
    infos = [open_video(path).info for path in (source, tmp_path / "out.mp4")]
    assert infos[1].display_matrix == tuple(matrix)
    assert (infos[1].width, infos[1].height) == (infos[0].width, infos[0].height)
    assert infos[1].orientation == infos[0].orientation
    after = decoded(tmp_path / "out.mp4").pictures
    back = {"quarter right": TURNED["quarter left"], "quarter left": TURNED["quarter right"]}.get(turn, TURNED[turn])[1]
    for index in (0, 4, 7):
        shown = np.ascontiguousarray(back(after[index]))
        assert still_shown(picture(index, clip.size), shown) == ""
        # Away from the face it is the same picture.
        assert difference(shown[:50], picture(index, clip.size)[:50]) < 8
    assert difference(back(after[-1]), picture(31, clip.size, shown=False)) < 8


TRANSPOSED_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""For each EXIF orientation, how an upright picture is stored."""


@pytest.mark.parametrize("orientation", TRANSPOSED_BACK)
def test_a_photo_with_an_orientation_is_looked_at_upright_and_shown_as_before(tmp_path: Path, orientation: int) -> None:
    upright = picture(0, (400, 300))
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = Image.fromarray(upright).transpose(TRANSPOSED_BACK[orientation])
    stored.save(tmp_path / "in.jpg", quality=95, exif=exif)
    passerby.redact_photo(tmp_path / "in.jpg", tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as copy:
        shown = np.asarray(ImageOps.exif_transpose(copy), np.uint8)
    assert shown.shape == upright.shape
    assert still_shown(upright, shown) == ""
    assert difference(shown[:60], upright[:60]) < 5


def test_clear_gops_are_copied_bit_for_bit_and_the_face_between_them_is_gone(made: Path, tmp_path: Path) -> None:
    result = passerby.redact_video(made / "street.mp4", tmp_path / "out.mp4")
    report, plan = result.report, result.plan
    # The face is in frames 24 to 39, and covered for half a second, 12 frames, before and after.
    assert report.gops_copied == 2
    assert report.gops_copied + report.gops_encoded == 8
    assert report.verdict == "done"
    planes = raw_frames(made / "street.mp4"), raw_frames(tmp_path / "out.mp4")
    before, after = decoded(made / "street.mp4"), decoded(tmp_path / "out.mp4")
    assert before.times == after.times
    copied = [gop for gop in plan.gops if gop.action == "copy"]
    assert len(copied) == report.gops_copied
    first = {int(pts): number for number, pts in enumerate(plan.pts)}
    for gop in copied:
        for number in range(first[gop.first_pts], first[gop.first_pts] + gop.frames):
            assert planes[0][number] == planes[1][number], number
            assert number not in FACE_SHOWN
    for number in FACE_SHOWN:
        assert still_shown(before.pictures[number], after.pictures[number]) == "", number
        assert plan.is_covered[number]


@pytest.mark.parametrize("style", ["fill", "black", "frost"])
def test_no_style_shows_the_face(made: Path, tmp_path: Path, style: str) -> None:
    settings = passerby.Settings.of(style=style)
    passerby.redact_video(made / "portrait.mp4", tmp_path / "out.mp4", settings)
    passerby.redact_photo(made / "face.png", tmp_path / "out.png", settings)
    before, after = decoded(made / "portrait.mp4"), decoded(tmp_path / "out.mp4")
    assert still_shown(before.pictures[10], after.pictures[10]) == ""
    with Image.open(made / "face.png") as original, Image.open(tmp_path / "out.png") as copy:
        assert still_shown(np.asarray(original), np.asarray(copy.convert("RGB"))) == ""


def test_every_frame_of_an_animation_is_covered_and_shown_as_long_as_before(tmp_path: Path) -> None:
    frames = [Image.fromarray(picture(8 * index, (320, 240))) for index in range(3)]
    times = [100, 250, 400]
    frames[0].save(tmp_path / "in.webp", save_all=True, append_images=frames[1:], duration=times, quality=90)
    report = passerby.redact_file(tmp_path / "in.webp", tmp_path / "out.webp").report
    assert (report.frames, report.frames_covered) == (3, 3)
    with Image.open(tmp_path / "out.webp") as copy:
        for index in range(3):
            copy.seek(index)
            shown = np.asarray(copy.convert("RGB"))
            assert copy.info["duration"] == times[index]
            assert still_shown(picture(8 * index, (320, 240)), shown) == ""


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".gif", ".bmp", ".heic", ".avif"])
def test_photos_of_every_format_come_back_in_their_own_format_without_the_face(tmp_path: Path, suffix: str) -> None:
    import pillow_heif

    upright = picture(0, (400, 300))
    if suffix == ".heic":
        pillow_heif.from_pillow(Image.fromarray(upright)).save(tmp_path / "in.heic", quality=90)
    else:
        Image.fromarray(upright).save(tmp_path / f"in{suffix}")
    passerby.redact_file(tmp_path / f"in{suffix}", tmp_path / f"out{suffix}")
    with passerby_picture(tmp_path / f"out{suffix}") as copy:
        shown = np.asarray(copy.convert("RGB"))
    assert still_shown(upright, shown) == ""


def passerby_picture(path: Path) -> Image.Image:
    """A photo, with a reader that is not passerby's."""
    if path.suffix == ".heic":
        import pillow_heif

        return pillow_heif.open_heif(path).to_pillow()
    return Image.open(path)


@pytest.mark.parametrize(
    ("codec", "name", "settings"),
    [
        ("mpeg4", "in.avi", {"qscale": "2"}),
        ("mpeg2video", "in.ts", {"qscale": "2"}),
        ("libvpx-vp9", "in.webm", {"deadline": "realtime", "cpu-used": "8", "crf": "20"}),
        ("mjpeg", "in.mkv", {"qscale": "2"}),
        ("libx264", "in.mov", X264),
        ("libx264", "in.mkv", X264),
    ],
)
def test_videos_of_other_formats_come_out_with_every_frame_and_without_the_face(
    tmp_path: Path, codec: str, name: str, settings: dict[str, str]
) -> None:
    formats = {"avi": "avi", "ts": "mpegts", "webm": "webm", "mkv": "matroska", "mov": "mov"}
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    attributes = {"time_base": Fraction(1, 25)} if codec.startswith("mpeg") else {}
    clip = Clip(codec=codec, settings=settings, frames=16, pixel_format=pixels, attributes=attributes)
    clip = replace(clip, format=formats[name.split(".")[1]])
    source = make(tmp_path / name, clip)
    passerby.redact_video(source, tmp_path / "out.mp4")
    before, after = decoded(source), decoded(tmp_path / "out.mp4")
    assert len(after.times) == 16
    assert [time - after.times[0] for time in after.times] == [time - before.times[0] for time in before.times]
    assert still_shown(before.pictures[8], after.pictures[8]) == ""
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "h264"


def test_a_small_face_in_a_large_picture_is_covered(tmp_path: Path) -> None:
    scene = np.array(Image.fromarray(picture(0, (320, 240), shown=False)).resize((1280, 960)), np.uint8)
    small = cv2.resize(face(), (36, 40), interpolation=cv2.INTER_AREA)
    scene[500:540, 900:936] = small
    Image.fromarray(scene).save(tmp_path / "in.png")
    report = passerby.redact_photo(tmp_path / "in.png", tmp_path / "out.png").report
    assert report.regions >= 1
    with Image.open(tmp_path / "out.png") as copy:
        shown = np.asarray(copy.convert("RGB"))
    around = np.s_[400:640, 800:1036]
    assert still_shown(scene[around], shown[around]) == ""

"""The files that the docs speak of, small, under the names that the docs use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pillow_heif
import skimage.data
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from PIL import Image

import passerby

from .pages import REPOSITORY, blocks_of

RATE_FPS, FRAMES, SIZE = 10, 40, 192
Picture = npt.NDArray[np.uint8]


def make_examples(folder: Path) -> None:
    """Every file that a command in the docs reads."""
    (folder / "holiday" / "old").mkdir(parents=True)
    _photo(folder / "photo.jpg")
    _photo(folder / "holiday" / "beach.jpg")
    (folder / "holiday" / "notes.txt").write_text("Bring sandwiches.\n", "utf-8")
    pillow_heif.from_pillow(Image.fromarray(_astronaut()[:256, 64:320])).save(folder / "phone.heic")
    _animation(folder / "dance.gif")
    _video(folder / "in.mp4")
    _video(folder / "holiday" / "old" / "party.mp4")
    _video(folder / "street.mp4", sound=True)
    _video(folder / "hdr.mov", codec="libx265", pixel_format="yuv420p10le", settings={"x265-params": "log-level=none"})
    _video(folder / "camera.mkv", codec="mpeg4")
    _entrance(folder / "entrance.mp4")
    _corrected_plan(folder)
    _labelled(folder / "labelled")
    _damaged(folder)
    _towns(folder)


def _towns(folder: Path) -> None:
    """The file that the guide writes, and one with what it warns of."""
    guide = REPOSITORY / "docs" / "guides" / "ten-cameras.md"
    town = next(block for kind, block in blocks_of(guide) if kind == "text" and "[[camera]]" in block)
    (folder / "town.toml").write_text(town, "utf-8")
    wrong = '[[camera]]\nname = "bridge"\nurl = "rtsp://viewer:1234@192.0.2.10/stream1"\ndely_s = 3\n'
    (folder / "wrong.toml").write_text(wrong, "utf-8")


def _astronaut() -> Picture:
    return np.asarray(skimage.data.astronaut(), np.uint8)


def _photo(path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "Model"
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(_astronaut()[:256, 64:320]).save(path, exif=exif)


def _entrance(path: Path) -> None:
    """A place where nothing happens for four seconds, and then something red comes through."""
    still = np.asarray(skimage.data.coffee(), np.uint8)[20 : 20 + SIZE, 200 : 200 + SIZE]
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", RATE_FPS, options={"g": "10", "bf": "0", "sc_threshold": "0", "crf": "16"})
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = SIZE, SIZE, "yuv420p"
        for index in range(60):
            picture = still.copy()
            if 42 <= index < 53:
                picture[60:120, 16 * (index - 42) : 16 * (index - 42) + 32] = (220, 30, 60)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE_FPS)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))


def _labelled(folder: Path) -> None:
    """Material to measure with: a face in a box, and nobody."""
    folder.mkdir()
    _photo(folder / "face.jpg")
    Image.fromarray(np.asarray(skimage.data.coffee(), np.uint8)[:192, :192]).save(folder / "nobody.jpg")
    boxes = {"face.jpg": {"boxes": [[113, 68, 208, 187, "face"]]}, "nobody.jpg": {"boxes": []}}
    (folder / "boxes.json").write_text(json.dumps(boxes), "utf-8")


def _animation(path: Path) -> None:
    frames = [Image.fromarray(_astronaut()[:192, x : x + 192]) for x in (100, 108, 116)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)


def _pictures() -> Iterator[Picture]:
    """Half of the time a cup of coffee, then somebody's face."""
    coffee, astronaut = np.asarray(skimage.data.coffee(), np.uint8), _astronaut()
    for index in range(FRAMES):
        source, x = (coffee, 200) if index < FRAMES // 2 else (astronaut, 90 + index)
        yield np.ascontiguousarray(source[20 : 20 + SIZE, x : x + SIZE])


def _video(
    path: Path,
    *,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    settings: dict[str, str] | None = None,
    sound: bool = False,
    index_first: bool = True,
) -> None:
    muxer = {"movflags": "+faststart"} if index_first and path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", container_options=muxer) as file:
        video = file.add_stream(
            codec, RATE_FPS, options={"g": "10", "bf": "0", "sc_threshold": "0", **(settings or {})}
        )
        assert isinstance(video, VideoStream)
        video.width = video.height = SIZE
        video.pix_fmt = pixel_format
        audio = file.add_stream("aac", 16000) if sound else None
        for index, picture in enumerate(_pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE_FPS)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if isinstance(audio, AudioStream):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts = 16000, 0
            file.mux(audio.encode(silence))
            file.mux(audio.encode(None))


def _corrected_plan(folder: Path) -> None:
    """A plan for in.mp4, as a person would have corrected it."""
    result = passerby.redact_video(folder / "in.mp4", folder / "gone.mp4")
    result.plan.save(folder / "corrected.plan.json")
    (folder / "gone.mp4").unlink()


def _damaged(folder: Path) -> None:
    whole = (folder / "in.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) * 7 // 10])
    _video(folder / "broken.mp4", index_first=False)
    broken = (folder / "broken.mp4").read_bytes()
    (folder / "broken.mp4").write_bytes(broken[: len(broken) // 2])
    spoiled = bytearray(whole)
    for at in range(len(whole) * 8 // 10, len(whole) - 200, 400):
        spoiled[at : at + 20] = bytes(20)
    (folder / "damaged.mp4").write_bytes(spoiled)
    (folder / "letter.jpg").write_text("Dear all, this is no picture.\n", "utf-8")

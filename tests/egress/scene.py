"""A street in which somebody stands at a known place beside a car with a plate, for some of the time."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from av.video.stream import VideoStream

from passerby import nal

Rgb = npt.NDArray[np.uint8]
Luma = npt.NDArray[np.uint8]
BoxPx = tuple[int, int, int, int]

SIZE = (480, 272)
RATE, GOP, FRAMES = 10, 10, 70
FACE: BoxPx = (79, 84, 131, 148)
"""Of the astronaut's face, without her hair: pixels, half-open."""
PLATE: BoxPx = (300, 200, 376, 218)
"""Of the signs on the plate."""
_DRAWN_AT = 4 / 3
"""Everything is drawn so much larger, and then made smaller: no edge is as sharp as a drawing's."""


def somebody_shows(index: int) -> bool:
    """Whether it is not the empty street. They are there from the first frame, and go and come within a GOP."""
    return index < 26 or index >= 66


@cache
def street(shown: bool) -> Rgb:
    """The picture without noise."""
    width, height = (round(side * _DRAWN_AT) for side in SIZE)
    y, x = np.mgrid[0:height, 0:width]
    light = 40 * np.abs(2 * x / width - 1) + 30 * y / height
    picture = np.stack([90 + light, 110 + light, 150 - light], axis=2).astype(np.uint8)
    if shown:
        _stand(picture)
        _park(picture, (450, 190))
    return np.asarray(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def _stand(picture: Rgb) -> None:
    """The real head on a drawn coat: nothing of the body looks like a face to a net that would believe anything."""
    head = cv2.resize(np.ascontiguousarray(np.asarray(skimage.data.astronaut(), np.uint8)[:216, 120:320]), (150, 162))
    left, top, shoulder = 60, picture.shape[0] - 300, picture.shape[0] - 138
    coat = [(0, 40), (40, 0), (110, 0), (150, 40), (150, 138), (0, 138)]
    corners = np.array([(left + x, shoulder + y) for x, y in coat], np.int32)
    cv2.fillPoly(picture, [corners], (70, 84, 120), cv2.LINE_AA)
    picture[top:shoulder, left : left + 150] = head


def _park(picture: Rgb, at: tuple[int, int]) -> None:
    """A car seen from the front, with the signs of nobody."""
    x, y = at

    def shape(colour: tuple[int, int, int], *corners: tuple[int, int]) -> None:
        cv2.fillPoly(picture, [np.array([(x + a, y + b) for a, b in corners], np.int32)], colour, cv2.LINE_AA)

    roof, bonnet = ((-60, -34), (60, -34)), ((96, 14), (140, 26), (150, 70), (146, 112))
    shape((168, 44, 48), *roof, *bonnet, *((-a, b) for a, b in reversed(bonnet)))
    shape((58, 70, 82), (-84, 12), (-54, -26), (54, -26), (84, 12))
    shape((34, 34, 38), (-60, 40), (60, 40), (54, 60), (-54, 60))
    for side in (-1, 1):
        cv2.ellipse(picture, (x + side * 112, y + 46), (24, 13), 0, 0, 360, (240, 236, 214), -1, cv2.LINE_AA)
        shape((30, 30, 32), *((side * a, b) for a, b in ((96, 108), (140, 108), (140, 136), (96, 136))))
    shape((20, 20, 24), (-52, 75), (52, 75), (52, 101), (-52, 101))
    shape((238, 238, 230), (-50, 77), (50, 77), (50, 99), (-50, 99))
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, "DEMO 042", (x - 44, y + 95), font, 0.6, (20, 20, 30), 2, cv2.LINE_AA)


def frame(index: int) -> Rgb:
    """Of the clip, with the noise of a sensor."""
    noise = np.random.default_rng(index).normal(0, 1.5, (*SIZE[::-1], 1))
    return np.asarray(np.clip(street(somebody_shows(index)) + noise, 0, 255), np.uint8)


def luma_of(picture: Rgb) -> Luma:
    """Its brightness, uint8, shape (H, W)."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), np.uint8)


def make_clip(path: Path) -> Path:
    """The street as a camera sends it: H.264, closed GOPs, nothing reordered; it is played over and over."""
    with av.open(str(path), "w", format="mp4") as file:
        options = {"preset": "veryfast", "bf": "0", "sc_threshold": "0", "crf": "20", "g": str(GOP)}
        stream = file.add_stream("libx264", RATE, options=options | {"x264-params": "open-gop=0"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.thread_count = 1  # else every picture is cut into slices
        stream.time_base = stream.codec_context.time_base = Fraction(1, RATE)
        for index in range(FRAMES):
            shown = av.VideoFrame.from_ndarray(frame(index), "rgb24").reformat(format="yuv420p")
            shown.pts, shown.time_base = index, Fraction(1, RATE)
            file.mux(stream.encode(shown))
        file.mux(stream.encode(None))
    return path


def coded_pictures(clip: Path) -> list[bytes]:
    """The slices of each frame, one after the other, as the camera sends them."""
    with av.open(str(clip)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    kept = (nal.SLICE, nal.IDR)
    return [b"".join(u for u in nal.prefixed_units(data, 4) if nal.unit_type(u) in kept) for data in packets]

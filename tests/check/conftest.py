"""Finished videos as the writer would make them, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.bitstream import BitStreamFilterContext

from passerby.check.readback import ExpectedVideo
from passerby.media import Colour

RATE = 25
TAGS = Colour(1, 1, 1, False)
SILENT = {"libx265": {"x265-params": "log-level=0:info=0"}, "libsvtav1": {"crf": "40", "preset": "12"}}


@dataclass(frozen=True)
class Making:
    """How to make a clip; `clean` takes the encoder's SEI messages out, as the writer does."""

    encoder: str = "libx264"
    pts: tuple[int, ...] = tuple(range(20))
    time_base: Fraction = Fraction(1, RATE)
    pixel_format: str = "yuv420p"
    clean: bool = True
    matrix: tuple[int, ...] | None = None
    aspect: Fraction | None = None
    audio: bool = False
    muxer: dict[str, str] = field(default_factory=lambda: {"movflags": "+faststart", "fflags": "+bitexact"})
    metadata: dict[str, str] = field(default_factory=dict)
    stream_metadata: dict[str, str] = field(default_factory=dict)
    before_close: Callable[[Any], None] = lambda container: None

    def but(self, **changes: Any) -> Making:
        return replace(self, **changes)


def pictures(astronaut: npt.NDArray[np.uint8], count: int) -> list[npt.NDArray[np.uint8]]:
    """The face passes by: RGB, 192x144."""
    small = astronaut[40:328:2, 60:444:2]
    return [np.ascontiguousarray(np.roll(small, 2 * i, 1)) for i in range(count)]


def make(path: Path, making: Making, astronaut: npt.NDArray[np.uint8]) -> Path:
    with av.open(str(path), "w", options=dict(making.muxer)) as container:
        container.metadata.update(making.metadata)
        video = _video_stream(container, making)
        sound = container.add_stream("aac", rate=48000) if making.audio else None
        kinds = {"libx264": "6", "libx265": "39"}
        clean = (
            BitStreamFilterContext(f"filter_units=remove_types={kinds[making.encoder]}", video)
            if making.clean and making.encoder in kinds
            else None
        )
        for pts, picture in zip(making.pts, pictures(astronaut, len(making.pts)), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=making.pixel_format)
            frame.pts, frame.time_base = pts, making.time_base
            _mux(container, video.encode(frame), clean)
        _mux(container, video.encode(None), clean)
        if sound is not None:
            container.mux(sound.encode(_silence()))
            container.mux(sound.encode(None))
        making.before_close(container)
    return path


def _video_stream(container: Any, making: Making) -> Any:
    video = container.add_stream(making.encoder, rate=RATE)
    video.width, video.height, video.pix_fmt = 192, 144, making.pixel_format
    video.time_base = video.codec_context.time_base = making.time_base
    video.options = SILENT.get(making.encoder, {})
    context = video.codec_context
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 1, 1, 1
    if making.aspect is not None:
        context.sample_aspect_ratio = making.aspect
    if making.matrix is not None:
        video.set_display_matrix(making.matrix)
    video.metadata.update(making.stream_metadata)
    return video


def _mux(container: Any, packets: list[Any], clean: BitStreamFilterContext | None) -> None:
    for packet in packets:
        container.mux(clean.filter(packet) if clean is not None else packet)


def _silence() -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((2, 48000), np.float32), "fltp", "stereo")
    frame.sample_rate, frame.pts = 48000, 0
    return frame


@pytest.fixture(scope="session")
def make_clip(astronaut: npt.NDArray[np.uint8]) -> Callable[[Path, Making], Path]:
    return lambda path, making: make(path, making, astronaut)


@pytest.fixture(scope="session")
def good_mp4(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[[Path, Making], Path]) -> bytes:
    """A finished file with nothing wrong; tests damage copies of it."""
    return make_clip(tmp_path_factory.mktemp("good") / "good.mp4", Making()).read_bytes()


@pytest.fixture(scope="session")
def good_mkv(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[[Path, Making], Path]) -> bytes:
    return make_clip(tmp_path_factory.mktemp("good") / "good.mkv", Making()).read_bytes()


@pytest.fixture
def expected() -> ExpectedVideo:
    """What `Making()` makes."""
    return expect(Making())


def expect(making: Making, **changes: Any) -> ExpectedVideo:
    plain = ExpectedVideo(
        container="mp4",
        codec="h264",
        pts=np.array(making.pts, np.int64),
        time_base=making.time_base,
        width=192,
        height=144,
        colour=TAGS,
    )
    return replace(plain, **changes)

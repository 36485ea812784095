"""Cameras of the network, whatever they send: what they show is covered, in segments that every browser plays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from tests.cameras.http_camera import HttpScript, http_camera
from tests.cameras.rtsp import packets_of, rtsp_server

from .scenes import GOP, KNOWN, RATE, SIZE, Finder, Outlet, Rgb, decoded, is_whole, like, make_clip, play, thing, wall

FRAMES = 40
ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "hevc": (
        "libx265",
        "yuv420p",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": f"log-level=none:keyint={GOP}:min-keyint={GOP}:scenecut=0:bframes=0",
        },
    ),
    "mjpeg": ("mjpeg", "yuvj420p", {"huffman": "default", "qscale": "2"}),
}
"""RTP carries no Huffman tables, so those of JPEG are the usual ones."""


def make(path: Path, codec: str, scene: Callable[[int], Rgb]) -> Path:
    """A clip of that codec, without reordered frames."""
    encoder, pixel_format, settings = ENCODERS[codec]
    with av.open(str(path), "w", format="mov") as file:
        stream = file.add_stream(encoder, RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.options = pixel_format, {**settings}
        stream.time_base = stream.codec_context.time_base = Fraction(1, RATE)
        stream.codec_context.thread_count = 1
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(scene(index), "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def assert_covered(outlet: Outlet) -> None:
    """Nothing of the thing is there, in pictures of which most is there: the camera was redacted, not covered whole."""
    shown = decoded(outlet)
    assert len(shown) == FRAMES
    assert not [one.at_s for one in shown if like(one.picture, KNOWN).any()]
    assert not any(map(is_whole, shown[GOP:]))
    assert {info.codec.split(".")[0] for info, _ in outlet.segments} == {"avc1"}


@pytest.mark.parametrize("codec", ENCODERS)
def test_what_hevc_and_mjpeg_show_is_covered(codec: str, tmp_path: Path) -> None:
    with rtsp_server(make(tmp_path / "clip.mov", codec, thing)) as server:
        outlet = play(server.url, tmp_path / "archive", frames=FRAMES, detector=Finder())
    assert_covered(outlet)
    assert sum(info.copied_frames for info, _ in outlet.segments) == 0


def test_what_jpeg_pictures_over_http_show_is_covered(tmp_path: Path) -> None:
    jpegs = [sent.data for sent in packets_of(make(tmp_path / "clip.mov", "mjpeg", thing))[1]]
    with http_camera(HttpScript(jpegs, gap_s=0.05)) as url:
        assert_covered(play(url, tmp_path / "archive", frames=FRAMES, detector=Finder()))


def test_what_pictures_in_slices_show_is_covered(tmp_path: Path) -> None:
    with rtsp_server(make_clip(tmp_path / "clip.mp4", FRAMES, thing, slices="4")) as server:
        assert_covered(play(server.url, tmp_path / "archive", frames=FRAMES, detector=Finder()))


def test_clear_pictures_in_slices_are_copied(tmp_path: Path) -> None:
    with rtsp_server(make_clip(tmp_path / "clip.mp4", FRAMES, wall, slices="4")) as server:
        outlet = play(server.url, tmp_path / "archive", frames=FRAMES, detector=Finder())
    assert len(decoded(outlet)) == FRAMES
    assert sum(info.copied_frames for info, _ in outlet.segments) >= FRAMES - 2 * GOP

"""Both streams of a camera over RTSP, from a real server: what the one shows is covered in the other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from passerby.errors import CameraError, CameraRefused, CameraUnreachable, CameraUnusable
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress
from passerby.read.camera_pair import CameraPair, open_pair
from passerby.settings import Settings
from tests.cameras.rtsp import rtsp_server
from tests.stream.pairs import as_it_is, make_pair, small, thing, wall
from tests.stream.scenes import RATE, AlteredStream, Finder, Outlet, decoded, is_whole, make_clip
from tests.stream.test_stream import seen_in

USER, PASSWORD = "an-admin", "s3cret"


def opened(main: str, look: str, stop: threading.Event, **options: Any) -> CameraPair:
    addresses = [
        CameraAddress.parse(name, url, timeout_s=20, **options)
        for name, url in (("street", main), ("street (look_url)", look))
    ]
    return open_pair(*addresses, stop=stop)


@pytest.mark.parametrize("lag_s", [0.0, 0.2])
def test_what_comes_and_goes_is_covered_though_the_streams_have_two_clocks(tmp_path: Path, lag_s: float) -> None:
    """Their times begin anywhere, and the main stream is sent later than the other by `lag_s`."""

    def comes_and_goes(index: int) -> Any:
        return thing(index) if 20 <= index % 60 < 34 else wall(index)

    main, look = make_pair(tmp_path / "clips", 60, comes_and_goes)
    outlet, stop, frames = Outlet(), threading.Event(), 10 * RATE
    options = StreamOptions(Settings(cover=("head",)), delay_s=2.0)
    with rtsp_server(main, small=look, lag_s=lag_s) as server, opened(server.url, server.small_url, stop) as pair:
        told: list[Any] = [
            AlteredStream(pair.main, stop, frames, as_it_is),
            AlteredStream(pair.look, stop, None, as_it_is),
        ]
        redact_stream(
            CameraPair(*told), tmp_path / "archive", options, outlet, camera_name="street", stop=stop, detector=Finder()
        )
    shown = decoded(outlet)
    assert len(shown) > frames / 2
    assert not seen_in(outlet)
    assert not all(map(is_whole, shown))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("clips")
    tall = make_clip(folder / "tall.mp4", 16, lambda index: wall(index)[:, :320])
    tiny = make_clip(folder / "tiny.mp4", 16, lambda index: small(wall)(index)[::2, ::2])
    return [*make_pair(folder, 16, wall), tall, tiny]


def test_both_streams_take_the_password_and_neither_tells_it_when_it_is_wrong(clips: list[Path]) -> None:
    with rtsp_server(clips[0], USER, PASSWORD, small=clips[1]) as server:
        with opened(server.url, server.small_url, threading.Event(), username=USER, password=PASSWORD) as pair:
            assert (pair.main.info.width, pair.look.info.width) == (480, 320)
        with pytest.raises(CameraRefused) as refused:
            opened(server.url_with(USER, PASSWORD), server.small_url, threading.Event())
        assert_tells(refused.value, "camera street (look_url) asks for a user and a password")


def test_a_stream_to_look_at_that_is_not_there_is_named(clips: list[Path]) -> None:
    with rtsp_server(clips[0]) as server, pytest.raises(CameraUnreachable) as gone:
        opened(server.url, server.small_url, threading.Event())
    assert_tells(gone.value, "camera street (look_url) cannot be reached")


@pytest.mark.parametrize(("which", "why"), [(2, "other proportions"), (3, "too many heads are missed")])
def test_a_stream_that_cannot_be_looked_at_is_refused(clips: list[Path], which: int, why: str) -> None:
    with rtsp_server(clips[0], small=clips[which]) as server, pytest.raises(CameraUnusable, match=why) as refused:
        opened(server.url, server.small_url, threading.Event())
    assert_tells(refused.value, "camera street (look_url)")


def assert_tells(error: CameraError, words: str) -> None:
    told = error.message + (error.hint or "")
    assert words in told
    assert not any(secret in told for secret in (USER, PASSWORD, "127.0.0.1", "/small", "rtsp:"))

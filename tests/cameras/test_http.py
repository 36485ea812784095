from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Literal

import numpy as np
import pytest

from passerby.errors import CameraLost, CameraRefused, CameraUnreachable, CameraUnusable
from passerby.read.camera import open_camera

from .http_camera import HttpScript, http_camera
from .made import MJPEG, address, pictures, some, units, until_the_end
from .scripted import Script, scripted_camera, steadily
from .test_rtsp import made_certificate

USER, PASSWORD = "ad min", "p@s:/w%rd#?ü"


@pytest.mark.parametrize("with_length", [True, False])
def test_every_jpeg_is_a_frame_at_the_time_of_its_arrival(with_length: bool) -> None:
    script = HttpScript(units(MJPEG), with_length=with_length)
    with http_camera(script) as url, open_camera(address(url)) as camera:
        got, info = some(camera, 20), camera.info
    assert (info.codec, info.container, info.width, info.height) == ("mjpeg", "mpjpeg", 160, 96)
    for before, after in pairwise(got):
        assert before.frame.pts < after.frame.pts
    played_s = (got[-1].frame.pts - got[0].frame.pts) * float(info.time_base)
    assert played_s == pytest.approx(got[-1].arrived_s - got[0].arrived_s, abs=0.01)
    assert not any(picture.frame.damaged for picture in got)
    assert all(picture.packet is None and picture.why_not_copied for picture in got)


def test_https_is_encrypted(tmp_path: Path) -> None:
    with http_camera(HttpScript(units(MJPEG)), certificate=made_certificate(tmp_path)) as url:
        assert len(pictures(url, 5)) == 5


@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_password_opens_the_camera_and_another_one_does_not(scheme: Literal["basic", "digest"]) -> None:
    script = HttpScript(units(MJPEG), user=USER, password=PASSWORD, scheme=scheme)
    with http_camera(script) as url:
        assert len(pictures(url, 5, username=USER, password=PASSWORD)) == 5
        with pytest.raises(CameraRefused, match="camera front refuses this user and password"):
            pictures(url, 1, username=USER, password="another")
        with pytest.raises(CameraRefused, match="camera front asks for a user and a password"):
            pictures(url, 1)


def test_a_jpeg_that_is_damaged_is_a_damaged_frame_and_the_next_one_is_not() -> None:
    whole = units(MJPEG)
    cut_off, noise = whole[1][: len(whole[1]) * 2 // 3], np.random.default_rng(1).bytes(800)
    with http_camera(HttpScript([whole[0], cut_off, whole[1], noise, whole[2]])) as url:
        got = pictures(url, 10)
    assert [picture.frame.damaged for picture in got] == [False, True, False, True, False] * 2


def test_the_end_is_told() -> None:
    with http_camera(HttpScript(units(MJPEG), rounds=1, gap_s=0.001)) as url:
        got, error = until_the_end(url)
    assert len(got) == 30
    assert isinstance(error, CameraLost)
    assert "camera front" in str(error)


@pytest.mark.parametrize("kind", ["text/html", "multipart/x-mixed-replace; boundary=frame"])
def test_what_is_no_video_is_refused(kind: str) -> None:
    with (
        http_camera(HttpScript(answer=(kind, b"<html>Please log in</html>"))) as url,
        pytest.raises(CameraUnusable, match="camera front answers, but not with video"),
    ):
        open_camera(address(url))


@contextmanager
def pointing_to(target: str) -> Iterator[str]:
    """A server that answers everything with another address."""

    class Pointer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pointer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
        server.shutdown()
        thread.join()


def test_a_camera_may_not_send_us_to_a_file_of_this_machine(tmp_path: Path) -> None:
    target = tmp_path / "clip.mjpeg"
    target.write_bytes(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + units(MJPEG)[0])
    with pointing_to(f"file://{target}") as url, pytest.raises(CameraUnreachable, match="camera front"):
        open_camera(address(url))


def test_a_camera_may_not_send_us_to_another_one() -> None:
    with (
        http_camera(HttpScript(units(MJPEG))) as elsewhere,
        pointing_to(elsewhere) as url,
        pytest.raises(CameraUnreachable, match="points to another address"),
    ):
        open_camera(address(url, username=USER, password=PASSWORD))


def test_a_camera_may_not_send_us_to_another_one_by_rtsp_either() -> None:
    elsewhere = Script(steadily(units()))
    with scripted_camera(elsewhere) as target:
        script = Script(status=f"302 Moved\r\nLocation: {target}")
        with scripted_camera(script) as url, pytest.raises(CameraUnreachable):
            open_camera(address(url, username=USER, password=PASSWORD))
    assert not elsewhere.asked

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from passerby import nal
from passerby.errors import CameraRefused, CameraUnreachable
from passerby.read.camera import CameraAddress, open_camera
from tests.video_read.clips import Clip, make

from .made import GOP, H264, HEVC, MJPEG, address, pictures, some
from .rtsp import RtspServer, rtsp_server
from .scripted import wait_for

USER, PASSWORD = "ad min", "p@s:/w%rd#?ü"


@pytest.fixture(scope="module")
def h264(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clips") / "clip.mp4", H264)


@pytest.fixture(scope="module")
def server(h264: Path) -> Iterator[RtspServer]:
    with rtsp_server(h264) as server:
        yield server


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_every_frame_of_a_camera_comes_once_with_its_packet(server: RtspServer, h264: Path, transport: str) -> None:
    with av.open(str(h264)) as file:
        stored = [frame.to_ndarray() for frame in file.decode(video=0)]
    got = pictures(server.url, 70, transport=transport)
    for number, picture in enumerate(got):
        assert np.array_equal(picture.frame.carrier.to_ndarray(), stored[number % 30])
    assert [picture.frame.pts - got[0].frame.pts for picture in got] == [number * 3600 for number in range(70)]
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)
    assert [picture.starts_closed for picture in got] == [number % GOP == 0 for number in range(70)]
    assert all(picture.packet is not None and picture.packet.pts == picture.frame.pts for picture in got)


@pytest.mark.parametrize("clip", [HEVC, MJPEG], ids=["hevc", "mjpeg"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_hevc_and_mjpeg_come_too(clip: Clip, transport: str, tmp_path: Path) -> None:
    with rtsp_server(make(tmp_path / "clip.mov", clip)) as server:
        got = pictures(server.url, 40, transport=transport)
    assert len(got) == 40
    assert not any(picture.frame.damaged for picture in got)
    assert all(before.frame.pts < after.frame.pts for before, after in pairwise(got))


def test_what_is_known_of_a_camera(server: RtspServer) -> None:
    with open_camera(address(server.url)) as camera:
        info, some_pictures = camera.info, some(camera, 3)
        assert (info.name, info.container, info.codec, info.width, info.height) == ("front", "rtsp", "h264", 160, 96)
        assert (info.frame_count, info.duration_s) == (None, None)
        assert {nal.unit_type(unit) for unit in nal.annex_b_units(camera.extradata)} == {nal.SPS, nal.PPS}
        assert camera.bytes_in >= sum(picture.packet.size for picture in some_pictures if picture.packet)
        assert camera.dropped == 0


@pytest.mark.parametrize("digest", [True, False], ids=["digest", "basic"])
def test_a_password_opens_the_camera_and_another_one_does_not(h264: Path, digest: bool) -> None:
    with rtsp_server(h264, USER, PASSWORD, digest=digest) as server:
        assert len(pictures(server.url, 3, username=USER, password=PASSWORD)) == 3
        with pytest.raises(CameraRefused, match="camera front refuses this user and password"):
            pictures(server.url, 1, username=USER, password="another")
        with pytest.raises(CameraRefused, match="camera front asks for a user and a password"):
            pictures(server.url, 1)
        with pytest.raises(CameraUnreachable, match=r"has no stream under this path \(404\)"):
            pictures(server.url + "x", 1, username=USER, password=PASSWORD)


def test_rtsps_is_encrypted(h264: Path, tmp_path: Path) -> None:
    with rtsp_server(h264, USER, PASSWORD, certificate=made_certificate(tmp_path)) as server:
        assert CameraAddress.parse("front", server.url).secure
        assert len(pictures(server.url, 12, username=USER, password=PASSWORD)) == 12


def made_certificate(folder: Path) -> Path:
    """Of a camera that signed it itself: key and certificate in one file."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return both


def test_closing_a_camera_ends_its_thread(server: RtspServer) -> None:
    with open_camera(address(server.url)) as camera:
        some(camera, 2)
        assert "camera front" in {thread.name for thread in threading.enumerate()}
    assert wait_for(lambda: "camera front" not in {thread.name for thread in threading.enumerate()})

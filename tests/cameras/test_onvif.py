from __future__ import annotations

import logging
import socket
import traceback
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import CameraRefused, CameraUnreachable, CameraUnusable
from passerby.read.camera import CameraAddress
from passerby.read.onvif import FoundCamera, StreamAddress, _cameras_in, discover, stream_addresses

from .http_camera import HttpScript, http_camera
from .onvif_device import ELSEWHERE, Device, Profile, answering, onvif_device, probe_match

SECRET = "s3cret-p4ss"
SMALL = Profile("p2", "Sub", "H264", 640, 360, f"rtsp://{ELSEWHERE}:554/sub")
LARGE = Profile("p1", "Main", "H264", 1920, 1080, f"rtsp://admin:{SECRET}@{ELSEWHERE}:8554/main?ch=1")
SOUND = Profile("p3", "Sound", "", 0, 0, f"rtsp://{ELSEWHERE}/sound")


def test_cameras_that_answer_are_found_once_each() -> None:
    address = "http://127.0.0.1:8080/onvif/device_service"
    several = f"http://[fe80::1]/onvif/device_service http://{ELSEWHERE}/onvif/device_service"
    other = probe_match(several, name="Gate", hardware="", number="2")
    with answering(probe_match(address), other) as (where, probes):
        found = discover(0.6, where=where)
    assert found == [
        FoundCamera(address, "Front door", "C-1"),
        FoundCamera("http://[fe80::1]/onvif/device_service", "Gate", ""),
    ]
    assert (found[0].host, found[0].port) == ("127.0.0.1", 8080)
    assert (found[1].host, found[1].port) == ("fe80::1", 80)
    asked = ElementTree.fromstring(probes[0])
    assert asked.findtext(".//{*}Types") == "n:NetworkVideoTransmitter"
    assert asked.findtext(".//{*}Action") == "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"


def test_of_several_addresses_the_one_that_answered_is_taken() -> None:
    both = f"http://{ELSEWHERE}/onvif/device_service http://127.0.0.1/onvif/device_service"
    with answering(probe_match(both)) as (where, _):
        assert [camera.host for camera in discover(0.4, where=where)] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "answer",
    [
        b"no XML",
        b"",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b"<x/>",
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="no-such"?><x/>',
        probe_match("file:///etc/passwd"),
        probe_match("http://"),
        probe_match("http://admin:pw@127.0.0.1/onvif"),
        probe_match("http://127.0.0.1:99999/onvif"),
        probe_match(""),
    ],
)
def test_answers_that_are_none_are_left_out(answer: bytes) -> None:
    sound = probe_match("http://127.0.0.1/onvif/device_service")
    with answering(answer, sound) as (where, _):
        assert [camera.address for camera in discover(0.4, where=where)] == ["http://127.0.0.1/onvif/device_service"]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_answer_stops_the_search(answer: bytes) -> None:
    assert list(_cameras_in(answer, "127.0.0.1")) == []


def test_asking_the_whole_network_ends_in_time_whoever_answers() -> None:
    assert all(isinstance(camera, FoundCamera) for camera in discover(0.2))


def test_the_streams_of_a_camera_come_without_credentials_and_at_the_host_that_was_asked() -> None:
    with onvif_device(Device((SMALL, LARGE, SOUND), "admin", SECRET)) as port:
        found = stream_addresses("127.0.0.1", port, "admin", SECRET, timeout_s=60)
    assert found == [
        StreamAddress("rtsp://127.0.0.1:8554/main?ch=1", "Main", "h264", 1920, 1080),
        StreamAddress("rtsp://127.0.0.1:554/sub", "Sub", "h264", 640, 360),
    ]
    assert CameraAddress.parse("front", found[0].url).kind == "rtsp"


def test_a_camera_whose_clock_is_wrong_lets_us_in() -> None:
    with onvif_device(Device((LARGE,), "admin", SECRET, clock=timedelta(hours=-5))) as port:
        assert len(stream_addresses("127.0.0.1", port, "admin", SECRET, timeout_s=60)) == 1


@pytest.mark.parametrize(("user", "password"), [("admin", "another"), ("nobody", SECRET), ("", "")])
def test_another_password_is_refused_in_words_without_it(user: str, password: str) -> None:
    with onvif_device(Device((LARGE,), "admin", SECRET)) as port, pytest.raises(CameraRefused) as refused:
        stream_addresses("127.0.0.1", port, user, password, timeout_s=60)
    assert "refuses this user and password" in str(refused.value)
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    assert refused.value.__context__ is None


def test_a_device_that_does_not_answer_is_given_up() -> None:
    with onvif_device(Device(silent=True)) as port, pytest.raises(CameraUnreachable, match=r"within 0\.5 s"):
        stream_addresses("127.0.0.1", port, timeout_s=0.5)


def test_nobody_at_the_address_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(CameraUnreachable):
        stream_addresses("127.0.0.1", port, timeout_s=60)


def test_what_speaks_no_onvif_is_told() -> None:
    with http_camera(HttpScript(answer=("text/html", b"<html>a page</html>"))) as url:
        port = int(url.split(":")[2].partition("/")[0])
        with pytest.raises(CameraUnusable, match="no camera that speaks ONVIF"):
            stream_addresses("127.0.0.1", port, timeout_s=60)


def test_a_device_without_video_is_told() -> None:
    with onvif_device(Device((SOUND,))) as port, pytest.raises(CameraUnusable, match="no video"):
        stream_addresses("127.0.0.1", port, timeout_s=60)


def test_the_library_leaves_our_logging_alone() -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    with onvif_device(Device((SMALL,))) as port:
        stream_addresses("127.0.0.1", port, timeout_s=60)
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger().level == level

from __future__ import annotations

import pickle
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import SettingsError
from passerby.read.camera import CameraAddress

SECRET = "s3cret-p4ss"


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("rtsp://192.0.2.7:554/ch1?sub=0", "rtsp", "rtsp://192.0.2.7:554/ch1?sub=0"),
        ("RTSPS://camera.example/live", "rtsp", "rtsps://camera.example/live"),
        ("http://[2001:db8::7]:8080/mjpg", "http", "http://[2001:db8::7]:8080/mjpg"),
        ("https://camera.example/video", "http", "https://camera.example/video"),
        ("/dev/video0", "usb", "/dev/video0"),
        ("/dev/v4l/by-id/usb-front", "usb", "/dev/v4l/by-id/usb-front"),
        ("/srv/street at night.mp4", "file", "/srv/street at night.mp4"),
        ("clips/street.mp4", "file", "clips/street.mp4"),
        ("file:///srv/street%20at%20night.mp4", "file", "/srv/street at night.mp4"),
    ],
)
def test_the_kind_of_a_camera_follows_from_what_is_written(text: str, kind: str, url: str) -> None:
    address = CameraAddress.parse("front", text)
    assert (address.kind, address.url, address.username) == (kind, url, "")


def test_credentials_are_taken_out_of_the_address() -> None:
    address = CameraAddress.parse("front", "rtsp://ad%20min:p%40ss@camera.example:554/live")
    assert address.url == "rtsp://camera.example:554/live"
    assert (address.username, address.password) == ("ad min", "p@ss")


def test_credentials_that_are_given_apart_take_the_place_of_those_in_the_address() -> None:
    address = CameraAddress.parse("front", "rtsp://old:older@camera.example/live", username="new", password="newer")
    assert (address.username, address.password) == ("new", "newer")
    assert "old" not in address.connection


@given(
    username=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":"), min_size=1, max_size=6),
    password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=4),
)
def test_any_user_and_password_come_back_out_of_what_ffmpeg_is_given(username: str, password: str) -> None:
    address = CameraAddress.parse("front", "rtsp://camera.example/live", username=username, password=password)
    parts = urlsplit(address.connection)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (username, password)
    assert parts.hostname == "camera.example"
    assert address.connection.isascii()


def test_an_address_never_shows_where_the_camera_is_or_how_to_get_in() -> None:
    address = CameraAddress.parse("front", f"rtsp://admin:{SECRET}@camera.example/live/{SECRET}?user=admin")
    for shown in (repr(address), str(address), f"{address}", repr([address])):
        assert "front" in shown
        assert not any(word in shown for word in (SECRET, "admin", "camera.example", "live/"))
    assert pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"ftp://admin:{SECRET}@camera.example/x",
        f"rtsp://admin:{SECRET}@/x",
        f"rtsp://admin:{SECRET}@camera.example:port/x",
        f"rtsp://admin:{SECRET}@camera.example:99999/x",
        f"rtsp://admin:{SECRET}@camera.example:0/x",
        f"rtsp://admin:{SECRET}@[camera/x",
        f"rtsp://admin:{SECRET}@camera.example/x\r\nRequire: more",
        f"rtsp://admin:{SECRET}@camera.example/x y",
        f"rtsp://admin:{SECRET * 12}@camera.example/x",
        f"rtsp://adm%3Ain:{SECRET}@camera.example/x",
        f"rtsp://admin:{SECRET}%0D%0Ax@camera.example/x",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        CameraAddress.parse("front", text)
    error: BaseException | None = refused.value
    assert "front" in refused.value.message
    while error is not None:
        assert SECRET not in str(error)
        assert "camera.example" not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_time_out_is_above_zero(timeout_s: float) -> None:
    with pytest.raises(SettingsError):
        CameraAddress.parse("front", "rtsp://camera.example/x", timeout_s=timeout_s)

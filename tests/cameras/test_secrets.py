"""Where a camera is and its password are in no message, log, repr or traceback, whatever goes wrong."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
import pytest

from passerby.errors import CameraError
from passerby.read.camera import CameraAddress, open_camera

from .http_camera import HttpScript, http_camera
from .made import MJPEG, units
from .scripted import Picture, Script, scripted_camera, steadily, wait_for

USER, PASSWORD, PATH = "an-admin", "s3cret-p4ss", "hidden-path"


@contextmanager
def scripted(script: Script) -> Iterator[str]:
    with scripted_camera(script) as url:
        yield url


def hanging() -> Script:
    return Script(steadily(units()), silent_from="DESCRIBE")


def falling_silent() -> Script:
    return Script(steadily(units()[:5]), stays=True)


def ending() -> Script:
    return Script(steadily(units()[:5]))


def refusing() -> Script:
    return Script(status="401 Unauthorized")


def unknown_path() -> Script:
    return Script(status="404 Not Found")


def broken() -> Script:
    return Script(status="500 Internal Server Error")


def other_codec() -> Script:
    return Script(sdp="m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:track\r\n", pictures=[Picture()])


def sound_only() -> Script:
    return Script(sdp="m=audio 0 RTP/AVP 0\r\na=control:track\r\n")


def no_session() -> Script:
    return Script(sdp="this is no session\r\n")


SCRIPTS = [hanging, falling_silent, ending, refusing, unknown_path, broken, other_codec, sound_only, no_session]


def with_credentials(url: str) -> CameraAddress:
    address = url.replace("://", f"://{USER}:{PASSWORD}@").replace("/live", f"/{PATH}")
    return CameraAddress.parse("front", address, timeout_s=0.5)


def failure(address: CameraAddress) -> CameraError:
    """How using the camera fails."""
    with pytest.raises(CameraError) as failed, open_camera(address) as camera:
        list(camera.pictures())
    return failed.value


def everything_told(error: BaseException) -> str:
    """Messages, chain and traceback, with the values of all variables that a debugger's traceback shows."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(before)
    return "".join(shown.format()) + "".join(f"{link!r} {vars(link)}" for link in chain)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_failure_tells_where_the_camera_is_or_its_password(
    script: Callable[[], Script], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    wait_for(lambda: "camera front" not in {thread.name for thread in threading.enumerate()})  # of tests before
    av.logging.set_level(av.logging.DEBUG)
    caplog.set_level(logging.NOTSET)
    caplog.set_level(1, logger="libav")
    try:
        with scripted_camera(script()) as url:
            error = failure(with_credentials(url))
    finally:
        av.logging.set_level(None)
    out, err = capfd.readouterr()
    told = error.message + (error.hint or "") + out + err + caplog.text + _without_the_test(everything_told(error))
    assert "front" in error.message
    assert not any(word in told for word in (USER, PASSWORD, PATH, "127.0.0.1"))


def _without_the_test(told: str) -> str:
    """The part of a traceback below this file, whose variables know the address."""
    mark = "src/passerby/read/camera"
    return told[told.find(mark) :] if mark in told else told


def test_the_password_is_asked_for_and_not_sent_to_who_does_not_ask() -> None:
    script = Script(steadily(units()[:5]))
    with scripted_camera(script) as url:
        failure(with_credentials(url))
    assert script.asked
    assert not any(PASSWORD in request or USER in request for request in script.asked)


def test_http_tells_nothing_either() -> None:
    with http_camera(HttpScript(units(MJPEG), user=USER, password="another")) as url:
        error = failure(with_credentials(url.replace("/video.mjpg", "/live")))
    told = error.message + _without_the_test(everything_told(error))
    assert not any(word in told for word in (USER, PASSWORD, PATH, "127.0.0.1"))

"""Cameras of the network, over the interface: who answers is asked for its streams, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from passerby.errors import SearchPaused
from passerby.serve.finding import CameraFinder
from passerby.serve.permissions import Role
from passerby.serve.search_turns import MOST, SearchTurns
from tests.cameras.onvif_device import Device, Profile, answering, onvif_device, probe_match

from .conftest import Browser, People
from .town import QuietTown

PASSWORD = "hush-1f0c"


@pytest.fixture(scope="module")
def device() -> Device:
    streams = [("a", "main", 1920, 1080, "/one"), ("b", "small", 640, 360, "/two")]
    profiles = (Profile(token, name, "H264", w, h, f"rtsp://192.0.2.7:554{way}") for token, name, w, h, way in streams)
    return Device(profiles=tuple(profiles), user="viewer", password=PASSWORD)


@pytest.fixture(scope="module")
def port(device: Device, town: QuietTown) -> Iterator[int]:
    """Of the device, which answers searches of the town."""
    with onvif_device(device) as port, answering(probe_match(f"http://127.0.0.1:{port}/onvif/device_service")) as to:
        town.finder = CameraFinder(to[0], wait_s=0.2)
        yield port


@pytest.fixture(scope="module")
def admin(people: People) -> Browser:
    return people.browser(Role.ADMIN)


def asked(admin: Browser, port: int, **how: object) -> tuple[int, dict[str, object]]:
    answer = admin.post("/api/v1/camera-streams", json={"host": "127.0.0.1", "port": port, **how})
    assert PASSWORD not in answer.text
    return answer.status_code, answer.json()


def test_who_did_not_answer_a_search_is_not_asked(admin: Browser, device: Device, port: int) -> None:
    status, told = asked(admin, port, username="viewer", password=PASSWORD)
    assert (status, device.asked) == (422, [])
    assert "no camera has answered from there" in str(told["error"])


def test_a_camera_that_answers_tells_its_streams(admin: Browser, device: Device, port: int) -> None:
    found = admin.post("/api/v1/camera-searches").json()["cameras"]
    assert found == [{"host": "127.0.0.1", "port": port, "name": "Front door", "hardware": "C-1"}]
    status, told = asked(admin, port, username="viewer", password=PASSWORD)
    assert (status, told) == (
        200,
        {
            "streams": [
                {"url": "rtsp://127.0.0.1:554/one", "profile": "main", "codec": "h264", "width": 1920, "height": 1080},
                {"url": "rtsp://127.0.0.1:554/two", "profile": "small", "codec": "h264", "width": 640, "height": 360},
            ]
        },
    )
    assert asked(admin, port + 1)[0] == 422
    log = admin.get("/api/v1/log").json()["entries"]
    assert {"searched for cameras", "asked a camera for its streams"} <= {entry["action"] for entry in log}
    assert not any("127.0.0.1" in str(entry) or PASSWORD in str(entry) for entry in log)


def test_a_wrong_password_is_said_in_one_sentence(admin: Browser, port: int) -> None:
    admin.post("/api/v1/camera-searches")
    status, told = asked(admin, port, username="viewer", password="wrong")
    assert status == 422
    assert "the camera refuses this user and password" in str(told["error"])


def test_who_asks_too_often_has_to_wait(admin: Browser) -> None:
    answers = [admin.post("/api/v1/camera-streams", json={"host": "a", "port": 1}) for _ in range(MOST + 1)]
    assert {answer.status_code for answer in answers} == {422}, "nobody was asked, so nothing is counted"
    turns = SearchTurns()
    with turns.take(), pytest.raises(SearchPaused, match="others are searching"), turns.take():
        pass
    for _ in range(MOST - 1):
        with turns.take():
            pass
    with pytest.raises(SearchPaused, match="20 times within a minute") as caught, turns.take():
        pass
    assert 1 <= caught.value.retry_after_s <= 60


def test_a_search_that_has_to_wait_says_for_how_long(admin: Browser, port: int) -> None:
    answers = [admin.post("/api/v1/camera-streams", json={"host": "a", "port": 1})]
    while (answer := admin.post("/api/v1/camera-searches")).status_code == 200:
        answers.append(answer)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert len(answers) <= MOST

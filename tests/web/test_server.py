"""The whole of it: a camera in a real process behind a real server, pages included."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from websockets.sync.client import connect
from websockets.typing import Origin

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import Town
from passerby.web.app import create_app
from passerby.web.pages.layout import PLACES
from passerby.web.sessions import COOKIE
from tests.serve.clips import HEIGHT, WIDTH, make_clip
from tests.serve.waiting import wait_for

from .conftest import Browser, People, cheap, serving


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("real")
    clip = make_clip(folder / "clip.mp4")
    camera = {"name": "square", "url": str(clip), "segment_s": 10, "delay_s": 0.5, "timeout_s": 5}
    town = Town.model_validate({"camera": [camera], "floor_gb": 0})
    accounts = Accounts(folder / "data", passwords=cheap())
    with Supervisor(town, folder / "data") as supervisor:
        app = create_app(supervisor, accounts)
        with serving(app, town) as address:
            people = People(address, accounts, app)
            yield people
            for browser in people.browsers:
                browser.close()
    accounts.close()


@pytest.fixture(scope="module")
def admin(people: People) -> Browser:
    return people.browser(Role.ADMIN)


def _hours() -> dict[str, str]:
    now = datetime.now(UTC)
    return {"begin": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}


def _pictures(content: bytes) -> int:
    with av.open(io.BytesIO(content), "r") as file:
        return len(list(file.decode(video=0)))


def test_what_is_live_plays(people: People, admin: Browser) -> None:
    address = f"{people.address.replace('http', 'ws')}/api/v1/cameras/square/live"
    cookie = {"Cookie": f"{COOKIE}={admin.cookies[COOKIE]}"}
    with connect(
        address, origin=Origin(people.address), additional_headers=cookie, proxy=None, max_size=None
    ) as socket:
        begun = json.loads(socket.recv(90))
        init, part = socket.recv(90), socket.recv(90)
    assert begun["codec"].startswith("avc1.")
    assert isinstance(init, bytes)
    assert isinstance(part, bytes)
    assert _pictures(init + part) > 0


def test_the_still_is_a_picture(admin: Browser) -> None:
    def picture() -> Any:
        answer = admin.get("/api/v1/cameras/square/still.jpg")
        return answer if answer.status_code == 200 else None

    answer = wait_for(picture)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as still:
        assert still.size == (WIDTH, HEIGHT)


def test_what_was_recorded_plays_and_is_exported(admin: Browser) -> None:
    assert admin.post("/api/v1/cameras/square/restart").status_code == 204

    def listed() -> Any:
        return admin.get("/api/v1/cameras/square/segments", params=_hours()).json()["segments"]

    first = wait_for(listed)[0]
    stored = admin.get(f"/api/v1/segments/{first['id']}")
    assert _pictures(stored.content) == first["frames"]
    assert admin.get("/api/v1/cameras/square/timeline", params=_hours()).json()["spans"]
    wanted = {"begin": first["begins_at"], "end": first["ends_at"]}
    export = admin.get("/api/v1/cameras/square/export", params=wanted)
    assert export.status_code == 200, export.text
    assert abs(_pictures(export.content) - first["frames"]) <= 1
    usage = admin.get("/api/v1/storage").json()["cameras"]
    assert usage[0]["camera"] == "square"
    assert 'passerby_camera_stored_segments{camera="square"}' in admin.get("/metrics").text


def test_a_camera_of_the_file_is_changed_there(admin: Browser) -> None:
    sent = {"camera": {"name": "square", "url": "rtsp://10.0.0.9/"}}
    answer = admin.put("/api/v1/cameras/square", json=sent)
    assert answer.status_code == 422
    assert "file of the town" in answer.json()["error"]["message"]
    assert admin.delete("/api/v1/cameras/square").status_code == 422


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "concat:/etc/passwd", "pipe:0", "-i"])
def test_nobody_makes_the_server_read_its_own_files(admin: Browser, url: str) -> None:
    added = admin.post("/api/v1/cameras", json={"camera": {"name": "other", "url": url}})
    tried = admin.post("/api/v1/camera-trials", json={"url": url})
    assert (added.status_code, tried.status_code) == (422, 422)
    assert [camera["name"] for camera in admin.get("/api/v1/cameras").json()["cameras"]] == ["square"]


# The pages are behind the same gate


@pytest.mark.parametrize("path", ["/", *(place.path for place in PLACES)])
def test_pages_lead_to_the_form_without_a_session(people: People, path: str) -> None:
    answer = people.nobody().get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    "path",
    ["/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/_nicegui/x/static/quasar.js", "/static/live.js", "/nowhere"],
)
def test_scripts_and_the_socket_of_pages_need_a_session(people: People, path: str) -> None:
    assert people.nobody().get(path).status_code == 401


def test_pages_load_nothing_from_elsewhere(people: People, admin: Browser) -> None:
    page = admin.get("/", headers={"Accept": "text/html"}, follow_redirects=True)
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert "object-src 'none'" in policy


def test_the_socket_of_pages_is_for_our_own_pages(people: People, admin: Browser) -> None:
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    foreign, own = {"Origin": "https://evil.test"}, {"Origin": people.address}
    assert admin.get(path, headers=foreign).status_code == 403
    assert admin.post(path, headers=foreign).status_code == 403
    assert admin.post(path).status_code == 403
    assert admin.get(path).status_code == 200  # browsers do not say where they are when they only read
    assert admin.post(path, headers=own).status_code not in (401, 403)


def test_the_folder_is_not_served(admin: Browser, tmp_path: Path) -> None:
    for name in ("accounts.sqlite", "catalogue.sqlite", "credentials.toml", "archive-id"):
        for prefix in ("/", "/static/", "/data/", "/api/v1/segments/"):
            assert admin.get(prefix + name).status_code in (404, 422)

"""Live pictures over the WebSocket: whole, in order, and for nobody else."""

from __future__ import annotations

import io
import json
import socket as sockets
import threading
import time

import av
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from passerby.serve.accounts import Accounts
from passerby.serve.fan_out import FanOut
from passerby.serve.permissions import Role
from passerby.web import live_socket
from passerby.web.sessions import COOKIE

from .conftest import Browser, Clock, People
from .routes import SOCKETS
from .town import RATE, SECONDS, QuietTown


def _open(
    people: People, browser: Browser | None = None, camera: str = "gate", origin: str | None = "own", **headers: str
) -> ClientConnection:
    if browser is not None:
        headers["Cookie"] = f"{COOKIE}={browser.cookies[COOKIE]}"
    address = people.address.replace("http://", "ws://")
    return connect(
        f"{address}/api/v1/cameras/{camera}/live",
        origin=people.address if origin == "own" else origin,  # type: ignore[arg-type]
        additional_headers=headers,
        proxy=None,
        max_size=None,
        max_queue=None,
    )


def _binary(socket: ClientConnection) -> bytes:
    told = socket.recv(90)
    assert isinstance(told, bytes)
    return told


def _publish(town: QuietTown, camera: str = "gate") -> None:
    for part in town.parts[camera]:
        town.fan_outs[camera].publish(part)


@pytest.fixture(autouse=True)
def fresh(town: QuietTown) -> None:
    """Nobody has watched, and no recording has begun."""
    town.fan_outs = {"gate": FanOut(), "market": FanOut()}


def _wait_for_viewers(people: People, count: int) -> None:
    until = time.monotonic() + 90
    while len(people.app.state.viewers) != count:
        assert time.monotonic() < until, people.app.state.viewers
        time.sleep(0.01)


def test_a_viewer_gets_all_of_it_in_order(people: People, town: QuietTown) -> None:
    with _open(people, people.browser(Role.VIEWER)) as socket:
        _wait_for_viewers(people, 1)
        _publish(town)
        first = json.loads(socket.recv(90))
        sent = [_binary(socket) for _ in town.parts["gate"]]
    assert first == {"codec": town.parts["gate"][0].codec, "recording": town.parts["gate"][0].recording}
    assert sent == [part.data for part in town.parts["gate"]]
    with av.open(io.BytesIO(b"".join(sent)), "r") as file:
        assert len(list(file.decode(video=0))) == RATE * SECONDS


def test_who_comes_later_begins_with_the_init_and_a_keyframe(people: People, town: QuietTown) -> None:
    _publish(town)
    with _open(people, people.browser(Role.VIEWER)) as socket:
        assert set(json.loads(socket.recv(90))) == {"codec", "recording"}
        init, part = _binary(socket), _binary(socket)
    with av.open(io.BytesIO(init + part), "r") as file:
        assert next(file.decode(video=0)).key_frame


def test_another_recording_is_announced(people: People, town: QuietTown) -> None:
    with _open(people, people.browser(Role.VIEWER)) as socket:
        _wait_for_viewers(people, 1)
        for camera in ("gate", "market"):
            for part in town.parts[camera][:2]:
                town.fan_outs["gate"].publish(part)
        told = [socket.recv(90) for _ in range(6)]
    assert [isinstance(one, str) for one in told] == [True, False, False] * 2
    recordings = [json.loads(told[place])["recording"] for place in (0, 3)]
    assert recordings == [town.parts[camera][0].recording for camera in ("gate", "market")]


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("role", Role)
def test_roles_with_pictures_may_watch(people: People, role: Role, path: str) -> None:
    browser = people.browser(role)
    if role in SOCKETS[path]:
        with _open(people, browser) as socket:
            socket.ping()
    else:
        with pytest.raises(InvalidStatus) as refused:
            _open(people, browser)
        assert refused.value.response.status_code == 403


def test_nobody_watches_without_a_session(people: People) -> None:
    for cookie, token in (("", ""), (f"{COOKIE}=made-up", ""), ("", "Bearer ppb_made-up"), ("", "Bearer")):
        headers = {"Cookie": cookie} | ({"Authorization": token} if token else {})
        with pytest.raises(InvalidStatus) as refused:
            _open(people, None, **headers)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.test", "null", None, "http://127.0.0.1:1"])
def test_pages_of_other_sites_do_not_watch_with_our_cookie(people: People, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        _open(people, people.browser(Role.ADMIN), origin=origin)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("camera", ["gate", "nosuch", "..%2fgate"])
def test_a_camera_of_another_site_cannot_be_watched(people: People, camera: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        _open(people, people.browser(Role.ADMIN, frozenset({"square"})), camera=camera)
    assert refused.value.response.status_code in (403, 404)


def test_a_program_watches_with_its_token(people: People, accounts: Accounts) -> None:
    _, secret = accounts.tokens.make(people.make(Role.VIEWER), "wall", Role.VIEWER, 1)
    with _open(people, origin=None, Authorization=f"Bearer {secret}") as socket:
        socket.ping()


@pytest.mark.parametrize("how", ["logged out", "removed", "another role", "another site"])
def test_watching_ends_with_the_right_to(
    people: People, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(live_socket, "CHECK_S", 0.05)
    browser = people.browser(Role.VIEWER)
    with _open(people, browser) as socket:
        if how == "logged out":
            browser.post("/api/v1/logout")
        elif how == "removed":
            accounts.remove(browser.name)
        else:
            role = Role.AUDITOR if how == "another role" else Role.VIEWER
            accounts.change(browser.name, role=role, sites=frozenset({"square"}))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(90)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_watching_ends_with_the_token(
    people: People, accounts: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "CHECK_S", 0.05)
    _, secret = accounts.tokens.make(people.make(Role.VIEWER), "wall", Role.VIEWER, 1)
    with _open(people, origin=None, Authorization=f"Bearer {secret}") as socket:
        clock.pass_s(24 * 3600)
        with pytest.raises(ConnectionClosed):
            socket.recv(90)


def test_watching_ends_with_the_camera(people: People, town: QuietTown) -> None:
    with _open(people, people.browser(Role.VIEWER)) as socket:
        _wait_for_viewers(people, 1)
        town.fan_outs["gate"].close()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(90)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


def test_what_viewers_say_is_not_listened_to(people: People, town: QuietTown) -> None:
    with _open(people, people.browser(Role.VIEWER)) as socket:
        for said in ("{}", b"\xff" * 1000, "x" * 1000):
            socket.send(said)
        _wait_for_viewers(people, 1)
        _publish(town)
        assert json.loads(socket.recv(90))["codec"]


def test_who_does_not_read_is_sent_away_and_holds_up_nobody(
    people: People, town: QuietTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "SEND_S", 0.3)
    browser = people.browser(Role.VIEWER)
    address = people.address.removeprefix("http://")
    with _open(people, browser) as quick:
        lazy = _LazyViewer(address, browser.cookies[COOKIE])
        _wait_for_viewers(people, 2)
        received: list[object] = []
        reader = threading.Thread(target=lambda: received.extend(quick), daemon=True)
        reader.start()
        stop = time.monotonic() + 60
        while len(people.app.state.viewers) == 2 and time.monotonic() < stop:
            _publish(town)
            time.sleep(0.005)
        _wait_for_viewers(people, 1)
        assert received
    reader.join(10)
    lazy.close()


class _LazyViewer:
    """Opens the socket, and never reads again."""

    def __init__(self, address: str, secret: str) -> None:
        host, _, port = address.partition(":")
        self._socket = sockets.socket()
        self._socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        self._socket.connect((host, int(port)))
        lines = [
            "GET /api/v1/cameras/gate/live HTTP/1.1",
            f"Host: {address}",
            f"Origin: http://{address}",
            f"Cookie: {COOKIE}={secret}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        assert self._socket.recv(12) == b"HTTP/1.1 101"

    def close(self) -> None:
        self._socket.close()


def test_there_are_no_more_viewers_than_allowed(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "MOST_SOCKETS", 1)
    browser = people.browser(Role.VIEWER)
    with _open(people, browser):
        _wait_for_viewers(people, 1)
        with _open(people, browser) as second, pytest.raises(ConnectionClosed) as closed:
            second.recv(90)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    _wait_for_viewers(people, 0)

"""Too much, too large, too slow: refused before anybody looks at it, and the server goes on."""

from __future__ import annotations

import http.client
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from passerby.serve.permissions import Role
from passerby.web import connections, limits

from .conftest import People


@pytest.fixture
def connection(people: People) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(people.address.removeprefix("http://"), timeout=90)
    yield connection
    connection.close()
    assert people.nobody().get("/healthz").json() == {"status": "ok"}


def _status(connection: http.client.HTTPConnection, method: str, path: str, **how: object) -> int:
    connection.request(method, path, **how)  # type: ignore[arg-type]
    return connection.getresponse().status


def test_a_body_that_says_it_is_too_large(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/api/v1/login")
    connection.putheader("Content-Length", str(10**15))
    connection.endheaders()
    assert connection.getresponse().status == 413


@pytest.mark.parametrize("path", ["/api/v1/login", "/login", "/join/x"])
def test_a_body_that_does_not_say_so(connection: http.client.HTTPConnection, path: str) -> None:
    kind = "application/json" if path.startswith("/api") else "application/x-www-form-urlencoded"
    chunks = iter([b"x" * 10_000] * 10)
    assert _status(connection, "POST", path, body=chunks, headers={"Content-Type": kind}, encode_chunked=True) == 413


def test_a_body_that_stops_coming(connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_BODY_S", 0.2)
    connection.putrequest("POST", "/api/v1/login")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b'{"name":')
    assert connection.getresponse().status == 408


def test_a_body_as_large_as_allowed_is_read(connection: http.client.HTTPConnection) -> None:
    body = b'{"name": "' + b"x" * (limits.MOST_BODY_BYTES - 100) + b'", "password": "x"}'
    assert _status(connection, "POST", "/api/v1/login", body=body, headers={"Content-Type": "application/json"}) == 422


def test_too_many_headers(connection: http.client.HTTPConnection) -> None:
    headers = {f"X-{number}": "x" for number in range(limits.MOST_HEADERS)}
    assert _status(connection, "GET", "/login", headers=headers) == 431


def test_headers_that_are_too_large(connection: http.client.HTTPConnection) -> None:
    assert _status(connection, "GET", "/login", headers={"X": "x" * limits.MOST_HEADER_BYTES}) == 431


def test_headers_that_never_end(people: People, connection: http.client.HTTPConnection) -> None:
    with _raw(people) as raw:
        raw.sendall(b"GET /login HTTP/1.1\r\nHost: x\r\n")
        refused = b""
        try:
            for _ in range(1000):
                raw.sendall(b"X: " + b"x" * 1000 + b"\r\n")
            refused = raw.recv(100)
        except OSError:  # closed on us
            return
    assert refused.startswith(b"HTTP/1.1 4")


@pytest.mark.parametrize("begun", [b"", b"GET /login HT", b"GET /login HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_head_that_stops_coming_is_not_waited_for(
    people: People, connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """Nor one of which a byte comes now and then."""
    monkeypatch.setattr(connections, "_HEAD_S", 0.3)
    with _raw(people) as raw:
        raw.sendall(begun)
        with suppress(OSError):
            while not select.select([raw], [], [], 0.05)[0]:
                raw.sendall(b"x" if begun else b"")
        with suppress(ConnectionResetError):
            assert raw.recv(1) == b"", "it was closed without a word"


def test_a_second_request_is_waited_for_no_longer(
    people: People, connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_HEAD_S", 0.3)
    with _raw(people) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HT")
        told = b""
        while part := raw.recv(1000):
            told += part
    assert told.count(b"HTTP/1.1 200") == 1
    assert told.endswith(b'{"status":"ok"}')


def test_who_took_the_time_for_the_head_has_it_for_the_answer(
    people: People, connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is on the head alone: what takes the server long is not cut off."""
    monkeypatch.setattr(connections, "_HEAD_S", 0.3)
    app = people.app.state.network

    monkeypatch.setattr(app, "still", lambda name: time.sleep(1))
    assert people.browser(Role.VIEWER).get("/api/v1/cameras/gate/still.jpg").status_code == 404


def test_one_connection_too_many_is_closed_and_the_others_stay(
    people: People, connection: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(_raw(people))
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(1000).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(connections, "MOST_CONNECTIONS", 1)
        for _ in range(20):
            with suppress(ConnectionResetError):
                assert stack.enter_context(_raw(people)).recv(1) == b""
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(1000).startswith(b"HTTP/1.1 200")
        monkeypatch.undo()


def _raw(people: People) -> socket.socket:
    host, _, port = people.address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def test_an_address_that_is_too_long(connection: http.client.HTTPConnection) -> None:
    assert _status(connection, "GET", "/login?next=/" + "x" * limits.MOST_ADDRESS_BYTES) == 414


@pytest.mark.parametrize(
    "path", ["/public/%ff%fe", "/public/%00", "/login?next=%ff", "/join/%ff", "/%ff", "/public/%f0%9f%98%80"]
)
def test_addresses_that_are_no_text(connection: http.client.HTTPConnection, path: str) -> None:
    assert _status(connection, "GET", path) in (200, 401, 404)


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "CONNECT", "BREW"])
def test_methods_that_nobody_asked_for(connection: http.client.HTTPConnection, method: str) -> None:
    assert _status(connection, method, "/login") in (400, 405)


@pytest.mark.parametrize(
    "cookie", ["passerby_session", "passerby_session=", "passerby_session=a;b=c;;==", "\x01", "é" * 50]
)
def test_cookies_that_are_none(connection: http.client.HTTPConnection, cookie: str) -> None:
    assert _status(connection, "GET", "/api/v1/session", headers={"Cookie": cookie.encode()}) in (400, 401)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"name": 1}', b'{"name": "\\ud800", "password": "x"}', b"\xff\xfe"]
)
def test_bodies_that_are_none(connection: http.client.HTTPConnection, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert _status(connection, "POST", "/api/v1/login", body=body, headers=headers) in (400, 401, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/login",
        "/public/gate",
        "/api/v1/cameras",
        "/api/v1/segments/1",
        "/metrics",
        "/nowhere",
        "/api/v1/login",
    ],
)
def test_every_answer_says_what_browsers_must_not_do(people: People, path: str) -> None:
    for browser in (people.nobody(), people.browser(Role.ADMIN)):
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_health_says_yes_or_no(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    from passerby.errors import ArchiveError

    def broken(_: int = 100) -> list[object]:
        raise ArchiveError("catalogue.sqlite: was locked by another process for longer than 10 s")

    assert people.nobody().get("/healthz").json() == {"status": "ok"}
    monkeypatch.setattr(people.app.state.network.archive, "erasures", broken)
    answer = people.nobody().get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ok"})

"""Pages and API over a real TLS socket, with certificate and key from files."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from passerby.cli import app as program
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.web.sessions import SECURE_COOKIE

from .certificates import made_certificate
from .conftest import PASSWORD, People, serving
from .town import QuietTown


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def people(files: tuple[Path, Path], app: FastAPI, town: QuietTown, accounts: Accounts) -> Iterator[People]:
    town.town = town.town.model_copy(update={"tls_cert": files[0], "tls_key": files[1]})
    with serving(app, town.town) as address:
        people = People(address, accounts, app, ssl.create_default_context(cafile=str(files[0])))
        yield people
        for browser in people.browsers:
            browser.close()


def test_the_session_is_for_tls_only(people: People) -> None:
    name, browser = people.make(Role.VIEWER), people.nobody()
    answer = browser.post("/api/v1/login", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 200
    told = answer.headers["set-cookie"]
    assert told.startswith(f"{SECURE_COOKIE}=")
    assert "; Secure" in told
    assert "max-age" in answer.headers["strict-transport-security"]
    assert name in browser.get("/api/v1/session").text


def test_the_certificate_is_that_of_the_file(people: People, files: tuple[Path, Path]) -> None:
    host, port = people.address.removeprefix("https://").split(":")
    assert ssl.get_server_certificate((host, int(port))).split() == files[0].read_text().split()
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(people.address, trust_env=False)


def test_who_speaks_plain_http_hears_nothing(people: People) -> None:
    connection = http.client.HTTPConnection(people.address.removeprefix("https://"), timeout=60)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/healthz")
        connection.getresponse()
    connection.close()
    assert people.nobody().get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.*:DeprecationWarning")
def test_old_versions_of_tls_are_not_spoken(people: People, newest: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
    host, port = people.address.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), 60) as raw, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(raw)


def test_live_pictures_come_by_tls_to_our_own_pages_only(people: People, town: QuietTown) -> None:
    browser = people.browser(Role.VIEWER)
    for part in town.parts["gate"]:
        town.fan_outs["gate"].publish(part)

    def live(origin: str) -> str:
        cookie = {"Cookie": f"{SECURE_COOKIE}={browser.cookies[SECURE_COOKIE]}"}
        address = f"{people.address.replace('https', 'wss')}/api/v1/cameras/gate/live"
        context = people.verify if isinstance(people.verify, ssl.SSLContext) else None
        with connect(
            address, ssl=context, origin=Origin(origin), additional_headers=cookie, proxy=None, max_size=None
        ) as socket:
            return str(json.loads(socket.recv(60))["codec"])

    assert live(people.address).startswith("avc1.")
    with pytest.raises(InvalidStatus):
        live(people.address.replace("https", "http"))


def no_files(folder: Path) -> None:
    pass


def no_certificate(folder: Path) -> None:
    made_certificate(folder)
    (folder / "certificate.pem").write_text("these are no letters of a certificate")


def no_key(folder: Path) -> None:
    made_certificate(folder)
    (folder / "key.pem").write_bytes((folder / "certificate.pem").read_bytes())


def key_of_another(folder: Path) -> None:
    made_certificate(folder)
    made_certificate(folder / "other")[1].rename(folder / "key.pem")


def locked_key(folder: Path) -> None:
    made_certificate(folder, password="a-long-one")


WRONG = {
    no_files: "tls_cert: certificate.pem cannot be read: no such file or directory",
    no_certificate: "tls_cert: certificate.pem holds no certificate in PEM",
    no_key: "tls_key: key.pem holds no private key in PEM",
    key_of_another: "tls_key: key.pem is not the key of the certificate in certificate.pem",
    locked_key: "tls_key: key.pem is locked with a password; passerby takes one that is not",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_files_that_are_wrong_are_told_in_one_sentence_and_nothing_is_started(wrong: object, tmp_path: Path) -> None:
    assert callable(wrong)
    wrong(tmp_path)
    town = tmp_path / "town.toml"
    town.write_text('tls_cert = "certificate.pem"\ntls_key = "key.pem"\n')
    told = CliRunner().invoke(program, ["serve", str(town), "--folder", str(tmp_path / "data"), "--port", "0"])
    assert told.exit_code == 2
    assert told.output.strip().splitlines()[-1].endswith(WRONG[wrong])
    assert len(told.output.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()

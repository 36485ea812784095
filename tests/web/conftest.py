"""The quiet town behind the real server, accounts of every role, and browsers that hold their cookies.

Tests of a module share town and server; each makes accounts of its own.
"""

from __future__ import annotations

import itertools
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI

from passerby.archive import open_archive
from passerby.serve.accounts import Accounts
from passerby.serve.passwords import Passwords
from passerby.serve.permissions import Role
from passerby.serve.town import Town
from passerby.web.app import create_api
from passerby.web.serving import server_config

from .town import QuietTown, now, open_town

PASSWORD = "correct horse battery staple"


@dataclass
class Clock:
    """Time that passes when a test says so."""

    at: datetime = field(default_factory=now)

    def __call__(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


def cheap() -> Passwords:
    """Hashes that cost little; `test_passwords.py` has the real cost."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="module")
def folder(recorded: QuietTown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the town's data: recordings, catalogue and accounts."""
    return Path(shutil.copytree(recorded.archive.folder, tmp_path_factory.mktemp("town") / "data"))


@pytest.fixture(scope="module")
def accounts(folder: Path, clock: Clock) -> Iterator[Accounts]:
    """None yet."""
    made = Accounts(folder, now=clock, passwords=cheap())
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> QuietTown:
    """Made once; the others are copies."""
    town = open_town(tmp_path_factory.mktemp("recorded"))
    town.archive.close()
    return town


@pytest.fixture(scope="module")
def town(recorded: QuietTown, folder: Path) -> Iterator[QuietTown]:
    town = QuietTown(open_archive(folder), parts=recorded.parts)
    yield town
    town.archive.close()


@pytest.fixture(scope="module")
def app(town: QuietTown, accounts: Accounts) -> FastAPI:
    return create_api(town, accounts)


@pytest.fixture(scope="module")
def server(app: FastAPI, town: QuietTown) -> Iterator[str]:
    """The address of a real server, run as `passerby serve` does."""
    with serving(app, town.town) as address:
        yield address


@contextmanager
def serving(app: FastAPI, town: Town) -> Iterator[str]:
    """The same for any app."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, town))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"{'https' if town.tls_cert else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


_numbers = itertools.count()


class Browser(httpx.Client):
    """Keeps its cookies, and the token of its session; sends what our own pages would."""

    def __init__(self, address: str, verify: ssl.SSLContext | bool = True) -> None:
        super().__init__(base_url=address, trust_env=False, timeout=90, verify=verify)
        self.name = self.form_token = ""

    def log_in(self, name: str, password: str = PASSWORD) -> Browser:
        answer = self.post("/api/v1/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        self.name, self.form_token = name, answer.json()["form_token"]
        self.headers["X-CSRF-Token"] = self.form_token
        return self


@dataclass
class People:
    """Makes accounts, and browsers in which they are logged in."""

    address: str
    accounts: Accounts
    app: FastAPI
    verify: ssl.SSLContext | bool = True
    browsers: list[Browser] = field(default_factory=list)

    def make(self, role: Role, sites: frozenset[str] | None = None) -> str:
        """An account that nobody else has; its name."""
        name = f"{role}-{next(_numbers)}"
        self.accounts.join(self.accounts.links.invite(role, sites), name, PASSWORD)
        return name

    def browser(self, role: Role, sites: frozenset[str] | None = None) -> Browser:
        return self.nobody().log_in(self.make(role, sites))

    def nobody(self) -> Browser:
        self.browsers.append(Browser(self.address, self.verify))
        return self.browsers[-1]


@pytest.fixture(scope="module")
def people(server: str, accounts: Accounts, app: FastAPI) -> Iterator[People]:
    people = People(server, accounts, app)
    yield people
    for browser in people.browsers:
        browser.close()


@pytest.fixture
def operator(people: People) -> Browser:
    return people.browser(Role.OPERATOR)

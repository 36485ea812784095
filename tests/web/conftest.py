"""The quiet town behind the real app, accounts of every role, and browsers that hold their cookies."""

from __future__ import annotations

import shutil
import socket
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


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    """None yet. Hashing is cheap here; `test_passwords.py` has the real cost."""
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    made = Accounts(tmp_path, now=clock, passwords=cheap)
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> QuietTown:
    """Made once; the others are copies."""
    town = open_town(tmp_path_factory.mktemp("recorded"))
    town.archive.close()
    return town


@pytest.fixture
def town(recorded: QuietTown, tmp_path: Path) -> Iterator[QuietTown]:
    shutil.copytree(recorded.archive.folder, tmp_path, dirs_exist_ok=True)
    town = QuietTown(open_archive(tmp_path), parts=recorded.parts)
    yield town
    town.archive.close()


@pytest.fixture
def app(town: QuietTown, accounts: Accounts) -> FastAPI:
    return create_api(town, accounts)


@pytest.fixture
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
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class Browser(httpx.Client):
    """Keeps its cookies, and the token of its session; sends what our own pages would."""

    def __init__(self, address: str) -> None:
        super().__init__(base_url=address, trust_env=False, timeout=30)
        self.form_token = ""

    def log_in(self, name: str, password: str = PASSWORD) -> Browser:
        answer = self.post("/api/v1/login", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        self.form_token = answer.json()["form_token"]
        self.headers["X-CSRF-Token"] = self.form_token
        return self


@dataclass
class People:
    """Makes accounts, and browsers in which they are logged in."""

    address: str
    accounts: Accounts
    browsers: list[Browser] = field(default_factory=list)

    def make(self, name: str, role: Role, sites: frozenset[str] | None = None) -> None:
        self.accounts.join(self.accounts.links.invite(role, sites), name, PASSWORD)

    def browser(self, name: str, role: Role, sites: frozenset[str] | None = None) -> Browser:
        self.make(name, role, sites)
        return self.nobody().log_in(name)

    def nobody(self) -> Browser:
        self.browsers.append(Browser(self.address))
        return self.browsers[-1]


@pytest.fixture
def people(server: str, accounts: Accounts) -> Iterator[People]:
    people = People(server, accounts)
    yield people
    for browser in people.browsers:
        browser.close()

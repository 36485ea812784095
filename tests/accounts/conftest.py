"""An account database without a server, whose clock a test sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from passerby.serve.accounts import Accounts
from tests.web.conftest import PASSWORD, Clock, cheap

_HASH = cheap().hash(PASSWORD)


@dataclass(frozen=True)
class InFile:
    """An account as the settings file has it."""

    name: str
    role: str = "viewer"
    sites: tuple[str, ...] = ()
    password_hash: str = _HASH


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(tmp_path: Path, clock: Clock) -> Iterator[Accounts]:
    made = Accounts(tmp_path, now=clock, passwords=cheap())
    yield made
    made.close()


@pytest.fixture
def anna(accounts: Accounts) -> str:
    """The first account."""
    accounts.join(first_link(accounts), "Anna ", PASSWORD)
    return "anna"


def first_link(accounts: Accounts) -> str:
    link = accounts.first_link("http://town.test/")
    assert link is not None
    assert link.startswith("http://town.test/join/")
    return link.rpartition("/")[2]


def log_in(accounts: Accounts, name: str = "anna", password: str = PASSWORD, address: str = "10.0.0.1") -> str:
    return accounts.log_in(name, password, address)[1]

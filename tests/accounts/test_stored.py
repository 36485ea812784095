"""What is stored of accounts, and who may read it."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from passerby.errors import AccountError
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from tests.web.conftest import PASSWORD, cheap

from .conftest import log_in


def test_nothing_that_opens_a_door_is_stored(accounts: Accounts, anna: str, tmp_path: Path) -> None:
    session = log_in(accounts)
    _, token = accounts.tokens.make(anna, "x", Role.VIEWER, 1)
    link = accounts.links.invite(Role.ADMIN, None)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (PASSWORD, session, token, token.removeprefix("ppb_"), link):
        assert secret.encode() not in stored
    assert b"$argon2id$" in stored


def test_only_its_owner_may_read_the_database(accounts: Accounts, anna: str, tmp_path: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_wide_open_database_is_closed(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite").touch(mode=0o666)
    Accounts(tmp_path, passwords=cheap()).close()
    assert stat.S_IMODE((tmp_path / "accounts.sqlite").stat().st_mode) == 0o600


def test_a_database_of_a_newer_passerby_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "accounts.sqlite") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(AccountError, match="newer passerby"):
        Accounts(tmp_path, passwords=cheap())


def test_what_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(AccountError, match="cannot be used"):
        Accounts(tmp_path, passwords=cheap())

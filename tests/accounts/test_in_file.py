"""Accounts in the settings file."""

from __future__ import annotations

import pytest

from passerby.errors import AccountError, LoginRefused, SettingsError
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from tests.web.conftest import PASSWORD, Clock, cheap

from .conftest import InFile, log_in


def test_accounts_of_the_file_come_and_go_with_it(accounts: Accounts, clock: Clock) -> None:
    accounts.settle([InFile("otto", "operator", ("school",)), InFile("Uta")])
    assert [(one.name, one.role, one.from_file) for one in accounts.everyone()] == [
        ("otto", Role.OPERATOR, True),
        ("uta", Role.VIEWER, True),
    ]
    session = log_in(accounts, "otto")
    accounts.settle([InFile("otto", "viewer")])
    found = accounts.sessions.find(session)
    assert found is not None
    assert found.caller.role is Role.VIEWER
    accounts.settle([])
    assert accounts.sessions.find(session) is None
    assert accounts.everyone() == []


def test_another_password_in_the_file_ends_sessions(accounts: Accounts) -> None:
    accounts.settle([InFile("otto")])
    session = log_in(accounts, "otto")
    accounts.settle([InFile("otto")])
    assert accounts.sessions.find(session) is not None
    accounts.settle([InFile("otto", password_hash=cheap().hash("quite another password"))])
    assert accounts.sessions.find(session) is None


def test_an_account_without_a_password_gets_one_by_link(accounts: Accounts, anna: str) -> None:
    accounts.settle([InFile("otto", password_hash="")])
    for password in ("", "x", PASSWORD):
        with pytest.raises(LoginRefused):
            log_in(accounts, "otto", password)
    accounts.join(accounts.links.for_password("otto"), "", PASSWORD)
    log_in(accounts, "otto")
    accounts.settle([InFile("otto", password_hash="")])
    log_in(accounts, "otto")  # and keeps it


def test_a_password_that_was_taken_out_of_the_file_counts_no_more(accounts: Accounts) -> None:
    accounts.settle([InFile("otto")])
    session = log_in(accounts, "otto")
    accounts.settle([InFile("otto", password_hash="")])
    assert accounts.sessions.find(session) is None
    with pytest.raises(LoginRefused):
        log_in(accounts, "otto")


def test_the_file_alone_changes_its_accounts(accounts: Accounts, anna: str) -> None:
    accounts.settle([InFile("otto", "admin")])
    for change in (
        lambda: accounts.change("otto", role=Role.VIEWER, sites=None),
        lambda: accounts.remove("otto"),
        lambda: accounts.links.for_password("otto"),
        lambda: accounts.change_password(
            accounts.log_in("otto", PASSWORD, "10.0.0.1")[0], PASSWORD, PASSWORD, "10.0.0.1"
        ),
    ):
        with pytest.raises(AccountError, match="settings file"):
            change()


def test_a_file_does_not_take_over_an_account(accounts: Accounts, anna: str) -> None:
    with pytest.raises(AccountError, match="made by a link"):
        accounts.settle([InFile("anna", "admin")])
    with pytest.raises(SettingsError, match="not an Argon2 hash"):
        accounts.settle([InFile("otto", password_hash="plain text")])
    assert [account.name for account in accounts.everyone()] == ["anna"]

"""How long one stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby.serve.account_sessions import SessionRules
from passerby.serve.account_store import FILE_NAME
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from tests.web.conftest import PASSWORD, Clock

from .conftest import first_link, log_in


def test_a_session_ends_without_use(accounts: Accounts, anna: str, clock: Clock) -> None:
    secret = log_in(accounts)
    for _ in range(3):
        clock.pass_s(800)
        assert accounts.sessions.find(secret) is not None
    clock.pass_s(SessionRules().idle_s + 1)
    assert accounts.sessions.find(secret) is None


def test_a_session_ends_with_use(accounts: Accounts, anna: str, clock: Clock) -> None:
    caller, secret = accounts.log_in(anna, PASSWORD, "10.0.0.1")
    began = clock.at
    while (found := accounts.sessions.find(secret)) is not None:
        secret = found.offered or secret
        assert found.caller.session == caller.session
        clock.pass_s(600)
    lasted_s = (clock.at - began).total_seconds()
    assert SessionRules().longest_s < lasted_s <= SessionRules().longest_s + 600
    assert caller.session is not None
    assert accounts.sessions.alive(caller.session) is None


def test_a_secret_changes_now_and_then(accounts: Accounts, anna: str, clock: Clock) -> None:
    old = log_in(accounts)
    clock.pass_s(SessionRules().change_s)
    found = accounts.sessions.find(old)
    assert found is not None
    assert found.offered is not None
    assert accounts.sessions.find(old) == type(found)(found.caller, None)  # one offer at a time
    assert accounts.sessions.find(found.offered) == type(found)(found.caller, None)
    assert accounts.sessions.find(old) is not None  # requests run side by side
    clock.pass_s(SessionRules().overlap_s + 1)
    assert accounts.sessions.find(old) is None
    assert accounts.sessions.find(found.offered) is not None


def test_an_offer_that_was_lost_is_made_again(accounts: Accounts, anna: str, clock: Clock) -> None:
    old = log_in(accounts)
    clock.pass_s(SessionRules().change_s)
    lost = accounts.sessions.find(old)
    clock.pass_s(SessionRules().overlap_s + 1)
    again = accounts.sessions.find(old)
    assert lost is not None
    assert again is not None
    assert again.offered not in (None, lost.offered)
    assert accounts.sessions.find(lost.offered or "") is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1500), st.booleans()), max_size=25))
def test_whoever_follows_the_offers_stays_in(accounts: Accounts, clock: Clock, steps: list[tuple[int, bool]]) -> None:
    """Whatever happens to the answers on their way; and of the secrets that a browser had, two count at any time."""
    if not accounts.everyone():
        accounts.join(first_link(accounts), "anna", PASSWORD)
    secret, began = log_in(accounts), clock.at
    held = [secret]
    for pause_s, arrives in steps:
        clock.pass_s(pause_s)
        if (clock.at - began).total_seconds() > SessionRules().longest_s:
            break
        found = accounts.sessions.find(held[-1])
        assert found is not None
        assert sum(accounts.sessions.find(one) is not None for one in held[:-1]) <= 1
        if found.offered and arrives:
            held.append(found.offered)


def test_a_disk_that_takes_no_note_of_it_ends_no_session(
    accounts: Accounts, anna: str, clock: Clock, tmp_path: Path
) -> None:
    """When the disk is full somebody has to see that, and do something about it."""
    secret = log_in(accounts)
    found = accounts.sessions.find(secret)
    assert found is not None
    token = accounts.tokens.make(anna, "figures", Role.VIEWER, 10)[1]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        for table in ("session", "token"):
            full = f"CREATE TRIGGER full_{table} BEFORE UPDATE ON {table} BEGIN SELECT RAISE(FAIL, 'full'); END"
            database.execute(full)
        database.commit()
    clock.pass_s(1000)  # long enough for a new secret to be offered
    assert accounts.sessions.find(secret) == found
    assert accounts.again(found.caller) == found.caller
    assert accounts.by_token(token) is not None
    clock.pass_s(SessionRules().idle_s)
    assert accounts.sessions.find(secret) is None
    assert accounts.again(found.caller) is None


def test_made_up_secrets_are_none(accounts: Accounts, anna: str) -> None:
    log_in(accounts)
    for secret in ("", "None", "x", "\0", "é", "' OR 1=1 --"):
        assert accounts.sessions.find(secret) is None
        assert accounts.by_token(f"ppb_{secret}") is None

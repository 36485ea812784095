"""Accounts: how one gets in, how long one stays, and what is stored of it. No server here."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby.errors import AccountError, LoginPaused, LoginRefused, SettingsError
from passerby.serve.account_pauses import PauseRules
from passerby.serve.account_sessions import SessionRules
from passerby.serve.account_store import FILE_NAME
from passerby.serve.accounts import Accounts
from passerby.serve.passwords import Passwords
from passerby.serve.permissions import PERMISSIONS, Permission, Role, both

from .conftest import PASSWORD, Clock, cheap

_HASH = cheap().hash(PASSWORD)


@dataclass(frozen=True)
class InFile:
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
    accounts.join(_first(accounts), "Anna ", PASSWORD)
    return "anna"


def _first(accounts: Accounts) -> str:
    link = accounts.first_link("http://town.test/")
    assert link is not None
    assert link.startswith("http://town.test/join/")
    return link.rpartition("/")[2]


def _log_in(accounts: Accounts, name: str = "anna", password: str = PASSWORD, address: str = "10.0.0.1") -> str:
    return accounts.log_in(name, password, address)[1]


def test_without_a_link_there_is_no_way_in(accounts: Accounts) -> None:
    for name, password in (("admin", "admin"), ("", ""), ("passerby", "passerby"), ("anna", PASSWORD)):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, password, "10.0.0.1")
    with pytest.raises(AccountError, match="used or has expired"):
        accounts.join("", "anna", PASSWORD)


def test_the_first_link_makes_an_admin_once(accounts: Accounts) -> None:
    secret = _first(accounts)
    assert accounts.join(secret, "anna", PASSWORD).role is Role.ADMIN
    assert accounts.first_link("http://town.test") is None
    with pytest.raises(AccountError, match="used or has expired"):
        accounts.join(secret, "eve", PASSWORD)
    assert [account.name for account in accounts.everyone()] == ["anna"]


def test_the_first_link_counts_until_it_is_replaced(accounts: Accounts, clock: Clock) -> None:
    old = _first(accounts)
    clock.pass_s(365 * 24 * 3600)
    new = _first(accounts)
    with pytest.raises(AccountError):
        accounts.join(old, "eve", PASSWORD)
    accounts.join(new, "anna", PASSWORD)


def test_a_link_for_the_first_account_makes_no_second_admin(accounts: Accounts) -> None:
    secret = _first(accounts)
    accounts.join(accounts.links.invite(Role.VIEWER, None), "otto", PASSWORD)
    with pytest.raises(AccountError, match="there is an account by now"):
        accounts.join(secret, "eve", PASSWORD)


def test_a_refused_password_does_not_use_up_the_link(accounts: Accounts) -> None:
    secret = _first(accounts)
    for password in ("short", "aaaaaaaaaaaaaaa", "my name is anna!", "x" * 300):
        with pytest.raises(AccountError, match="password"):
            accounts.join(secret, "anna", password)
    with pytest.raises(AccountError, match="name of an account"):
        accounts.join(secret, "<script>", PASSWORD)
    accounts.join(secret, "anna", PASSWORD)


def test_of_many_who_use_a_link_at_once_one_gets_in(accounts: Accounts) -> None:
    secret = _first(accounts)
    failures = []

    def join(name: str) -> None:
        try:
            accounts.join(secret, name, PASSWORD)
        except AccountError as error:
            failures.append(error)

    threads = [threading.Thread(target=join, args=(f"anna{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accounts.everyone()) == 1
    assert len(failures) == 5


def test_an_invitation_gives_what_it_says_and_expires(accounts: Accounts, anna: str, clock: Clock) -> None:
    secret = accounts.links.invite(Role.OPERATOR, frozenset({"school"}))
    late = accounts.links.invite(Role.ADMIN, None)
    made = accounts.join(secret, "otto", PASSWORD)
    assert (made.role, made.sites) == (Role.OPERATOR, frozenset({"school"}))
    clock.pass_s(72 * 3600)
    assert accounts.links.find(late) is None
    with pytest.raises(AccountError, match="expired"):
        accounts.join(late, "eve", PASSWORD)


def test_a_name_that_is_taken_stays_with_its_owner(accounts: Accounts, anna: str) -> None:
    secret = accounts.links.invite(Role.VIEWER, None)
    with pytest.raises(AccountError, match="taken"):
        accounts.join(secret, "ANNA", "another password entirely")
    _log_in(accounts)
    accounts.join(secret, "otto", PASSWORD)  # the link is still good


def test_a_new_password_by_link_ends_sessions_and_tokens(accounts: Accounts, anna: str) -> None:
    session = _log_in(accounts)
    _, token = accounts.tokens.make(anna, "x", Role.VIEWER, 1)
    accounts.join(accounts.links.for_password(anna), "ignored", "quite another password")
    assert accounts.sessions.find(session) is None
    assert accounts.by_token(token) is None
    with pytest.raises(LoginRefused):
        _log_in(accounts)
    _log_in(accounts, password="quite another password")


def test_a_new_password_ends_all_other_sessions(accounts: Accounts, anna: str) -> None:
    caller, own = accounts.log_in(anna, PASSWORD, "10.0.0.1")
    other = _log_in(accounts)
    with pytest.raises(LoginRefused):
        accounts.change_password(caller, "wrong", "quite another password", "10.0.0.1")
    accounts.change_password(caller, PASSWORD, "quite another password", "10.0.0.1")
    assert accounts.sessions.find(own) is not None
    assert accounts.sessions.find(other) is None


def test_nothing_that_opens_a_door_is_stored(accounts: Accounts, anna: str, tmp_path: Path) -> None:
    session = _log_in(accounts)
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


# How guessing is slowed down


def _fail(accounts: Accounts, times: int, name: str = "anna", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, "wrong", address)


def test_pauses_grow_with_each_failure(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    pauses = []
    for _ in range(4):
        with pytest.raises(LoginPaused) as paused:
            _log_in(accounts)
        pauses.append(paused.value.retry_after_s)
        clock.pass_s(paused.value.retry_after_s)
        _fail(accounts, 1)
    assert pauses == [2, 4, 8, 16]


def test_no_pause_is_longer_than_the_longest(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    for _ in range(40):
        clock.pass_s(PauseRules().longest_s)
        _fail(accounts, 1)
    with pytest.raises(LoginPaused) as paused:
        _log_in(accounts)
    assert paused.value.retry_after_s == PauseRules().longest_s


def test_during_a_pause_the_right_password_is_not_looked_at(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    with pytest.raises(LoginPaused):
        _log_in(accounts, address="10.9.9.9")  # from anywhere
    clock.pass_s(2)
    _log_in(accounts)
    _fail(accounts, 4)  # counted anew


def test_who_logged_in_lately_from_somewhere_is_not_locked_out_by_others(
    accounts: Accounts, anna: str, clock: Clock
) -> None:
    _log_in(accounts, address="10.0.0.2")
    _fail(accounts, 5, address="10.9.9.9")
    for elsewhere in ("10.9.9.9", "10.8.8.8"):
        with pytest.raises(LoginPaused):
            _log_in(accounts, address=elsewhere)
    _log_in(accounts, address="10.0.0.2")
    with pytest.raises(LoginPaused):  # and that helps nobody else
        _log_in(accounts, address="10.9.9.9")
    _fail(accounts, 5, address="10.0.0.2")  # from there, too, guessing is slowed down
    with pytest.raises(LoginPaused):
        _log_in(accounts, address="10.0.0.2")


def test_from_where_one_logged_in_is_forgotten_after_a_day(accounts: Accounts, anna: str, clock: Clock) -> None:
    _log_in(accounts, address="10.0.0.2")
    clock.pass_s(PauseRules().forgotten_s + 1)
    _fail(accounts, 5, address="10.9.9.9")
    with pytest.raises(LoginPaused):
        _log_in(accounts, address="10.0.0.2")


def test_an_address_is_slowed_down_whatever_names_it_tries(accounts: Accounts, anna: str, clock: Clock) -> None:
    for number in range(20):
        _fail(accounts, 1, name=f"name{number}")
    with pytest.raises(LoginPaused):
        _log_in(accounts)
    _log_in(accounts, address="10.0.0.2")
    clock.pass_s(2)
    _log_in(accounts)
    clock.pass_s(1)
    _fail(accounts, 1, name="name21")  # one success does not clear an address
    with pytest.raises(LoginPaused):
        _log_in(accounts)


def test_neighbours_in_one_ipv6_network_are_one_address(accounts: Accounts, anna: str) -> None:
    for number in range(20):
        _fail(accounts, 1, name=f"name{number}", address=f"2001:db8:1:2::{number:x}")
    with pytest.raises(LoginPaused):
        _log_in(accounts, address="2001:db8:1:2:ffff::1")
    _log_in(accounts, address="2001:db8:1:3::1")


def test_names_without_an_account_are_treated_alike(accounts: Accounts, anna: str) -> None:
    def told(name: str) -> list[str]:
        answers = []
        for number in range(7):
            with pytest.raises((LoginRefused, LoginPaused)) as refused:
                accounts.log_in(name, "wrong", f"10.0.{len(name)}.{number}")
            answers.append(f"{type(refused.value).__name__} {refused.value.message} {refused.value.hint}")
        return answers

    assert told("anna") == told("nobody")


def test_a_name_without_an_account_costs_a_hash_too(tmp_path: Path) -> None:
    class Counting(Passwords):
        seen: tuple[str, ...] = ()

        def match(self, stored: str, password: str) -> bool:
            self.seen += (stored,)
            return super().match(stored, password)

    passwords = Counting(cheap()._hasher)
    accounts = Accounts(tmp_path, passwords=passwords)
    with pytest.raises(LoginRefused):
        accounts.log_in("nobody", "wrong", "10.0.0.1")
    with pytest.raises(LoginRefused):
        accounts.log_in("<no name>", "wrong", "10.0.0.1")
    assert passwords.seen == ("", "")
    accounts.close()


def test_many_guesses_at_once_are_not_all_looked_at(accounts: Accounts, anna: str) -> None:
    outcomes = []

    def guess(number: int) -> None:
        try:
            accounts.log_in("anna", f"guess {number}", f"10.1.0.{number}")
        except (LoginRefused, LoginPaused) as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(LoginRefused) == 5


def test_a_flood_of_logins_leaves_room_for_everything_else(accounts: Accounts, anna: str) -> None:
    with ExitStack() as line:
        for _ in range(8):
            line.enter_context(accounts._passwords.in_line())
        for _ in range(10):
            with pytest.raises(LoginPaused, match="too many try to log in"):
                _log_in(accounts)
    _log_in(accounts)  # a try that was not looked at does not count


def test_failures_are_forgotten_after_a_day(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    clock.pass_s(24 * 3600 + 1)
    _fail(accounts, 5)


def test_what_was_typed_as_a_name_is_not_stored(accounts: Accounts, tmp_path: Path) -> None:
    _fail(accounts, 1, name="hunter2-in-the-wrong-field")
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [(line.who, line.action) for line in accounts.log.entries()] == [("", "failed to log in")]


# Sessions


def test_a_session_ends_without_use(accounts: Accounts, anna: str, clock: Clock) -> None:
    secret = _log_in(accounts)
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
    old = _log_in(accounts)
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
    old = _log_in(accounts)
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
        accounts.join(_first(accounts), "anna", PASSWORD)
    secret, began = _log_in(accounts), clock.at
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
    secret = _log_in(accounts)
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
    _log_in(accounts)
    for secret in ("", "None", "x", "\0", "é", "' OR 1=1 --"):
        assert accounts.sessions.find(secret) is None
        assert accounts.by_token(f"ppb_{secret}") is None


# Accounts in the settings file


def test_accounts_of_the_file_come_and_go_with_it(accounts: Accounts, clock: Clock) -> None:
    accounts.settle([InFile("otto", "operator", ("school",)), InFile("Uta")])
    assert [(one.name, one.role, one.from_file) for one in accounts.everyone()] == [
        ("otto", Role.OPERATOR, True),
        ("uta", Role.VIEWER, True),
    ]
    session = _log_in(accounts, "otto")
    accounts.settle([InFile("otto", "viewer")])
    found = accounts.sessions.find(session)
    assert found is not None
    assert found.caller.role is Role.VIEWER
    accounts.settle([])
    assert accounts.sessions.find(session) is None
    assert accounts.everyone() == []


def test_another_password_in_the_file_ends_sessions(accounts: Accounts) -> None:
    accounts.settle([InFile("otto")])
    session = _log_in(accounts, "otto")
    accounts.settle([InFile("otto")])
    assert accounts.sessions.find(session) is not None
    accounts.settle([InFile("otto", password_hash=cheap().hash("quite another password"))])
    assert accounts.sessions.find(session) is None


def test_an_account_without_a_password_gets_one_by_link(accounts: Accounts, anna: str) -> None:
    accounts.settle([InFile("otto", password_hash="")])
    for password in ("", "x", PASSWORD):
        with pytest.raises(LoginRefused):
            _log_in(accounts, "otto", password)
    accounts.join(accounts.links.for_password("otto"), "", PASSWORD)
    _log_in(accounts, "otto")
    accounts.settle([InFile("otto", password_hash="")])
    _log_in(accounts, "otto")  # and keeps it


def test_a_password_that_was_taken_out_of_the_file_counts_no_more(accounts: Accounts) -> None:
    accounts.settle([InFile("otto")])
    session = _log_in(accounts, "otto")
    accounts.settle([InFile("otto", password_hash="")])
    assert accounts.sessions.find(session) is None
    with pytest.raises(LoginRefused):
        _log_in(accounts, "otto")


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


# Who may what


def test_somebody_is_always_left_who_may_change_accounts(accounts: Accounts, anna: str) -> None:
    accounts.join(accounts.links.invite(Role.ADMIN, frozenset({"school"})), "sitters", PASSWORD)
    accounts.settle([InFile("later", "admin", password_hash="")])
    for change in (
        lambda: accounts.remove(anna),
        lambda: accounts.change(anna, role=Role.OPERATOR, sites=None),
        lambda: accounts.change(anna, role=Role.ADMIN, sites=frozenset({"school"})),
    ):
        with pytest.raises(AccountError, match="nobody would be left"):
            change()
    accounts.join(accounts.links.invite(Role.ADMIN, None), "otto", PASSWORD)
    accounts.remove(anna)


@given(
    first=st.none() | st.frozensets(st.sampled_from("abc")), second=st.none() | st.frozensets(st.sampled_from("abc"))
)
def test_sites_in_both_are_seen_by_both(first: frozenset[str] | None, second: frozenset[str] | None) -> None:
    joined = both(first, second)
    for site in "abcd":
        seen = (first is None or site in first) and (second is None or site in second)
        assert (joined is None or site in joined) == seen


def test_no_role_but_the_auditors_is_without_pictures_and_none_has_more_than_an_admin() -> None:
    for role in Role:
        assert PERMISSIONS[role] <= PERMISSIONS[Role.ADMIN]
        assert (Permission.WATCH in PERMISSIONS[role]) == (role is not Role.AUDITOR)


def test_the_log_forgets_after_a_year(accounts: Accounts, clock: Clock) -> None:
    accounts.log.add("anna", "exported", "gate")
    clock.pass_s(366 * 24 * 3600)
    accounts.log.add("otto", "exported", "gate")
    assert [line.who for line in accounts.log.entries()] == ["otto"]

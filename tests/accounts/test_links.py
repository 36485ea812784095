"""One-time links: how one gets an account, and a new password."""

from __future__ import annotations

import threading

import pytest

from passerby.errors import AccountError, LoginRefused
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from tests.web.conftest import PASSWORD, Clock

from .conftest import first_link, log_in


def test_without_a_link_there_is_no_way_in(accounts: Accounts) -> None:
    for name, password in (("admin", "admin"), ("", ""), ("passerby", "passerby"), ("anna", PASSWORD)):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, password, "10.0.0.1")
    with pytest.raises(AccountError, match="used or has expired"):
        accounts.join("", "anna", PASSWORD)


def test_the_first_link_makes_an_admin_once(accounts: Accounts) -> None:
    secret = first_link(accounts)
    assert accounts.join(secret, "anna", PASSWORD).role is Role.ADMIN
    assert accounts.first_link("http://town.test") is None
    with pytest.raises(AccountError, match="used or has expired"):
        accounts.join(secret, "eve", PASSWORD)
    assert [account.name for account in accounts.everyone()] == ["anna"]


def test_the_first_link_counts_until_it_is_replaced(accounts: Accounts, clock: Clock) -> None:
    old = first_link(accounts)
    clock.pass_s(365 * 24 * 3600)
    new = first_link(accounts)
    with pytest.raises(AccountError):
        accounts.join(old, "eve", PASSWORD)
    accounts.join(new, "anna", PASSWORD)


def test_a_link_for_the_first_account_makes_no_second_admin(accounts: Accounts) -> None:
    secret = first_link(accounts)
    accounts.join(accounts.links.invite(Role.VIEWER, None), "otto", PASSWORD)
    with pytest.raises(AccountError, match="there is an account by now"):
        accounts.join(secret, "eve", PASSWORD)


def test_a_refused_password_does_not_use_up_the_link(accounts: Accounts) -> None:
    secret = first_link(accounts)
    for password in ("short", "aaaaaaaaaaaaaaa", "my name is anna!", "x" * 300):
        with pytest.raises(AccountError, match="password"):
            accounts.join(secret, "anna", password)
    with pytest.raises(AccountError, match="name of an account"):
        accounts.join(secret, "<script>", PASSWORD)
    accounts.join(secret, "anna", PASSWORD)


def test_of_many_who_use_a_link_at_once_one_gets_in(accounts: Accounts) -> None:
    secret = first_link(accounts)
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
    log_in(accounts)
    accounts.join(secret, "otto", PASSWORD)  # the link is still good


def test_a_new_password_by_link_ends_sessions_and_tokens(accounts: Accounts, anna: str) -> None:
    session = log_in(accounts)
    _, token = accounts.tokens.make(anna, "x", Role.VIEWER, 1)
    accounts.join(accounts.links.for_password(anna), "ignored", "quite another password")
    assert accounts.sessions.find(session) is None
    assert accounts.by_token(token) is None
    with pytest.raises(LoginRefused):
        log_in(accounts)
    log_in(accounts, password="quite another password")


def test_a_new_password_ends_all_other_sessions(accounts: Accounts, anna: str) -> None:
    caller, own = accounts.log_in(anna, PASSWORD, "10.0.0.1")
    other = log_in(accounts)
    with pytest.raises(LoginRefused):
        accounts.change_password(caller, "wrong", "quite another password", "10.0.0.1")
    accounts.change_password(caller, PASSWORD, "quite another password", "10.0.0.1")
    assert accounts.sessions.find(own) is not None
    assert accounts.sessions.find(other) is None

"""How guessing is slowed down, and nobody else."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from passerby.errors import LoginPaused, LoginRefused
from passerby.serve.account_pauses import PauseRules
from passerby.serve.accounts import Accounts
from passerby.serve.passwords import Passwords
from tests.web.conftest import Clock, cheap

from .conftest import log_in


def _fail(accounts: Accounts, times: int, name: str = "anna", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        with pytest.raises(LoginRefused):
            accounts.log_in(name, "wrong", address)


def test_pauses_grow_with_each_failure(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    pauses = []
    for _ in range(4):
        with pytest.raises(LoginPaused) as paused:
            log_in(accounts)
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
        log_in(accounts)
    assert paused.value.retry_after_s == PauseRules().longest_s


def test_during_a_pause_the_right_password_is_not_looked_at(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    with pytest.raises(LoginPaused):
        log_in(accounts, address="10.9.9.9")  # from anywhere
    clock.pass_s(2)
    log_in(accounts)
    _fail(accounts, 4)  # counted anew


def test_who_logged_in_lately_from_somewhere_is_not_locked_out_by_others(
    accounts: Accounts, anna: str, clock: Clock
) -> None:
    log_in(accounts, address="10.0.0.2")
    _fail(accounts, 5, address="10.9.9.9")
    for elsewhere in ("10.9.9.9", "10.8.8.8"):
        with pytest.raises(LoginPaused):
            log_in(accounts, address=elsewhere)
    log_in(accounts, address="10.0.0.2")
    with pytest.raises(LoginPaused):  # and that helps nobody else
        log_in(accounts, address="10.9.9.9")
    _fail(accounts, 5, address="10.0.0.2")  # from there, too, guessing is slowed down
    with pytest.raises(LoginPaused):
        log_in(accounts, address="10.0.0.2")


def test_from_where_one_logged_in_is_forgotten_after_a_day(accounts: Accounts, anna: str, clock: Clock) -> None:
    log_in(accounts, address="10.0.0.2")
    clock.pass_s(PauseRules().forgotten_s + 1)
    _fail(accounts, 5, address="10.9.9.9")
    with pytest.raises(LoginPaused):
        log_in(accounts, address="10.0.0.2")


def test_an_address_is_slowed_down_whatever_names_it_tries(accounts: Accounts, anna: str, clock: Clock) -> None:
    for number in range(20):
        _fail(accounts, 1, name=f"name{number}")
    with pytest.raises(LoginPaused):
        log_in(accounts)
    log_in(accounts, address="10.0.0.2")
    clock.pass_s(2)
    log_in(accounts)
    clock.pass_s(1)
    _fail(accounts, 1, name="name21")  # one success does not clear an address
    with pytest.raises(LoginPaused):
        log_in(accounts)


def test_neighbours_in_one_ipv6_network_are_one_address(accounts: Accounts, anna: str) -> None:
    for number in range(20):
        _fail(accounts, 1, name=f"name{number}", address=f"2001:db8:1:2::{number:x}")
    with pytest.raises(LoginPaused):
        log_in(accounts, address="2001:db8:1:2:ffff::1")
    log_in(accounts, address="2001:db8:1:3::1")


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
                log_in(accounts)
    log_in(accounts)  # a try that was not looked at does not count


def test_failures_are_forgotten_after_a_day(accounts: Accounts, anna: str, clock: Clock) -> None:
    _fail(accounts, 5)
    clock.pass_s(24 * 3600 + 1)
    _fail(accounts, 5)


def test_what_was_typed_as_a_name_is_not_stored(accounts: Accounts, tmp_path: Path) -> None:
    _fail(accounts, 1, name="hunter2-in-the-wrong-field")
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [(line.who, line.action) for line in accounts.log.entries()] == [("", "failed to log in")]

"""Passwords at their real cost, and which are taken."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from passerby.errors import AccountError
from passerby.serve.passwords import Passwords, check_password


def test_passwords_are_kept_as_owasp_asks_at_least() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse battery staple")
    cost = extract_parameters(stored)
    assert cost.type is Type.ID
    assert cost.memory_cost >= 19 * 1024
    assert cost.time_cost >= 2
    assert passwords.match(stored, "correct horse battery staple")
    assert not passwords.match(stored, "correct horse battery stapler")
    assert not passwords.match("", "the password of nobody")
    assert not passwords.outdated(stored)


@pytest.mark.parametrize("account", ["a", "jo", "tom", "mallory"])
def test_a_good_password_is_taken_whatever_short_name_stands_in_it(account: str) -> None:
    check_password("automatic jogging stomachs rattle", account)


@pytest.mark.parametrize("account", ["mallory", "josephine"])
def test_a_password_around_the_name_of_the_account_is_refused(account: str) -> None:
    with pytest.raises(AccountError, match="easily guessed"):
        check_password(f"my{account.upper()}12345", account)

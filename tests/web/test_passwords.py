"""Passwords at their real cost."""

from __future__ import annotations

from argon2 import extract_parameters
from argon2.low_level import Type

from passerby.serve.passwords import Passwords


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

"""Passwords: what is a good one, and how they are kept (Argon2id)."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from passerby.errors import AccountError, LoginPaused, SettingsError

SHORTEST = 12
LONGEST = 256
_FEWEST_DIFFERENT = 5
_LONG_NAME = 4
"""Shorter ones stand in good passwords by chance."""
_AT_ONCE, _IN_LINE = 2, 8


class Passwords:
    """Hashes passwords and compares them, two at a time: each takes 64 MiB, and anybody may ask for it.

    Args:
        hasher: how much each one costs; the default is the second choice of RFC 9106.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._places = threading.BoundedSemaphore(_IN_LINE)
        self._nobody = self._hasher.hash("the password of nobody")

    @contextmanager
    def in_line(self) -> Generator[None, None, None]:
        """Wait for a turn with few others at most: whoever floods the server with logins stops no one but logins.

        Raises:
            LoginPaused: there are too many.
        """
        if not self._places.acquire(blocking=False):
            raise LoginPaused("too many try to log in at this moment; this try was not looked at", hint="try again")
        try:
            yield
        finally:
            self._places.release()

    def hash(self, password: str) -> str:
        """What is stored instead of the password."""
        with self._turns:
            return self._hasher.hash(password)

    def match(self, stored: str, password: str) -> bool:
        """Whether it is the one that was stored. Without one ("") it takes as long, and never is."""
        with self._turns:
            try:
                self._hasher.verify(stored or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return bool(stored)

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed at another cost than is asked for today."""
        return self._hasher.check_needs_rehash(stored)


def check_password(password: str, account: str) -> None:
    """Refuse a password that is easily guessed.

    Raises:
        AccountError: it is too short, too long, the name of the account, or the same few characters again and again.
    """
    if len(password) < SHORTEST:
        raise AccountError(f"the password is shorter than {SHORTEST} characters", hint="take four or five words")
    if len(password) > LONGEST:
        raise AccountError(f"the password is longer than {LONGEST} characters")
    around_name = len(account) >= _LONG_NAME and account in password.lower()
    if len(set(password)) < _FEWEST_DIFFERENT or around_name:
        raise AccountError("the password is easily guessed", hint="take four or five words that do not belong together")


def check_hash(stored: str, account: str) -> None:
    """Refuse a stored password in a settings file that is none.

    Raises:
        SettingsError: it is not an Argon2 hash.
    """
    try:
        extract_parameters(stored)
    except InvalidHashError:
        raise SettingsError(f"account {account}: password_hash is not an Argon2 hash") from None

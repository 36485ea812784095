"""How passwords are kept from being guessed: pauses that grow with each failure, for an account and for an address."""

from __future__ import annotations

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from passerby.errors import LoginPaused
from passerby.serve.account_store import AccountStore, PauseRow

_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class PauseRules:
    """How long one waits after how many failures.

    Attributes:
        free: failures in a row without a pause, for one account.
        free_for_address: the same for one address, behind which there may be an office.
        first_s: the first pause; each further failure doubles it.
        longest_s: no pause is longer.
        forgotten_s: failures count no more this long after the last one.
    """

    free: int = 5
    free_for_address: int = 20
    first_s: float = 2
    longest_s: float = 900
    forgotten_s: float = 24 * 3600


class Pauses:
    """Counts failed logins. A name that no account has is treated like any other, so that nothing tells them apart.

    For an account they are counted from everywhere together, except from where it was logged in to of late: those are
    counted by themselves, so that who guesses elsewhere does not keep the owner out.
    """

    def __init__(self, store: AccountStore, rules: PauseRules) -> None:
        self._store = store
        self._rules = rules

    def take(self, name: str, address: str) -> None:
        """Begin a try. It counts as failed until `passed`, so that many at the same time are not all looked at.

        Raises:
            LoginPaused: it is not looked at.
        """
        now = self._store.now()
        with self._store.change() as session:
            own_key = self._own_key(session, name, address)
            keys = ((own_key, self._rules.free), (_address_key(address), self._rules.free_for_address))
            rows = [session.get(PauseRow, key) for key, _ in keys]
            until = max((row.until for row in rows if row), default=now)
            if until <= now:
                for key, free in keys:
                    self._count(session, key, free)
                self._tidy(session)
        if until > now:
            raise _paused(until - now)

    def passed(self, name: str, address: str) -> None:
        """The password was right. Other failures of the address stay: it may be trying other accounts."""
        now = self._store.now()
        with self._store.change() as session:
            session.execute(delete(PauseRow).where(PauseRow.key == self._own_key(session, name, address)))
            session.merge(PauseRow(key=_place_key(name, address), failures=0, last_at=now, until=now))
            if row := session.get(PauseRow, _address_key(address)):
                row.failures -= 1
                row.until = now

    def _own_key(self, session: Session, name: str, address: str) -> str:
        """What failures of this account count for, if they come from there."""
        place = session.get(PauseRow, _place_key(name, address))
        known = place is not None and self._store.now() - place.last_at <= self._forgotten
        return _place_key(name, address) if known else _account_key(name)

    @property
    def _forgotten(self) -> timedelta:
        return timedelta(seconds=self._rules.forgotten_s)

    def _count(self, session: Session, key: str, free: int) -> None:
        now = self._store.now()
        row = session.get(PauseRow, key)
        if row is None:
            row = PauseRow(key=key, failures=0, last_at=now, until=now)
            session.add(row)
        if now - row.last_at > self._forgotten:
            row.failures = 0
        row.failures += 1
        row.last_at = now
        row.until = now + timedelta(seconds=self._pause_s(row.failures - free))

    def _pause_s(self, beyond: int) -> float:
        if beyond < 0:
            return 0
        return min(self._rules.longest_s, self._rules.first_s * 2.0 ** min(beyond, 30))

    def _tidy(self, session: Session) -> None:
        """Forget what counts no more, and whatever is more than a flood of made-up names should take up."""
        session.execute(delete(PauseRow).where(PauseRow.last_at < self._store.now() - self._forgotten))
        too_many = session.scalar(select(func.count()).select_from(PauseRow)) or 0
        if too_many > _MOST_ROWS:
            shortest = select(PauseRow.key).order_by(PauseRow.failures, PauseRow.last_at).limit(too_many - _MOST_ROWS)
            session.execute(delete(PauseRow).where(PauseRow.key.in_(shortest)))


def _paused(pause: timedelta) -> LoginPaused:
    seconds = math.ceil(pause.total_seconds())
    error = LoginPaused("too many tries; this one was not looked at", hint=f"try again in {seconds} s")
    error.retry_after_s = seconds
    return error


def _account_key(name: str) -> str:
    # A hash: people type their password where the name belongs.
    return hashlib.sha256(f"account:{name.strip().lower()}".encode()).hexdigest()


def _place_key(name: str, address: str) -> str:
    """Of an account at an address that it was logged in from."""
    return hashlib.sha256(f"place:{_account_key(name)}:{_address_key(address)}".encode()).hexdigest()


def _address_key(address: str) -> str:
    return hashlib.sha256(f"address:{_network_of(address)}".encode()).hexdigest()


def _network_of(address: str) -> str:
    """Whoever has one IPv6 address has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)

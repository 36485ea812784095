"""Sessions of people who logged in: the secret in the cookie, how long it lasts, and how it changes now and then."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from passerby.errors import AccountError
from passerby.serve.account_store import (
    AccountRow,
    AccountStore,
    SessionRow,
    hash_of,
    new_secret,
    role_of,
    sites_of,
)
from passerby.serve.permissions import PERMISSIONS, Caller

_NOTED_S = 60
"""Use is noted no more often, so that reading does not become writing."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session lasts.

    Attributes:
        idle_s: without use.
        longest_s: with use.
        change_s: after this the secret is exchanged for a new one.
        overlap_s: the previous secret counts this long after the first use of the new one: requests run side by side.
    """

    idle_s: float = 3600
    longest_s: float = 12 * 3600
    change_s: float = 900
    overlap_s: float = 60


@dataclass(frozen=True, slots=True)
class Found:
    """The session that a secret belongs to; `offered` is the secret to use from now on, where there is a new one."""

    caller: Caller
    offered: str | None


class Sessions:
    """All sessions. Secrets go out once and are kept as hashes."""

    def __init__(self, store: AccountStore, rules: SessionRules) -> None:
        self.rules = rules
        self._store = store

    def open(self, account_id: int) -> tuple[Caller, str]:
        """A new session and its secret. It never takes over one that a browser brought along."""
        secret, now = new_secret(), self._store.now()
        with self._store.change() as session:
            account = session.get_one(AccountRow, account_id)
            row = SessionRow(
                account_id=account_id,
                secret_hash=hash_of(secret),
                form_token=new_secret(),
                began_at=now,
                used_at=now,
                changed_at=now,
            )
            session.add(row)
            session.flush()
            self._forget_old(session, now)
            return _caller(row, account), secret

    def find(self, secret: str) -> Found | None:
        """Whose session that is; None when there is none, or it has lasted long enough."""
        hashed, now = hash_of(secret), self._store.now()
        with self._store.read() as session:
            row = self._row(session, hashed, now)
            if row is None:
                return None
            caller = _caller(row, session.get_one(AccountRow, row.account_id))
            quiet = row.next_hash != hashed and not self._offers(row, hashed, now) and not _to_note(row, now)
        if not quiet:
            with suppress(AccountError):  # a full disk takes no note of it, and keeps nobody from seeing why
                return self._use(hashed, now)
        return Found(caller, None)

    def alive(self, session_id: int) -> Caller | None:
        """The same by number, for what stays open for hours; counts as use."""
        now = self._store.now()
        with self._store.read() as session:
            row = session.get(SessionRow, session_id)
            if row is None or self._over(row, now):
                return None
            caller, to_note = _caller(row, session.get_one(AccountRow, row.account_id)), _to_note(row, now)
        if to_note:
            with suppress(AccountError):
                self._note(session_id, now)
        return caller

    def _note(self, session_id: int, now: datetime) -> None:
        with self._store.change() as session:
            if row := session.get(SessionRow, session_id):
                row.used_at = now

    def close(self, session_id: int) -> None:
        """End one."""
        with self._store.change() as session:
            session.execute(delete(SessionRow).where(SessionRow.id == session_id))

    def _use(self, hashed: str, now: datetime) -> Found | None:
        with self._store.change() as session:
            row = self._row(session, hashed, now)
            if row is None:  # ended meanwhile
                return None
            row.used_at = now
            if row.next_hash == hashed:
                row.previous_hash, row.secret_hash, row.next_hash = row.secret_hash, hashed, None
                row.changed_at = now
            offered = None
            if self._offers(row, hashed, now):
                offered = new_secret()
                row.next_hash, row.offered_at = hash_of(offered), now
            return Found(_caller(row, session.get_one(AccountRow, row.account_id)), offered)

    def _row(self, session: Session, hashed: str, now: datetime) -> SessionRow | None:
        either = or_(
            SessionRow.secret_hash == hashed, SessionRow.next_hash == hashed, SessionRow.previous_hash == hashed
        )
        row = session.scalars(select(SessionRow).where(either)).one_or_none()
        if row is None or self._over(row, now):
            return None
        overlap_over = now - row.changed_at > timedelta(seconds=self.rules.overlap_s)
        return None if row.previous_hash == hashed and overlap_over else row

    def _over(self, row: SessionRow, now: datetime) -> bool:
        idle, whole = now - row.used_at, now - row.began_at
        return idle > timedelta(seconds=self.rules.idle_s) or whole > timedelta(seconds=self.rules.longest_s)

    def _offers(self, row: SessionRow, hashed: str, now: datetime) -> bool:
        """Whether to hand out a new secret: the answer that carried the last one may have been lost on its way."""
        if row.secret_hash != hashed or now - row.changed_at < timedelta(seconds=self.rules.change_s):
            return False
        return row.offered_at is None or now - row.offered_at > timedelta(seconds=self.rules.overlap_s)

    def _forget_old(self, session: Session, now: datetime) -> None:
        idle = SessionRow.used_at < now - timedelta(seconds=self.rules.idle_s)
        whole = SessionRow.began_at < now - timedelta(seconds=self.rules.longest_s)
        session.execute(delete(SessionRow).where(or_(idle, whole)))


def _to_note(row: SessionRow, now: datetime) -> bool:
    return now - row.used_at >= timedelta(seconds=_NOTED_S)


def _caller(row: SessionRow, account: AccountRow) -> Caller:
    role = role_of(account.role)
    return Caller(account.name, role, PERMISSIONS[role], sites_of(account.sites), row.id, row.form_token)

"""API tokens: for programs. Shown once, kept as hashes, never allowed more than the account that made them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select

from passerby.errors import AccountError
from passerby.serve.account_store import (
    AccountRow,
    AccountStore,
    TokenRow,
    hash_of,
    new_secret,
    role_of,
    sites_of,
)
from passerby.serve.permissions import PERMISSIONS, Caller, Permission, Role

PREFIX = "ppb_"
"""How every token begins, so that scanners for secrets find one that went astray."""
LONGEST_DAYS = 366
_MOST_PER_ACCOUNT = 50
_NOTED = timedelta(seconds=60)
_NOT_FOR_TOKENS = frozenset({Permission.OWN, Permission.EDIT_ACCOUNTS})
"""A token that went astray must not make other tokens, or accounts."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is told of a token after it was made; the secret is not in it."""

    id: int
    account: str
    label: str
    role: Role
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class Tokens:
    """All API tokens."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def make(self, account: str, label: str, role: Role, days: int) -> tuple[Token, str]:
        """A token and its secret, which nobody can look up again.

        Args:
            account: whose it is.
            label: what it is for, in the words of its owner.
            role: it is allowed what both this role and the account are.
            days: until it expires, 1 to 366.

        Raises:
            AccountError: the role is allowed what the account is not, or there are too many.
        """
        secret, now = PREFIX + new_secret(), self._store.now()
        if not 1 <= days <= LONGEST_DAYS:
            raise AccountError(f"an API token lasts 1 to {LONGEST_DAYS} days")
        with self._store.change() as session:
            owner = session.scalars(select(AccountRow).where(AccountRow.name == account)).one_or_none()
            if owner is None:
                raise AccountError(f"account {account}: there is none")
            if not PERMISSIONS[role] <= PERMISSIONS[role_of(owner.role)]:
                raise AccountError(f"account {account}: as {owner.role} it cannot make an API token as {role}")
            own = select(func.count()).select_from(TokenRow).where(TokenRow.account_id == owner.id)
            if (session.scalar(own) or 0) >= _MOST_PER_ACCOUNT:
                raise AccountError(f"account {account}: it has {_MOST_PER_ACCOUNT} API tokens", hint="remove one first")
            row = TokenRow(
                account_id=owner.id,
                secret_hash=hash_of(secret),
                label=label,
                role=role,
                created_at=now,
                expires_at=now + timedelta(days=days),
            )
            session.add(row)
            session.flush()
            return _token(row, owner.name), secret

    def find(self, secret: str) -> Caller | None:
        """Who comes with this token; None when it is none, or expired."""
        if not secret.startswith(PREFIX):
            return None
        return self._caller(TokenRow.secret_hash == hash_of(secret))

    def alive(self, token: int) -> Caller | None:
        """The same by number, for what stays open for hours."""
        return self._caller(TokenRow.id == token)

    def listed(self, account: str | None = None) -> list[Token]:
        """Those of an account, or all of them; newest first."""
        query = select(TokenRow, AccountRow.name).join(AccountRow, AccountRow.id == TokenRow.account_id)
        if account is not None:
            query = query.where(AccountRow.name == account)
        with self._store.read() as session:
            return [_token(row, name) for row, name in session.execute(query.order_by(TokenRow.id.desc()))]

    def remove(self, token: int, account: str | None = None) -> bool:
        """Whether there was one of that number (and account); it counts no more from now on."""
        query = delete(TokenRow).where(TokenRow.id == token)
        if account is not None:
            owner = select(AccountRow.id).where(AccountRow.name == account).scalar_subquery()
            query = query.where(TokenRow.account_id == owner)
        with self._store.change() as session:
            return session.execute(query.returning(TokenRow.id)).first() is not None

    def _caller(self, which: ColumnElement[bool]) -> Caller | None:
        now = self._store.now()
        with self._store.read() as session:
            row = session.scalars(select(TokenRow).where(which)).one_or_none()
            if row is None or now >= row.expires_at:
                return None
            owner = session.get_one(AccountRow, row.account_id)
            role = role_of(owner.role)
            allowed = PERMISSIONS[role] & PERMISSIONS[role_of(row.role)] - _NOT_FOR_TOKENS
            caller = Caller(owner.name, role, allowed, sites_of(owner.sites), token=row.id)
            noted = row.used_at is not None and now - row.used_at < _NOTED
        if not noted:
            with suppress(AccountError):  # a full disk takes no note of it
                self._note(row.id, now)
        return caller

    def _note(self, token: int, now: datetime) -> None:
        with self._store.change() as session:
            if row := session.get(TokenRow, token):
                row.used_at = now


def _token(row: TokenRow, account: str) -> Token:
    return Token(row.id, account, row.label, role_of(row.role), row.created_at, row.expires_at, row.used_at)

"""One-time links: for the first account, for who was invited, and for a forgotten password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from passerby.errors import AccountError
from passerby.serve.account_store import (
    AccountRow,
    AccountStore,
    LinkRow,
    hash_of,
    new_secret,
    role_of,
    sites_of,
    stored_sites,
)
from passerby.serve.permissions import Role, Sites

VALID_H = 72

Kind = Literal["first", "invitation", "password"]


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for.

    Attributes:
        kind: the first account, an invitation, or a new password.
        account: whose password; None where the account is still to be made.
        role: of that account.
        sites: that it is limited to.
    """

    kind: Kind
    account: str | None
    role: Role
    sites: Sites


class Links:
    """All one-time links. The first account's is valid until it is used or replaced, others for three days."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def first(self) -> str | None:
        """The secret of the link for the first account, in place of an earlier one; None once somebody can log in."""
        able = select(AccountRow.id).where(AccountRow.password_hash != "").limit(1)
        with self._store.change() as session:
            if session.scalars(able).first() is not None:
                return None
            session.execute(delete(LinkRow).where(LinkRow.kind == "first"))
            return self._add(session, "first", Role.ADMIN, None)

    def invite(self, role: Role, sites: Sites) -> str:
        """The secret of a link by which somebody makes an account."""
        with self._store.change() as session:
            return self._add(session, "invitation", role, sites)

    def for_password(self, account: str) -> str:
        """The secret of a link by which the owner of that account chooses a new password.

        Raises:
            AccountError: there is no such account, or it is kept in the settings file.
        """
        with self._store.change() as session:
            row = session.scalars(select(AccountRow).where(AccountRow.name == account)).one_or_none()
            if row is None or row.password_in_file:
                why = "there is none" if row is None else "its password is in the settings file"
                raise AccountError(f"account {account}: {why}; no link was made")
            session.execute(delete(LinkRow).where(LinkRow.account_id == row.id))
            return self._add(session, "password", role_of(row.role), sites_of(row.sites), row.id)

    def find(self, secret: str) -> Link | None:
        """What it is for; None when there is none, or it was used or expired."""
        with self._store.read() as session:
            row = self._row(session, secret)
            if row is None:
                return None
            account = session.get(AccountRow, row.account_id) if row.account_id is not None else None
            return _link(row, account)

    def use(self, session: Session, secret: str) -> tuple[LinkRow, Link]:
        """Take it, within a transaction that does what it is for. It is gone when that is done.

        Raises:
            AccountError: it was used or expired, or never was one.
        """
        row = self._row(session, secret)
        if row is None:
            raise AccountError(
                "this link was used or has expired",
                hint="start passerby anew for the first account; ask who invited you for another one",
            )
        account = session.get(AccountRow, row.account_id) if row.account_id is not None else None
        session.delete(row)
        return row, _link(row, account)

    def _row(self, session: Session, secret: str) -> LinkRow | None:
        row = session.scalars(select(LinkRow).where(LinkRow.secret_hash == hash_of(secret))).one_or_none()
        expired = row is not None and row.expires_at is not None and self._store.now() >= row.expires_at
        return None if expired else row

    def _add(self, session: Session, kind: Kind, role: Role, sites: Sites, account_id: int | None = None) -> str:
        now = self._store.now()
        session.execute(delete(LinkRow).where(LinkRow.expires_at.is_not(None), LinkRow.expires_at < now))
        secret = new_secret()
        session.add(
            LinkRow(
                secret_hash=hash_of(secret),
                kind=kind,
                account_id=account_id,
                role=role,
                sites=stored_sites(sites),
                expires_at=None if kind == "first" else now + timedelta(hours=VALID_H),
            )
        )
        return secret


def _link(row: LinkRow, account: AccountRow | None) -> Link:
    kinds: dict[str, Kind] = {"first": "first", "invitation": "invitation", "password": "password"}
    return Link(kinds[row.kind], account.name if account else None, role_of(row.role), sites_of(row.sites))

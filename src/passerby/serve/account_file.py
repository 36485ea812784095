"""Accounts that stand in the settings file: they are as it says, whenever it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from passerby.errors import AccountError
from passerby.serve.account_rows import checked_name
from passerby.serve.account_store import AccountRow, AccountStore, SessionRow
from passerby.serve.passwords import check_hash
from passerby.serve.permissions import Role


class AccountInFile(Protocol):
    """An account as it stands in the settings file; no sites means the whole town.

    Without a hash, its owner chooses a password by a one-time link.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def sites(self) -> Iterable[str]: ...  # noqa: D102
    @property
    def password_hash(self) -> str: ...  # noqa: D102


def settle(store: AccountStore, accounts: Iterable[AccountInFile]) -> None:
    """Make the accounts of the file be as they stand there; those that stand there no more are removed.

    Raises:
        AccountError: a name is taken by an account that was made by a link.
        SettingsError: a password hash is none.
    """
    wanted = {checked_name(account.name): account for account in accounts}
    for name, account in wanted.items():
        if account.password_hash:
            check_hash(account.password_hash, name)
    with store.change() as session:
        for row in session.scalars(select(AccountRow).where(AccountRow.from_file)):
            if row.name not in wanted:
                session.delete(row)
        for name, account in wanted.items():
            _settle(session, store, name, account)


def _settle(session: Session, store: AccountStore, name: str, account: AccountInFile) -> None:
    row = session.scalars(select(AccountRow).where(AccountRow.name == name)).one_or_none()
    if row is None:
        row = AccountRow(name=name, from_file=True, created_at=store.now(), password_hash="")
        session.add(row)
    elif not row.from_file:
        raise AccountError(f"account {name}: it was made by a link and stands in the settings file too")
    row.role, row.sites = Role(account.role), sorted(account.sites) or None
    _settle_password(session, row, account.password_hash)


def _settle_password(session: Session, row: AccountRow, stored: str) -> None:
    was_in_file = row.password_in_file
    row.password_in_file = bool(stored)
    if stored and stored != row.password_hash:
        row.password_hash = stored
    elif not stored and was_in_file:
        row.password_hash = ""  # it was taken out of the file: it counts no more
    else:
        return
    if row.id is not None:
        session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))

"""An account as it is told of, and what every change of one has to keep to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from passerby.errors import AccountError
from passerby.serve.account_store import AccountRow, role_of, sites_of
from passerby.serve.permissions import Role, Sites

NAME = re.compile(r"[a-z0-9_][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Account:
    """What is told of an account.

    Attributes:
        name: of the account.
        role: what it is for.
        sites: whose cameras it sees; None is the whole town.
        from_file: it stands in the settings file and is changed there.
        created_at: when it was made.
        last_login_at: None until the first time.
    """

    name: str
    role: Role
    sites: Sites
    from_file: bool
    created_at: datetime
    last_login_at: datetime | None


def one_named(session: Session, name: str) -> AccountRow:
    """The account of that name.

    Raises:
        AccountError: there is none.
    """
    row = session.scalars(select(AccountRow).where(AccountRow.name == name)).one_or_none()
    if row is None:
        raise AccountError(f"account {name}: there is none")
    return row


def checked_name(name: str) -> str:
    """The name as it is kept, in lower case.

    Raises:
        AccountError: it cannot be one.
    """
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise AccountError(
            "the name of an account has 1 to 64 characters: a to z, 0 to 9 and . _ @ -",
            hint="it begins with a letter or a digit",
        )
    return name


def refuse_from_file(row: AccountRow) -> None:
    """Raises AccountError for an account that stands in the settings file."""
    if row.from_file:
        raise AccountError(f"account {row.name}: it stands in the settings file; change it there")


def refuse_without_admin(session: Session) -> None:
    """Raises AccountError if nobody could change accounts any more."""
    able = AccountRow.role == Role.ADMIN, AccountRow.password_hash != ""
    admins = session.scalars(select(AccountRow).where(*able))
    if all(row.sites is not None for row in admins):
        raise AccountError(
            "nobody would be left who may change accounts; nothing was changed", hint="make another admin first"
        )


def account_of(row: AccountRow) -> Account:
    """What is told of it."""
    return Account(row.name, role_of(row.role), sites_of(row.sites), row.from_file, row.created_at, row.last_login_at)

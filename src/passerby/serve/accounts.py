"""Accounts of people: no default password, no way in but by a password or a one-time link."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from passerby.errors import AccountError, LoginRefused
from passerby.serve.account_links import Links
from passerby.serve.account_log import AccessLog
from passerby.serve.account_pauses import PauseRules, Pauses
from passerby.serve.account_sessions import SessionRules, Sessions
from passerby.serve.account_store import (
    AccountRow,
    AccountStore,
    Clock,
    LinkRow,
    SessionRow,
    TokenRow,
    role_of,
    sites_of,
    stored_sites,
    utc_now,
)
from passerby.serve.account_tokens import PREFIX, Tokens
from passerby.serve.passwords import LONGEST, Passwords, check_hash, check_password
from passerby.serve.permissions import Caller, Role, Sites

NAME = re.compile(r"[a-z0-9_][a-z0-9._@-]{0,63}")


class AccountInFile(Protocol):
    """An account as it stands in the settings file; no sites means the whole town."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def sites(self) -> Iterable[str]: ...  # noqa: D102
    @property
    def password_hash(self) -> str: ...  # noqa: D102


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


class Accounts:
    """The accounts of one town, with their sessions, API tokens, links and log.

    Args:
        folder: where `accounts.sqlite` is or is made.
        now: the clock that everything here goes by.
        passwords: how they are hashed.
        session_rules: how long sessions last.
        pause_rules: how guessing is slowed down.

    Attributes:
        sessions, tokens, links, log: the parts, see there.

    Raises:
        AccountError: the database cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Clock = utc_now,
        passwords: Passwords | None = None,
        session_rules: SessionRules | None = None,
        pause_rules: PauseRules | None = None,
    ) -> None:
        self._store = AccountStore(folder, now)
        self._passwords = passwords or Passwords()
        self._pauses = Pauses(self._store, pause_rules or PauseRules())
        self.now = now
        self.sessions = Sessions(self._store, session_rules or SessionRules())
        self.tokens = Tokens(self._store)
        self.links = Links(self._store)
        self.log = AccessLog(self._store)

    def first_link(self, base_url: str) -> str | None:
        """The address where the first account is made, valid until it is used or replaced; None once there is one."""
        secret = self.links.first()
        return None if secret is None else f"{base_url.rstrip('/')}/join/{secret}"

    def log_in(self, name: str, password: str, address: str) -> tuple[Caller, str]:
        """A session and its secret.

        Args:
            name: of the account, in upper or lower case.
            password: as it was typed.
            address: the network address of who asks, to slow down guessing; it is not stored.

        Raises:
            LoginRefused: the name or the password is wrong; which of them is not told, and takes as long to find out.
            LoginPaused: there were too many tries.
        """
        name = name.strip().lower()
        self._pauses.take(name, address)
        row = self._row(name) if NAME.fullmatch(name) else None
        if not self._passwords.match(row.password_hash if row else None, password[: LONGEST + 1]) or row is None:
            if row is not None:
                self.log.add(row.name, "failed to log in")
            raise LoginRefused("the name or the password is wrong")
        self._pauses.passed(name, address)
        self._note_login(row, password)
        self.log.add(row.name, "logged in")
        return self.sessions.open(row.id)

    def by_token(self, secret: str) -> Caller | None:
        """Who comes with this API token."""
        return self.tokens.find(secret) if secret.startswith(PREFIX) else None

    def join(self, secret: str, name: str, password: str) -> Account:
        """Do what a one-time link is for: make the account, or give it another password. Then the link is gone.

        Args:
            secret: the last part of the link.
            name: of the account to make; for a new password it is not asked for.
            password: from now on.

        Raises:
            AccountError: the link was used, the name is taken or is none, or the password is easily guessed.
        """
        link = self.links.find(secret)
        name = _checked_name(name) if link is None or link.account is None else link.account
        check_password(password, name)
        # The hash takes long, and is made only for who has a link, and outside of the transaction.
        hashed = self._passwords.hash(password) if link else ""
        with self._store.change() as session:
            used, link = self.links.use(session, secret)
            row = (
                self._make(session, name, used, hashed) if link.account is None else self._renew(session, used, hashed)
            )
        self.log.add(row.name, "made the account" if link.account is None else "chose a new password by a link")
        return _account(row)

    def change_password(self, caller: Caller, old: str, new: str, address: str) -> None:
        """Give the caller's account another password. All its other sessions end.

        Raises:
            LoginRefused: the old one is wrong.
            LoginPaused: there were too many tries.
            AccountError: the new one is easily guessed, or the account stands in the settings file.
        """
        row = self._existing(caller.account)
        _refuse_from_file(row)
        self._pauses.take(row.name, address)
        if not self._passwords.match(row.password_hash, old[: LONGEST + 1]):
            raise LoginRefused("the old password is wrong; the new one was not taken")
        self._pauses.passed(row.name, address)
        check_password(new, row.name)
        hashed = self._passwords.hash(new)
        with self._store.change() as session:
            session.get_one(AccountRow, row.id).password_hash = hashed
            others = SessionRow.account_id == row.id, SessionRow.id != caller.session
            session.execute(delete(SessionRow).where(*others))
        self.log.add(row.name, "changed the password")

    def everyone(self) -> list[Account]:
        """All accounts, by name."""
        with self._store.read() as session:
            return [_account(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.name))]

    def change(self, name: str, *, role: Role, sites: Sites) -> Account:
        """Give an account another role, and other sites. Its sessions go on with what it is allowed now.

        Raises:
            AccountError: there is none, it stands in the settings file, or nobody could change accounts any more.
        """
        with self._store.change() as session:
            row = _one(session, name)
            _refuse_from_file(row)
            row.role, row.sites = role, stored_sites(sites)
            session.flush()
            _refuse_without_admin(session)
            return _account(row)

    def remove(self, name: str) -> None:
        """Remove an account with its sessions and API tokens.

        Raises:
            AccountError: there is none, it stands in the settings file, or nobody could change accounts any more.
        """
        with self._store.change() as session:
            row = _one(session, name)
            _refuse_from_file(row)
            session.delete(row)
            session.flush()
            _refuse_without_admin(session)

    def settle(self, accounts: Iterable[AccountInFile]) -> None:
        """Make the accounts of the settings file be as they stand there; those that stand there no more are removed.

        Raises:
            AccountError: a name is taken by an account that was made by a link.
            SettingsError: a password hash is none.
        """
        wanted = {_checked_name(account.name): account for account in accounts}
        for name, account in wanted.items():
            check_hash(account.password_hash, name)
        with self._store.change() as session:
            for row in session.scalars(select(AccountRow).where(AccountRow.from_file)):
                if row.name not in wanted:
                    session.delete(row)
            for name, account in wanted.items():
                self._settle(session, name, account)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def _settle(self, session: Session, name: str, account: AccountInFile) -> None:
        row = session.scalars(select(AccountRow).where(AccountRow.name == name)).one_or_none()
        if row is None:
            row = AccountRow(name=name, from_file=True, created_at=self._store.now(), password_hash="")
            session.add(row)
        elif not row.from_file:
            raise AccountError(f"account {name}: it was made by a link and stands in the settings file too")
        elif row.password_hash != account.password_hash:
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
        row.role, row.sites = Role(account.role), sorted(account.sites) or None
        row.password_hash = account.password_hash

    def _make(self, session: Session, name: str, link: LinkRow, hashed: str) -> AccountRow:
        if link.kind == "first" and session.scalar(select(func.count()).select_from(AccountRow)):
            raise AccountError("there is an account by now; this link counts no more")
        row = AccountRow(
            name=name,
            role=link.role,
            sites=link.sites,
            password_hash=hashed,
            from_file=False,
            created_at=self._store.now(),
        )
        session.add(row)
        try:
            session.flush()
        except IntegrityError:
            raise AccountError(f"account {name}: the name is taken; choose another one") from None
        return row

    def _renew(self, session: Session, link: LinkRow, hashed: str) -> AccountRow:
        row = session.get_one(AccountRow, link.account_id)
        row.password_hash = hashed
        # Whoever had the old password may hold a session, or have made a token.
        session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
        session.execute(delete(TokenRow).where(TokenRow.account_id == row.id))
        return row

    def _note_login(self, row: AccountRow, password: str) -> None:
        renewed = None
        if not row.from_file and self._passwords.outdated(row.password_hash):
            renewed = self._passwords.hash(password)
        with self._store.change() as session:
            stored = session.get_one(AccountRow, row.id)
            stored.last_login_at = self._store.now()
            if renewed and stored.password_hash == row.password_hash:
                stored.password_hash = renewed

    def _row(self, name: str) -> AccountRow | None:
        with self._store.read() as session:
            return session.scalars(select(AccountRow).where(AccountRow.name == name)).one_or_none()

    def _existing(self, name: str) -> AccountRow:
        with self._store.read() as session:
            return _one(session, name)


def _one(session: Session, name: str) -> AccountRow:
    row = session.scalars(select(AccountRow).where(AccountRow.name == name)).one_or_none()
    if row is None:
        raise AccountError(f"account {name}: there is none")
    return row


def _checked_name(name: str) -> str:
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise AccountError(
            "the name of an account has 1 to 64 characters: a to z, 0 to 9 and . _ @ -",
            hint="it begins with a letter or a digit",
        )
    return name


def _refuse_from_file(row: AccountRow) -> None:
    if row.from_file:
        raise AccountError(f"account {row.name}: it stands in the settings file; change it there")


def _refuse_without_admin(session: Session) -> None:
    admins = session.scalars(select(AccountRow).where(AccountRow.role == Role.ADMIN))
    if all(row.sites is not None for row in admins):
        raise AccountError(
            "nobody would be left who may change accounts; nothing was changed", hint="make another admin first"
        )


def _account(row: AccountRow) -> Account:
    return Account(row.name, role_of(row.role), sites_of(row.sites), row.from_file, row.created_at, row.last_login_at)

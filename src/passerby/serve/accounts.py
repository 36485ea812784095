"""Accounts of people: no default password, no way in but by a password or a one-time link."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import delete, select

from passerby.errors import LoginRefused
from passerby.serve.account_file import AccountInFile, settle
from passerby.serve.account_joining import make_account, renew_password
from passerby.serve.account_links import Links
from passerby.serve.account_log import AccessLog
from passerby.serve.account_pauses import PauseRules, Pauses
from passerby.serve.account_rows import (
    NAME,
    Account,
    account_of,
    checked_name,
    one_named,
    refuse_from_file,
    refuse_without_admin,
)
from passerby.serve.account_sessions import SessionRules, Sessions
from passerby.serve.account_store import AccountRow, AccountStore, Clock, SessionRow, stored_sites, utc_now
from passerby.serve.account_tokens import PREFIX, Tokens
from passerby.serve.passwords import LONGEST, Passwords, check_password
from passerby.serve.permissions import Caller, Role, Sites


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
        with self._passwords.in_line():
            self._pauses.take(name, address)
            row = self._row(name) if NAME.fullmatch(name) else None
            matches = self._passwords.match(row.password_hash if row else "", password[: LONGEST + 1])
        if not matches or row is None:
            # For a name that no account has too: to leave it out would be quicker, and could be measured.
            self.log.add(row.name if row else "", "failed to log in")
            raise LoginRefused("the name or the password is wrong")
        self._pauses.passed(name, address)
        self._note_login(row, password)
        self.log.add(row.name, "logged in")
        return self.sessions.open(row.id)

    def by_token(self, secret: str) -> Caller | None:
        """Who comes with this API token."""
        return self.tokens.find(secret) if secret.startswith(PREFIX) else None

    def again(self, caller: Caller) -> Caller | None:
        """Who that is now, for what stays open for hours; None when the session or the API token has ended."""
        if caller.session is not None:
            return self.sessions.alive(caller.session)
        return self.tokens.alive(caller.token) if caller.token is not None else None

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
        name = checked_name(name) if link is None or link.account is None else link.account
        check_password(password, name)
        # The hash takes long, and is made only for who has a link, and outside of the transaction.
        with self._passwords.in_line():
            hashed = self._passwords.hash(password) if link else ""
        with self._store.change() as session:
            used, link = self.links.use(session, secret)
            if link.account is None:
                row = make_account(session, name, used, hashed, self._store.now())
            else:
                row = renew_password(session, used, hashed)
        self.log.add(row.name, "made the account" if link.account is None else "chose a new password by a link")
        return account_of(row)

    def change_password(self, caller: Caller, old: str, new: str, address: str) -> None:
        """Give the caller's account another password. All its other sessions end.

        Raises:
            LoginRefused: the old one is wrong.
            LoginPaused: there were too many tries.
            AccountError: the new one is easily guessed, or the account stands in the settings file.
        """
        row = self._existing(caller.account)
        if row.password_in_file:
            refuse_from_file(row)
        with self._passwords.in_line():
            self._pauses.take(row.name, address)
            matches = self._passwords.match(row.password_hash, old[: LONGEST + 1])
        if not matches:
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
            return [account_of(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.name))]

    def change(self, name: str, *, role: Role, sites: Sites) -> Account:
        """Give an account another role, and other sites. Its sessions go on with what it is allowed now.

        Raises:
            AccountError: there is none, it stands in the settings file, or nobody could change accounts any more.
        """
        with self._store.change() as session:
            row = one_named(session, name)
            refuse_from_file(row)
            row.role, row.sites = role, stored_sites(sites)
            session.flush()
            refuse_without_admin(session)
            return account_of(row)

    def remove(self, name: str) -> None:
        """Remove an account with its sessions and API tokens.

        Raises:
            AccountError: there is none, it stands in the settings file, or nobody could change accounts any more.
        """
        with self._store.change() as session:
            row = one_named(session, name)
            refuse_from_file(row)
            session.delete(row)
            session.flush()
            refuse_without_admin(session)

    def settle(self, accounts: Iterable[AccountInFile]) -> None:
        """Make the accounts of the settings file be as they stand there; those that stand there no more are removed.

        Raises:
            AccountError: a name is taken by an account that was made by a link.
            SettingsError: a password hash is none.
        """
        settle(self._store, accounts)

    def close(self) -> None:
        """Let go of the database."""
        self._store.close()

    def _note_login(self, row: AccountRow, password: str) -> None:
        renewed = None
        if not row.password_in_file and self._passwords.outdated(row.password_hash):
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
            return one_named(session, name)

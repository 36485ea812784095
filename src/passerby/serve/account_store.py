"""The database of accounts: one SQLite file that only its owner may read. Secrets stand in it as hashes only."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Connection, Dialect, Engine, ForeignKey, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from passerby.errors import AccountError
from passerby.serve.permissions import Role, Sites

FILE_NAME = "accounts.sqlite"
_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Aware, in UTC."""
    return datetime.now(UTC)


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the database."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Out of it."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Table(DeclarativeBase):
    """All tables of this file."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Instant, list[str]: JSON(none_as_null=True)}


class AccountRow(Table):
    """An account. `sites` is null for the whole town; without a hash nobody can log in until a link was used."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    sites: Mapped[list[str] | None]
    password_hash: Mapped[str]
    password_in_file: Mapped[bool] = mapped_column(default=False)
    from_file: Mapped[bool]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class SessionRow(Table):
    """A session. Its secret changes now and then: `next_hash` counts from its first use, `previous_hash` for a while.

    `form_token` stands here as it is: it proves nothing without the secret, and pages have to be told it.
    """

    __tablename__ = "session"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    next_hash: Mapped[str | None] = mapped_column(unique=True)
    previous_hash: Mapped[str | None] = mapped_column(index=True)
    form_token: Mapped[str]
    began_at: Mapped[datetime]
    used_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]


class TokenRow(Table):
    """An API token."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LinkRow(Table):
    """A one-time link: for the first account, for an invitation, or for a new password of an account that exists."""

    __tablename__ = "link"
    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    role: Mapped[str]
    sites: Mapped[list[str] | None]
    expires_at: Mapped[datetime | None]


class PauseRow(Table):
    """Failed logins in a row, for an account or an address; the key is a hash of which."""

    __tablename__ = "pause"
    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    until: Mapped[datetime]


class LogRow(Table):
    """Somebody did something."""

    __tablename__ = "log"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    note: Mapped[str]


class AccountStore:
    """The open database.

    Args:
        folder: where the file is or is made, with mode 0600.
        now: the clock that everything here goes by.

    Raises:
        AccountError: the file cannot be used, or a newer passerby made it.
    """

    def __init__(self, folder: Path, now: Clock = utc_now) -> None:
        self.now = now
        path = folder / FILE_NAME
        _make_private(path)
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._writing = self._engine.execution_options(writes=True)
        try:
            with self._writing.begin() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
                if version not in (0, _VERSION):
                    raise AccountError(f"{FILE_NAME}: it was made by a newer passerby; it was left as it is")
                Table.metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={_VERSION}")
        except SQLAlchemyError as error:
            raise AccountError(f"{FILE_NAME}: it cannot be used as the database of accounts") from error

    def read(self) -> AbstractContextManager[Session]:
        """A transaction that changes nothing.

        Raises:
            AccountError: the database cannot be used now.
        """
        return self._transaction(self._engine)

    def change(self) -> AbstractContextManager[Session]:
        """A transaction that nobody else's comes between: all of it is done, or none.

        Raises:
            AccountError: the database cannot be used now.
        """
        return self._transaction(self._writing)

    @contextmanager
    def _transaction(self, engine: Engine) -> Generator[Session, None, None]:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise AccountError(f"{FILE_NAME}: the database of accounts cannot be used; nothing was changed") from error

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()


def new_secret() -> str:
    """256 random bits, as text that fits into addresses and cookies."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is stored of a secret of 256 random bits: it cannot be guessed, so that a slow hash would gain nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sites_of(stored: list[str] | None) -> Sites:
    """As they are asked about."""
    return None if stored is None else frozenset(stored)


def stored_sites(sites: Sites) -> list[str] | None:
    """As they are stored."""
    return None if sites is None else sorted(sites)


def role_of(stored: str) -> Role:
    """As it is asked about."""
    return Role(stored)


def _make_private(path: Path) -> None:
    """The file, readable by its owner only, before anything is in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise AccountError(f"{FILE_NAME}: it cannot be made or opened for writing") from error


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where sqlite3 guesses
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # Who will write takes the lock before reading: two who read first and write then would both be refused, or both
    # count the same try.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

"""The catalogue's database: short transactions, tables of this version, and errors in words."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError

from passerby.archive.database_errors import catalogue_error, may_pass
from passerby.archive.schema import archive_table
from passerby.errors import ArchiveError

T = TypeVar("T")

REVISION = "0001"
"""Of the tables, as this version of passerby uses them: the last step under `migrations/`."""

_CLASHES = 5
"""How often a transaction that met another one on the same row is tried again."""


class Database:
    """A SQLite file or a PostgreSQL database. Safe to share between threads, not across a fork."""

    def __init__(self, url: URL, *, busy_s: float) -> None:
        self.url = url
        self.name = Path(url.database or "").name if _is_sqlite(url) else f"the database {url.database}"
        self._busy_s = busy_s
        self._engine = _engine(url, busy_s)
        self._writing = self._engine.execution_options(writes=True)

    @staticmethod
    def at(address: str, *, busy_s: float) -> Database:
        """The database of a SQLAlchemy URL; `postgresql://` means psycopg.

        Raises:
            ArchiveError: the URL names no database that passerby knows, or its driver is not installed.
        """
        try:
            url = make_url(address)
            if url.drivername in ("postgresql", "postgres"):
                url = url.set(drivername="postgresql+psycopg")
            if url.drivername not in ("sqlite", "postgresql+psycopg") or not url.database:
                raise ArgumentError
            return Database(url, busy_s=busy_s)
        except (ArgumentError, ValueError) as error:
            raise ArchiveError(
                "the address of the catalogue's database is not one that passerby can use; nothing was opened",
                hint="give sqlite:////folder/catalogue.sqlite or postgresql://user@host/name",
            ) from error
        except ModuleNotFoundError as error:
            raise ArchiveError(
                "the catalogue is on PostgreSQL, and the library for it is not installed; nothing was opened",
                hint="pip install 'passerby[postgres]'",
            ) from error

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A view of the catalogue as it is now, that no writer disturbs.

        Raises:
            ArchiveError: the database cannot be used.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self.error(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction: all of it, or nothing. It may be called several times.

        Raises:
            ArchiveError: another process kept the database locked for longer than `busy_s`, the disk is full, and the
                like; nothing was changed.
        """
        until, clashes = time.monotonic() + self._busy_s, 0
        while True:
            try:
                with self._writing.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                clashes += isinstance(error, IntegrityError)
                if clashes > _CLASHES or not may_pass(error) or time.monotonic() >= until:
                    raise self.error(error) from error
            except SQLAlchemyError as error:
                raise self.error(error) from error
            time.sleep(random.uniform(0.005, 0.05))

    def migrate(self) -> None:
        """Bring the tables to this version; several processes may try at the same time if they share a lock.

        Raises:
            ArchiveError: the tables are of a later version or not passerby's, or the database cannot be used.
        """
        if self.revision() != REVISION:
            self.write(_upgrade)

    def revision(self) -> str | None:
        """Which version the tables are of, or None where there are none.

        Raises:
            ArchiveError: of a later version than this, or somebody else's.
        """
        with self.reading() as connection:
            tables = inspect(connection).get_table_names()
            if not tables:
                return None
            if "alembic_version" not in tables or archive_table.name not in tables:
                raise ArchiveError(
                    f"{self.name}: holds tables that are not passerby's; it was left as it is",
                    hint="give the catalogue a database of its own",
                )
            revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if revision is not None and str(revision) > REVISION:
            raise ArchiveError(
                f"{self.name}: was written by a later version of passerby (tables {revision}, this one knows "
                f"{REVISION}); it was left as it is",
                hint="install that version again",
            )
        return None if revision is None else str(revision)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def error(self, error: SQLAlchemyError) -> ArchiveError:
        """What the database said, in words that hold neither its address nor what was stored."""
        return catalogue_error(self.name, error, self._busy_s)


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _engine(url: URL, busy_s: float) -> Engine:
    if not _is_sqlite(url):
        waits = {"connect_timeout": max(1, round(busy_s)), "options": f"-c lock_timeout={round(busy_s * 1000)}"}
        return create_engine(url, connect_args=waits, pool_pre_ping=True, hide_parameters=True, max_overflow=40)
    engine = create_engine(url, connect_args={"timeout": busy_s}, hide_parameters=True, max_overflow=40)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's own BEGIN comes late and not before tables are made; ours is in `_begin_sqlite`.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader is refused at once where another wrote meanwhile; one that says so waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

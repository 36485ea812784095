"""What databases say when they fail, in words that hold neither their address nor what was stored."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from passerby.errors import ArchiveError


class CatalogueFull(ArchiveError):
    """The disk of the catalogue is full."""


def catalogue_error(name: str, error: SQLAlchemyError, busy_s: float) -> ArchiveError:
    """The error to raise for a catalogue of this name, which waits `busy_s` for locks."""
    why, hint = _reason(error, busy_s)
    kind = CatalogueFull if why == _FULL else ArchiveError
    return kind(f"{name}: {why}; the catalogue is as it was", hint=hint)


_FULL = "the disk is full"
_SAID: tuple[tuple[tuple[str, ...], str, str | None], ...] = (
    (
        ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"),
        "was locked by another process for longer than {busy_s:g} s",
        "find out which program holds the database, and try again",
    ),
    (("SQLITE_FULL", "53100"), _FULL, "free some space, or let the cameras keep less"),
    (
        ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "25006", "42501"),
        "cannot be opened for writing",
        "see whether the disk is mounted, and whether the user that runs passerby may write there",
    ),
    (
        ("SQLITE_NOTADB", "SQLITE_CORRUPT"),
        "is damaged or no database",
        "put back a copy of it, or move it away and start a new archive in an empty folder",
    ),
    (("SQLITE_IOERR",), "the disk failed", "look at the system's log"),
    (("28P01", "28000"), "the database server refuses the user or password", "see the database's settings"),
    (("3D000",), "there is no such database on the server", "make it first, with createdb"),
)


def _codes(error: SQLAlchemyError) -> tuple[str, ...]:
    """What sort of error it was: SQLite's name, or PostgreSQL's SQLSTATE."""
    cause = getattr(error, "orig", None)
    return tuple(
        str(code) for code in (getattr(cause, "sqlite_errorname", None), getattr(cause, "sqlstate", None)) if code
    )


def may_pass(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed in a moment: it met another one."""
    return isinstance(error, IntegrityError) or any(
        code.startswith("SQLITE_BUSY") or code in ("40001", "40P01") for code in _codes(error)
    )


def _reason(error: SQLAlchemyError, busy_s: float) -> tuple[str, str | None]:
    for codes, why, hint in _SAID:
        if any(code.startswith(codes) for code in _codes(error)):
            return why.format(busy_s=busy_s), hint
    if isinstance(error, DBAPIError) and not _codes(error) and type(error.orig).__name__ == "OperationalError":
        return "the database server cannot be reached", "see whether it runs"
    return f"the database failed ({', '.join(_codes(error)) or type(error).__name__})", None

"""Who did what, and when: for those who check it. No pictures, no addresses of cameras or people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from passerby.serve.account_store import AccountStore, LogRow

KEPT_DAYS = 365


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line.

    Attributes:
        at: when.
        who: name of the account; empty for nobody who is known.
        action: what, in a few words ("exported").
        subject: the camera or account that it was done to; empty for none.
        note: what else is worth knowing, such as the range of an export; empty for nothing.
    """

    at: datetime
    who: str
    action: str
    subject: str
    note: str


class AccessLog:
    """The log. Entries are added, never changed, and forgotten after a year."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store

    def add(self, who: str, action: str, subject: str = "", note: str = "") -> None:
        """Write it down before it is done: what cannot be written down is not done.

        Raises:
            AccountError: it could not be written.
        """
        now = self._store.now()
        with self._store.change() as session:
            session.add(LogRow(at=now, who=who, action=action, subject=subject, note=note))
            session.execute(delete(LogRow).where(LogRow.at < now - timedelta(days=KEPT_DAYS)))

    def entries(self, *, limit: int = 200, before: datetime | None = None) -> list[LogEntry]:
        """The latest ones, newest first."""
        query = select(LogRow).order_by(LogRow.at.desc(), LogRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(LogRow.at < before)
        with self._store.read() as session:
            return [LogEntry(row.at, row.who, row.action, row.subject, row.note) for row in session.scalars(query)]

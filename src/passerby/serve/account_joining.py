"""What a one-time link does once a name and a password were chosen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from passerby.errors import AccountError
from passerby.serve.account_store import AccountRow, LinkRow, SessionRow, TokenRow


def make_account(session: Session, name: str, link: LinkRow, hashed: str, now: datetime) -> AccountRow:
    """The account that a link allows to make.

    Raises:
        AccountError: the name is taken, or it is the link for the first account, and there is one by now.
    """
    able = select(AccountRow.id).where(AccountRow.password_hash != "").limit(1)
    if link.kind == "first" and session.scalars(able).first() is not None:
        raise AccountError("there is an account by now; this link counts no more")
    row = AccountRow(
        name=name,
        role=link.role,
        sites=link.sites,
        password_hash=hashed,
        password_in_file=False,
        from_file=False,
        created_at=now,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise AccountError(f"account {name}: the name is taken; choose another one") from None
    return row


def renew_password(session: Session, link: LinkRow, hashed: str) -> AccountRow:
    """Another password for the account of that link. Whoever had the old one is out: sessions and API tokens end."""
    row = session.get_one(AccountRow, link.account_id)
    row.password_hash = hashed
    session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
    session.execute(delete(TokenRow).where(TokenRow.account_id == row.id))
    return row

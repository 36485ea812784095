"""Accounts and their log: for who may see or change them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from passerby.serve.account_links import VALID_H
from passerby.serve.account_rows import Account
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Caller, Permission, Role, Sites
from passerby.serve.town import Name
from passerby.web.answers import AccountEntry, AccountList, LogLine, LogPage, OneTimeLink
from passerby.web.asking import API, ERRORS, Needs, TheAccounts

router = APIRouter(prefix=API, tags=["accounts"], responses=ERRORS)

_Lists = Annotated[Caller, Depends(Needs(Permission.ACCOUNTS))]
_Edits = Annotated[Caller, Depends(Needs(Permission.EDIT_ACCOUNTS))]
_Reads = Annotated[Caller, Depends(Needs(Permission.LOG))]


class RoleBody(BaseModel):
    """What an account is for."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    sites: list[Name] | None = Field(default=None, max_length=1000, description="Null is the whole town.")

    @property
    def as_sites(self) -> Sites:
        """As they are asked about; an empty list is no site at all."""
        return None if self.sites is None else frozenset(self.sites)


@router.get("/accounts")
def list_accounts(accounts: TheAccounts, caller: _Lists) -> AccountList:
    """All accounts."""
    return AccountList(accounts=[_entry(account) for account in accounts.everyone()])


@router.post("/accounts/invitations", status_code=201)
def invite(body: RoleBody, accounts: TheAccounts, caller: _Edits) -> OneTimeLink:
    """A link by which somebody chooses a name and a password."""
    accounts.log.add(caller.account, "invited somebody", note=f"as {body.role}")
    return OneTimeLink(path=f"/join/{accounts.links.invite(body.role, body.as_sites)}", valid_h=VALID_H)


@router.post("/accounts/{name}/password-link", status_code=201)
def make_password_link(name: str, accounts: TheAccounts, caller: _Edits) -> OneTimeLink:
    """A link by which the owner of an account chooses another password; until then the old one counts."""
    _refuse_unknown(accounts, name)
    secret = accounts.links.for_password(name)
    accounts.log.add(caller.account, "made a link for a new password", name)
    return OneTimeLink(path=f"/join/{secret}", valid_h=VALID_H)


@router.put("/accounts/{name}")
def change_account(name: str, body: RoleBody, accounts: TheAccounts, caller: _Edits) -> AccountEntry:
    """Give an account another role or other sites; counts at once."""
    _refuse_unknown(accounts, name)
    changed = accounts.change(name, role=body.role, sites=body.as_sites)
    accounts.log.add(caller.account, "changed an account", changed.name, f"to {body.role}")
    return _entry(changed)


@router.delete("/accounts/{name}", status_code=204)
def remove_account(name: str, accounts: TheAccounts, caller: _Edits) -> None:
    """Remove an account; its sessions and API tokens end at once."""
    _refuse_unknown(accounts, name)
    accounts.remove(name)
    accounts.log.add(caller.account, "removed an account", name)


@router.get("/log")
def read_log(
    accounts: TheAccounts,
    caller: _Reads,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before: Annotated[AwareDatetime | None, Query(description="Only what is older.")] = None,
) -> LogPage:
    """Who did what, newest first."""
    entries = accounts.log.entries(limit=limit, before=before)
    return LogPage(entries=[LogLine.model_validate(entry) for entry in entries])


def _refuse_unknown(accounts: Accounts, name: str) -> None:
    if all(account.name != name for account in accounts.everyone()):
        raise HTTPException(404, "there is no such account")


def _entry(account: Account) -> AccountEntry:
    sites = None if account.sites is None else sorted(account.sites)
    return AccountEntry(
        name=account.name,
        role=account.role,
        sites=sites,
        from_file=account.from_file,
        created_at=account.created_at,
        last_login_at=account.last_login_at,
    )

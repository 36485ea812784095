"""Logging in and out, and what everybody may do with the own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from passerby.serve.account_tokens import LONGEST_DAYS
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Caller, Permission, Role
from passerby.web.answers import Me, NewToken, TokenEntry, TokenList
from passerby.web.asking import API, ERRORS, Needs, TheAccounts
from passerby.web.sessions import cookie_with, cookie_without, secret_in

router = APIRouter(prefix=API, tags=["own account"], responses=ERRORS)

_Owns = Annotated[Caller, Depends(Needs(Permission.OWN))]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class LoginBody(_Body):
    """Who one is."""

    name: str = Field(max_length=256)
    password: str = Field(max_length=1024)


class PasswordBody(_Body):
    """Another password."""

    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class TokenBody(_Body):
    """A token to make."""

    label: str = Field(min_length=1, max_length=100, description="What it is for.")
    role: Role = Field(default=Role.VIEWER, description="It may do what this role and the account both may.")
    days: int = Field(default=90, ge=1, le=LONGEST_DAYS, description="Until it expires.")


@router.post("/login")
def log_in(body: LoginBody, request: Request, response: Response, accounts: TheAccounts) -> Me:
    """Begin a session. It comes as a cookie; a session that the browser brought along ends."""
    caller, secret = accounts.log_in(body.name, body.password, address_of(request))
    begin_session(request, response, accounts, secret)
    return _me(caller)


@router.post("/logout", status_code=204)
def log_out(request: Request, response: Response, accounts: TheAccounts, caller: _Owns) -> None:
    """End the session."""
    if caller.session is not None:
        accounts.sessions.close(caller.session)
    response.headers["Set-Cookie"] = cookie_without(request.scope)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


@router.get("/session")
def get_session(caller: _Owns) -> Me:
    """Who is logged in, and what is allowed."""
    return _me(caller)


@router.post("/password", status_code=204)
def change_password(body: PasswordBody, request: Request, accounts: TheAccounts, caller: _Owns) -> None:
    """Choose another password; all other sessions of the account end."""
    accounts.change_password(caller, body.old, body.new, address_of(request))


@router.get("/tokens")
def list_tokens(accounts: TheAccounts, caller: _Owns) -> TokenList:
    """API tokens of the own account; who may change accounts sees all of them."""
    tokens = accounts.tokens.listed(_whose(caller))
    return TokenList(tokens=[TokenEntry.model_validate(token) for token in tokens])


@router.post("/tokens", status_code=201)
def make_token(body: TokenBody, accounts: TheAccounts, caller: _Owns) -> NewToken:
    """An API token for a program. Its secret is in this answer and nowhere else."""
    accounts.log.add(caller.account, "made an API token", note=f"as {body.role} for {body.days} days")
    token, secret = accounts.tokens.make(caller.account, body.label, body.role, body.days)
    return NewToken(**TokenEntry.model_validate(token).model_dump(), secret=secret)


@router.delete("/tokens/{token_id}", status_code=204)
def remove_token(token_id: Annotated[int, Path(ge=1, le=2**62)], accounts: TheAccounts, caller: _Owns) -> None:
    """Remove an API token; it counts no more from now on."""
    if not accounts.tokens.remove(token_id, _whose(caller)):
        raise HTTPException(404, "there is no such API token")
    accounts.log.add(caller.account, "removed an API token", note=f"number {token_id}")


def begin_session(request: Request, response: Response, accounts: Accounts, secret: str) -> None:
    """Give the browser the secret of its new session, and end the one that it brought along."""
    old = secret_in(request.scope)
    if old and (found := accounts.sessions.find(old)) and found.caller.session is not None:
        accounts.sessions.close(found.caller.session)
    response.headers["Set-Cookie"] = cookie_with(request.scope, secret, accounts.sessions.rules.longest_s)


def address_of(request: Request) -> str:
    """The network address of who asks; behind a proxy that is not trusted, that of the proxy."""
    return request.client.host if request.client else "unknown"


def _whose(caller: Caller) -> str | None:
    return None if caller.may(Permission.EDIT_ACCOUNTS) else caller.account


def _me(caller: Caller) -> Me:
    return Me(
        account=caller.account,
        role=caller.role,
        sites=None if caller.sites is None else sorted(caller.sites),
        permissions=sorted(permission.name.lower() for permission in caller.permissions if caller.may(permission)),
        form_token=caller.form_token,
    )

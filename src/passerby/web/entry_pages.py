"""The ways in, as plain HTML: the form to log in, and the page of a one-time link."""

from __future__ import annotations

import re
from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from passerby.errors import AccountError, LoginPaused, LoginRefused, PasserbyError
from passerby.serve.account_links import Link
from passerby.serve.passwords import LONGEST, SHORTEST
from passerby.web.api_login import address_of, begin_session
from passerby.web.asking import TheAccounts, TheNetwork
from passerby.web.plain_page import plain_page

router = APIRouter(include_in_schema=False)

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_GONE = """<h1>This link was used or has expired</h1>
<p>Start passerby anew for the first account; ask who invited you for another one.</p>"""
_Text = Annotated[str, Form(max_length=1024)]


@router.get("/login", response_class=HTMLResponse)
def show_login(network: TheNetwork, next: str = "/") -> HTMLResponse:
    """The form to log in."""
    return _login_page(network.town.title, next)


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    network: TheNetwork,
    accounts: TheAccounts,
    name: _Text = "",
    password: _Text = "",
    next: _Text = "/",
) -> Response:
    """Begin a session, and go where one wanted to."""
    try:
        _, secret = accounts.log_in(name, password, address_of(request))
    except (LoginRefused, LoginPaused) as error:
        status = 429 if isinstance(error, LoginPaused) else 401
        return _login_page(network.town.title, next, error, status)
    response = RedirectResponse(next if _LOCAL.fullmatch(next) else "/", 303)
    begin_session(request, response, accounts, secret)
    return response


@router.get("/join/{secret}", response_class=HTMLResponse)
def show_link(secret: str, network: TheNetwork, accounts: TheAccounts) -> HTMLResponse:
    """What a one-time link is for. To look at it does not use it up: mail programs do that, too."""
    return _join_page(network.town.title, accounts.links.find(secret))


@router.post("/join/{secret}", response_class=HTMLResponse)
def use_link(
    secret: str,
    network: TheNetwork,
    accounts: TheAccounts,
    name: _Text = "",
    password: _Text = "",
    again: _Text = "",
) -> Response:
    """Make the account, or choose the new password; then log in with it."""
    link = accounts.links.find(secret)
    try:
        if link is not None and password != again:
            raise AccountError("the two passwords are not the same")
        accounts.join(secret, name, password)
    except AccountError as error:
        return _join_page(network.town.title, link, name, error)
    return RedirectResponse("/login", 303)


def _login_page(town: str, wanted: str, error: PasserbyError | None = None, status: int = 200) -> HTMLResponse:
    body = [
        f"<h1>{escape(town)}</h1>",
        '<p class="soft">Cameras in which everyone stays a passer-by</p>',
        _told(error),
        '<form method="post" action="/login">',
        _field("name", "Name", autocomplete="username", autocapitalize="none", autofocus="autofocus"),
        _field("password", "Password", type="password", autocomplete="current-password"),
        f'<input type="hidden" name="next" value="{escape(wanted)}">',
        "<button>Log in</button>\n</form>",
    ]
    response = plain_page(f"Log in: {town}", "\n".join(body), status)
    if isinstance(error, LoginPaused):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _join_page(town: str, link: Link | None, name: str = "", error: AccountError | None = None) -> HTMLResponse:
    if link is None:
        return plain_page(town, _GONE, 404)
    new = {"type": "password", "autocomplete": "new-password", "minlength": str(SHORTEST), "maxlength": str(LONGEST)}
    body = [
        f"<h1>{escape(_heading(link))}</h1>",
        f'<p class="soft">{escape(town)}</p>',
        _told(error),
        '<form method="post">',
        _name_field(link, name),
        _field("password", f"Password, {SHORTEST} characters or more", **new),
        _field("again", "The same password again", **new),
        "<button>Done</button>\n</form>",
    ]
    return plain_page(f"{_heading(link)}: {town}", "\n".join(body), 422 if error else 200)


def _name_field(link: Link, name: str) -> str:
    if link.account is not None:  # for password stores; nobody chooses it here
        return f'<input type="hidden" autocomplete="username" value="{escape(link.account)}">'
    return _field("name", "Name", value=name, maxlength="64", autocomplete="username", autocapitalize="none")


def _field(name: str, label: str, **attributes: str) -> str:
    told = " ".join(f'{key}="{escape(value)}"' for key, value in attributes.items())
    return f'<label for="{name}">{escape(label)}</label>\n<input id="{name}" name="{name}" {told} required>'


def _heading(link: Link) -> str:
    if link.kind == "first":
        return "Make the first account"
    return "Make your account" if link.account is None else f"Choose a new password for {link.account}"


def _told(error: PasserbyError | None) -> str:
    if error is None:
        return ""
    hint = f"; {escape(error.hint)}" if error.hint else ""
    return f'<p class="bad" role="alert">{escape(error.message[:1].upper() + error.message[1:])}{hint}.</p>'

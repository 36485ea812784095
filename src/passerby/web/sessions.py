"""Who asks: the cookie of a session, or the API token of a program.

`guards.Gate` finds it out before any route or page is reached, and lets nobody through who may not come in; pages only
ask `current_user`. The forms to log in and to use a one-time link are in `entry_pages.py`: plain HTML without NiceGUI,
because its scripts and its socket are behind the gate too.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from passerby.serve.permissions import Caller

COOKIE = "passerby_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Under TLS: browsers take it only with Secure, for this host and all of its paths."""
FORM_HEADER = "x-csrf-token"
"""What changes something carries `Caller.form_token` in this header, beside the cookie."""


def current_user(request: HTTPConnection) -> Caller | None:
    """Who asks, or None where nobody has to (the forms to log in, public pages).

    Inside of a page of NiceGUI, the request of that page. What stays open for long has to ask `Sessions.alive` again
    (with `Caller.session`) before it shows or does something: accounts are removed, and sessions end.
    """
    return caller_in(request.scope)


def caller_in(scope: Scope) -> Caller | None:
    """The same, of an ASGI scope."""
    return cast("Caller | None", scope.get("state", {}).get("caller"))


def remember_caller(scope: Scope, caller: Caller | None) -> None:
    """Told by the gate to everything behind it."""
    scope.setdefault("state", {})["caller"] = caller


def is_secure(scope: Scope) -> bool:
    """Whether it came by TLS, as far as this server (or the proxy that it trusts) can tell."""
    return scope["scheme"] in ("https", "wss")


def secret_in(scope: Scope) -> str | None:
    """The secret of the session that the browser brought along."""
    jar: SimpleCookie = SimpleCookie()
    for header in Headers(scope=scope).getlist("cookie"):
        try:
            jar.load(header)
        except CookieError:
            continue
    found = jar.get(SECURE_COOKIE if is_secure(scope) else COOKIE)
    return found.value if found else None


def cookie_with(scope: Scope, secret: str, longest_s: float) -> str:
    """The header that gives the browser its secret: out of reach of scripts, and not sent along by other sites."""
    return _cookie(scope, secret, int(longest_s))


def cookie_without(scope: Scope) -> str:
    """The header that takes it away again."""
    return _cookie(scope, "", 0)


def _cookie(scope: Scope, value: str, longest_s: int) -> str:
    secure = is_secure(scope)
    parts = [f"{SECURE_COOKIE if secure else COOKIE}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    return "; ".join([*parts, f"Max-Age={longest_s}", *(["Secure"] if secure else [])])

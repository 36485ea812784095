"""The gate: everything is closed to who did not log in, except what is listed here as open."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.errors import AccountError
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Caller, Permission, Role
from passerby.web.limits import SOCKET_PATH
from passerby.web.refusals import refuse
from passerby.web.sessions import FORM_HEADER, cookie_with, is_secure, remember_caller, secret_in

OPEN = re.compile(r"/healthz|/login|/api/v1/login|/join/[^/]+|/public/[^/]+")
"""Paths for which nobody has to have logged in."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who comes in, and the secret to give the browser for next time."""

    caller: Caller | None
    offered: str | None = None


class Gate:
    """Finds out who asks, tells everything behind it (`sessions.current_user`), and turns back who may not come in.

    Args:
        app: everything behind it.
        accounts: who may come in.
        local_metrics: whether `/metrics` is open to programs on this machine; asked each time.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, local_metrics: Callable[[], bool]) -> None:
        self._app = app
        self._accounts = accounts
        self._local_metrics = local_metrics
        # Of its own: routes that wait for something slow hold up no one at the gate.
        self._threads = CapacityLimiter(8)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As in ASGI."""
        if scope["type"] not in ("http", "websocket") or scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        try:
            entry = await to_thread.run_sync(self._identify, scope, limiter=self._threads)
        except AccountError as error:
            await refuse(scope, receive, send, 503, error.message, hint=error.hint)
            return
        if entry.caller is None and not OPEN.fullmatch(scope["path"]):
            await _turn_back(scope, receive, send)
        elif foreign := _why_foreign(scope, entry.caller):
            await refuse(scope, receive, send, 403, foreign, hint="load the page again")
        else:
            remember_caller(scope, entry.caller)
            await self._app(scope, receive, self._with_cookie(scope, send, entry.offered))

    def _identify(self, scope: Scope) -> _Entry:
        headers = Headers(scope=scope)
        if "authorization" in headers:  # never both: who brings a token is not helped out by a cookie
            kind, _, secret = headers["authorization"].partition(" ")
            return _Entry(self._accounts.by_token(secret.strip()) if kind.lower() == "bearer" else None)
        if scope["path"] == "/metrics" and self._local_metrics() and _is_local(scope, headers):
            return _Entry(Caller("this machine", Role.AUDITOR, frozenset({Permission.METRICS}), None))
        brought = secret_in(scope)
        found = self._accounts.sessions.find(brought) if brought else None
        return _Entry(found.caller, found.offered) if found else _Entry(None)

    def _with_cookie(self, scope: Scope, send: Send, offered: str | None) -> Send:
        if offered is None or scope["type"] == "websocket":
            return send
        cookie = cookie_with(scope, offered, self._accounts.sessions.rules.longest_s)

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "set-cookie" not in headers:  # logging in or out has the last word
                    headers.append("Set-Cookie", cookie)
            await send(message)

        return add


async def _turn_back(scope: Scope, receive: Receive, send: Send) -> None:
    wants_page = scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
    if wants_page and scope["method"] == "GET" and not scope["path"].startswith(("/api/", "/metrics", "/_nicegui")):
        await RedirectResponse(f"/login?next={quote(scope['path'])}", 303)(scope, receive, send)
        return
    await refuse(
        scope,
        receive,
        send,
        401,
        "nobody is logged in, or the session or API token has expired",
        hint="log in, or send an API token as 'Authorization: Bearer ppb_...'",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _why_foreign(scope: Scope, caller: Caller | None) -> str | None:
    """Why this looks as if another site had made the browser ask; None when it does not.

    An API token is not known to browsers, so nobody else can make one send it.
    """
    if caller is not None and caller.session is None:
        return None
    headers = Headers(scope=scope)
    if _is_cross_site(scope, headers):
        return "another site asked for this; it was not done"
    origin = headers.get("origin")
    socket = scope["type"] == "websocket" or scope["path"].startswith(SOCKET_PATH)
    changes = scope["type"] == "websocket" or scope["method"] not in _READING
    if origin is not None and (socket or changes) and not _is_own(scope, headers, origin):
        return "a page of another site asked for this; it was not done"
    if not changes or caller is None or OPEN.fullmatch(scope["path"]):
        return None
    if socket:  # NiceGUI sends no token along; browsers always say where they are when they open or send something
        return None if origin is not None else "it is not known which page asks for this; it was not done"
    if not _has_form_token(headers, caller):
        return f"the header {FORM_HEADER} is missing or not that of this session; nothing was done"
    return None


def _has_form_token(headers: Headers, caller: Caller) -> bool:
    return secrets.compare_digest(headers.get(FORM_HEADER, "").encode(), caller.form_token.encode())


def _is_cross_site(scope: Scope, headers: Headers) -> bool:
    """What browsers tell of themselves: only whole pages may be opened by links from elsewhere."""
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith("/api/")
    return not (page and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document")


def _is_own(scope: Scope, headers: Headers, origin: str) -> bool:
    parts = urlsplit(origin)
    if is_secure(scope) and parts.scheme != "https":
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()


def _is_local(scope: Scope, headers: Headers) -> bool:
    """Whether a program on this machine asks, and not a proxy on it for somebody else, or a browser led astray."""
    client = scope.get("client")
    if client is None or any(name in headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "origin")):
        return False
    host = re.sub(r":\d+$", "", headers.get("host", ""))
    try:
        return host in _LOCAL_NAMES and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False

"""What every answer tells the browser not to do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.web.sessions import is_secure

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nobody outside is told where one comes from. Not `no-referrer`: browsers then send `Origin: null` with our forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_PAGE = (
    "default-src 'none'; img-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC = "/_nicegui/"
"""Scripts and styles of the package itself: the same for everybody, so that browsers may keep them."""


class SecurityHeaders:
    """Adds them; what an answer has set itself stays.

    Args:
        app: everything behind it.
        tiles_url: where pages may get map tiles from; asked each time, because settings change.
    """

    def __init__(self, app: ASGIApp, tiles_url: Callable[[], str]) -> None:
        self._app = app
        self._tiles_url = tiles_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As in ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, add)

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        page = headers.get("content-type", "").startswith("text/html")
        headers.setdefault("Content-Security-Policy", page_policy(self._tiles_url()) if page else _NO_PAGE)
        if not scope["path"].startswith(_STATIC):
            # What was redacted is still nothing to lie around in the caches of browsers and proxies.
            headers.setdefault("Cache-Control", "no-store")
        if is_secure(scope):
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def page_policy(tiles_url: str) -> str:
    """What a page of NiceGUI may load: from here only, and map tiles. Vue compiles templates, hence `unsafe-eval`."""
    parts = urlsplit(tiles_url.replace("{s}", "*"))
    tiles = f" {parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""
    return (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:{tiles}; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )

"""How much anybody may send, before anybody looks at it."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from passerby.web.refusals import refuse

MOST_HEADERS = 64
MOST_HEADER_BYTES = 16 << 10
MOST_ADDRESS_BYTES = 4 << 10
MOST_BODY_BYTES = 64 << 10
SOCKET_PATH = "/_nicegui_ws/"
"""Where NiceGUI's pages talk to the server, over HTTP where a WebSocket cannot be had."""
MOST_SOCKET_BYTES = 1 << 20
_BODY_S = 20.0


class Limits:
    """Refuses what is too large (413, 414, 431) or comes too slowly (408)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As in ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        most = MOST_SOCKET_BYTES if scope["path"].startswith(SOCKET_PATH) else MOST_BODY_BYTES
        if refusal := _refusal(scope, most):
            status, message = refusal
            # The rest of the body is not read: the connection is of no more use.
            await refuse(scope, receive, send, status, message, headers={"Connection": "close"})
            return
        limited = _LimitedBody(receive, most) if scope["type"] == "http" else receive
        await self._app(scope, limited, send)


class _LimitedBody:
    """Counts what comes, where the length was not told or was not true."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most
        self._ends_at: float | None = asyncio.get_running_loop().time() + _BODY_S

    async def __call__(self) -> Message:
        if self._ends_at is None:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body came too slowly; it was not read to its end") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, "the body is too large; it was not read to its end")
        if not message.get("more_body", False):
            self._ends_at = None
        return message


def _refusal(scope: Scope, most: int) -> tuple[int, str] | None:
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
        return 431, "the headers are too large"
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > MOST_ADDRESS_BYTES:
        return 414, "the address is too long"
    lengths = [value for name, value in headers if name == b"content-length"]
    if any(not length.isdigit() for length in lengths) or len(set(lengths)) > 1:
        return 400, "the length of the body is no number"
    if any(int(length[:20]) > most for length in lengths):
        return 413, f"the body is larger than {most} bytes"
    return None

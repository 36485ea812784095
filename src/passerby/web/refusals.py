"""How a request is refused: JSON with a sentence and a hint, whoever refuses it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

POLICY_VIOLATION = 1008
"""The code that a WebSocket is closed with when it may not be opened, or not stay open (RFC 6455)."""


def error_body(message: str, hint: str | None = None) -> dict[str, dict[str, str | None]]:
    """The body of every error."""
    return {"error": {"message": message, "hint": hint}}


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    message: str,
    *,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer instead of what was asked for. A WebSocket is never accepted."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": message[:100]})
        return
    await JSONResponse(error_body(message, hint), status, headers)(scope, receive, send)

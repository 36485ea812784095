"""Live pictures over a WebSocket: fragmented MP4 for Media Source, to whoever can keep up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException, WebSocketException
from starlette.websockets import WebSocket, WebSocketDisconnect

from passerby.errors import AccountError
from passerby.live import LivePart
from passerby.serve.accounts import Accounts
from passerby.serve.fan_out import Subscription
from passerby.serve.permissions import Caller, Permission
from passerby.web.asking import API, Needs, TheAccounts, TheNetwork, camera_for
from passerby.web.refusals import POLICY_VIOLATION

router = APIRouter(prefix=API)

SEND_S = 10.0
"""Who has not taken a part after so long is sent away; the page comes back by itself."""
CHECK_S = 15.0
"""How often it is asked whether the session is still one."""
MOST_SOCKETS = 256
_GOING_AWAY, _TRY_AGAIN = 1001, 1013

_Watches = Annotated[Caller, Depends(Needs(Permission.WATCH))]


@router.websocket("/cameras/{name}/live")
async def watch(socket: WebSocket, name: str, network: TheNetwork, accounts: TheAccounts, caller: _Watches) -> None:
    """First `{"codec", "recording"}` as text, then the init and the parts as binary; again when a recording begins."""
    try:
        camera_for(network, caller, name)
    except HTTPException as error:
        raise WebSocketException(POLICY_VIOLATION, error.detail) from None
    viewers: set[str] = socket.app.state.viewers
    await socket.accept()
    if len(viewers) >= MOST_SOCKETS:
        await socket.close(_TRY_AGAIN, "too many viewers")
        return
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def on_ready() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(news.set)

    key = f"{name} {id(socket)}"
    viewers.add(key)
    try:
        with network.subscribe(name, on_ready) as subscription:
            viewer = _Viewer(socket, subscription, news)
            code, why = await _first_to_end(
                viewer.send_parts(), viewer.until_gone(), _until_revoked(accounts, caller, network, name)
            )
        await _close(socket, code, why)
    except KeyError:  # the camera was removed meanwhile
        await _close(socket, _GOING_AWAY, "there is no such camera any more")
    finally:
        viewers.discard(key)


class _Viewer:
    """One who watches."""

    def __init__(self, socket: WebSocket, subscription: Subscription, news: asyncio.Event) -> None:
        self._socket, self._subscription, self._news = socket, subscription, news

    async def send_parts(self) -> tuple[int, str]:
        """Until the camera is removed, or the viewer does not keep up; how to close, and why."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while part := self._subscription.get(0):
                    async with asyncio.timeout(SEND_S):
                        await self._send(part)
                if self._subscription.closed:
                    return _GOING_AWAY, "the camera was removed or restarted"
        except TimeoutError:
            return _TRY_AGAIN, "too slow"

    async def until_gone(self) -> tuple[int, str]:
        """What viewers say is not listened to, except that they leave."""
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass
        return _GOING_AWAY, "gone"

    async def _send(self, part: LivePart) -> None:
        if part.kind == "init":
            await self._socket.send_json({"codec": part.codec, "recording": part.recording})
        await self._socket.send_bytes(part.data)


async def _until_revoked(accounts: Accounts, caller: Caller, network: TheNetwork, name: str) -> tuple[int, str]:
    """Sessions end, roles change, and cameras move to other sites while somebody watches."""
    while True:
        await asyncio.sleep(CHECK_S)
        try:
            now = await to_thread.run_sync(accounts.again, caller)
            if now is None or not now.may(Permission.WATCH):
                return POLICY_VIOLATION, "logged out"
            camera_for(network, now, name)
        except (AccountError, HTTPException):
            return POLICY_VIOLATION, "not allowed any more"


async def _first_to_end(*ways: Coroutine[Any, Any, tuple[int, str]]) -> tuple[int, str]:
    """Whichever ends first says how; the others are ended, and nothing of them goes on after this."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    except WebSocketDisconnect:
        return _GOING_AWAY, "gone"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close(socket: WebSocket, code: int, why: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):  # it is closed already, or nobody is there
        async with asyncio.timeout(SEND_S):
            await socket.close(code, why)

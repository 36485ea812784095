"""Connections that keep nobody else waiting: requests begin in time, and there are not too many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 500
"""Of all clients together. Each takes a file descriptor, and cameras and recordings need some, too."""

_HEAD_S = 20.0


class BoundedProtocol(H11Protocol):
    """HTTP whose clients have `_HEAD_S` for the head of a request; who is slower, or one too many, is let go of.

    Between requests the server's own time-out counts. Without a limit, a few thousand connections that send a byte now
    and then would keep everybody else out.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As in asyncio."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.close()
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """As in asyncio."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        else:
            self._head_is_there()

    def on_response_complete(self) -> None:
        """An answer was sent; the next request may have begun already."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_head()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The head is there; from now on another protocol has the connection."""
        self._head_is_there()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """As in asyncio."""
        self._head_is_there()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        """From the first byte on: who sends a few more gets no more time."""
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(_HEAD_S, self.transport.close)

    def _head_is_there(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

"""Bytes that are made while they are sent, to whoever takes them."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Iterator, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from passerby.errors import PasserbyError

TAKEN_S = 60.0
"""Who has not taken a piece after so long is sent no more."""

_log = logging.getLogger(__name__)


class SentAsMade(StreamingResponse):
    """A response of a length that is told first. Where it breaks off the connection does, so that nobody takes the
    beginning for the whole.

    Args:
        chunks: the bytes; made in threads.
        media_type: of all of them.
        headers: with the length.
        over: called once, when nothing of it is needed any more.
        longest_s: who has not taken all of it after so long gets no more.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        media_type: str,
        headers: Mapping[str, str],
        over: Callable[[], None],
        *,
        longest_s: float,
    ) -> None:
        super().__init__(chunks, headers=headers, media_type=media_type)
        self._longest_s = longest_s
        self._over = weakref.finalize(self, over)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As in ASGI."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(TAKEN_S):
                await send(message)

        try:
            async with asyncio.timeout(self._longest_s):
                await super().__call__(scope, receive, send_in_time)
        except PasserbyError as error:
            _log.warning("a file was not sent to its end: %s", error.message)
        except TimeoutError:
            _log.warning("a file was not sent to its end: it was taken too slowly")
        finally:
            self._over()

"""Cameras that answer in this network, and the streams that they offer. Who did not answer is not asked for anything.

That is the rule which keeps this from being a way to try out hosts and ports: an address that somebody types is never
asked here, only one from which a camera has just answered.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict

from passerby.errors import SettingsError
from passerby.read.onvif import EVERYBODY, FoundCamera, StreamAddress, discover, stream_addresses
from passerby.serve.apart import answer_apart, ask_apart
from passerby.serve.link import Message
from passerby.serve.outbox import Outbox
from passerby.serve.search_turns import SearchTurns

KNOWN_S = 900.0
"""So long after its answer a camera may be asked for its streams."""
_MOST_STREAMS = 32


class CameraFinder:
    """Remembers who answered; safe to use from any thread.

    Args:
        where: address and port to ask.
        wait_s: how long answers are waited for.
    """

    def __init__(self, where: tuple[str, int] = EVERYBODY, wait_s: float = 3.0) -> None:
        self._where, self._wait_s = where, wait_s
        self._turns, self._lock = SearchTurns(), threading.Lock()
        self._answered_s: dict[tuple[str, int], float] = {}

    def find(self) -> list[FoundCamera]:
        """Cameras that answer now, by address; it takes `wait_s`.

        Raises:
            SearchPaused: others search, or it was asked too often.
        """
        with self._turns.take():
            found = discover(self._wait_s, where=self._where)
        with self._lock:
            self._answered_s.update({(camera.host, camera.port): time.monotonic() for camera in found})
        return found

    def streams(self, host: str, port: int, username: str, password: str) -> list[StreamAddress]:
        """What a camera that answered offers, the largest picture first; asked in a process of its own.

        Raises:
            SettingsError: no camera has answered from there of late; nobody was asked.
            SearchPaused: others search, or it was asked too often.
            CameraError: it does not answer any more, refuses the password, or offers no video.
        """
        with self._lock:
            answered_s = self._answered_s.get((host, port))
        if answered_s is None or time.monotonic() - answered_s > KNOWN_S:
            raise SettingsError(
                "no camera has answered from there in the last quarter of an hour; nobody was asked",
                hint="Find cameras again, or write the address of its stream",
            )
        order = Message("streams", {"told": [host, port, username, password]})
        with self._turns.take():
            return ask_apart(order, _streams_in, camera="the camera")


def answer_streams(order: Message, outbox: Outbox) -> None:
    """In that process: ask the camera, and say what it offers."""
    answer_apart(outbox, lambda: _seen(order))


def _seen(order: Message) -> Message:
    host, port, username, password = order.told["told"]
    streams = stream_addresses(host, port, username, password)
    return Message("seen", {"streams": [asdict(stream) for stream in streams[:_MOST_STREAMS]]})


def _streams_in(answer: Message) -> list[StreamAddress]:
    return [StreamAddress(**told) for told in answer.told["streams"]]

"""What a camera's process and its supervisor say to each other: JSON and bytes over a socket.

Nothing is unpickled: a process that decodes whatever a camera sends is not trusted further than its words.
"""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import time
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from passerby.live import CameraFigures, CoveredSecond, LivePart, SegmentInfo

MOST_TEXT, MOST_DATA = 1 << 20, 64 << 20
_HEAD = struct.Struct(">II")
_MOST_WORDS = 500
_PATIENCE_S = 20.0
"""How long the rest of a message may take once it has begun, on a machine with too much to do."""

T = TypeVar("T")


class LinkClosed(Exception):
    """The other side is gone, or what it says cannot be understood."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that is said.

    Attributes:
        kind: what it is about.
        told: what JSON can hold. Never shown: it may hold credentials on the way to the worker.
        data: bytes that go with it.
    """

    kind: str
    told: dict[str, Any] = field(default_factory=dict, repr=False)
    data: bytes = field(default=b"", repr=False)


class Link:
    """One end of the socket. One thread may send while another receives."""

    def __init__(self, connection: socket.socket, patience_s: float = _PATIENCE_S) -> None:
        self._connection, self._patience_s = connection, patience_s

    def send(self, message: Message) -> None:
        """Say something; waits until it is on its way.

        Raises:
            LinkClosed: the other side is gone.
        """
        text = json.dumps([message.kind, message.told]).encode()
        try:
            self._connection.sendall(_HEAD.pack(len(text), len(message.data)) + text + message.data)
        except OSError as error:
            raise LinkClosed from error

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """What is said next; None when nothing was within so many seconds (None: wait for ever).

        Raises:
            LinkClosed: the other side is gone, talks nonsense, or was silent in the middle of a message.
        """
        try:
            if not self._heard(timeout_s):
                return None
            until_s = time.monotonic() + self._patience_s
            text_bytes, data_bytes = _HEAD.unpack(self._read(_HEAD.size, until_s))
            if text_bytes > MOST_TEXT or data_bytes > MOST_DATA:
                raise LinkClosed("too long")
            kind, told = json.loads(self._read(text_bytes, until_s))
            return Message(_of(str, kind), _of(dict, told), self._read(data_bytes, until_s))
        except (OSError, ValueError, TypeError) as error:
            raise LinkClosed from error

    def close(self) -> None:
        """Hang up; idempotent."""
        self._connection.close()

    def _heard(self, timeout_s: float | None) -> bool:
        # Not `select`, which knows only the first thousand of the files that a process has open.
        waiting = select.poll()
        waiting.register(self._connection, select.POLLIN)
        return bool(waiting.poll(None if timeout_s is None else 1000 * timeout_s))

    def _read(self, count: int, until_s: float) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            if not self._heard(max(0.0, until_s - time.monotonic())):
                raise LinkClosed("broke off")
            part = self._connection.recv(min(count - len(parts), 1 << 20))
            if not part:
                raise LinkClosed("ended")
            parts += part
        return bytes(parts)


def part_message(part: LivePart) -> Message:
    """A live part, as it is said."""
    told = {item.name: getattr(part, item.name) for item in fields(part) if item.name != "data"}
    return Message("part", {**told, "at": part.at.isoformat()}, part.data)


def part_in(message: Message) -> LivePart:
    """The live part in a message. TypeError, ValueError, KeyError: there is none."""
    told = message.told
    kind = told["kind"]
    if kind not in ("init", "part"):
        raise ValueError(kind)
    return LivePart(
        kind,
        message.data,
        _of(bool, told["keyframe"]),
        _of(str, told["codec"]),
        instant_in(told["at"]),
        float(told["media_s"]),
        _of(str, told["recording"]),
    )


def segment_message(info: SegmentInfo) -> Message:
    """A finished segment, as it is said."""
    return Message(
        "segment", {**asdict(info), "begins_at": info.begins_at.isoformat(), "ends_at": info.ends_at.isoformat()}
    )


def segment_in(message: Message) -> SegmentInfo:
    """The segment in a message. TypeError, ValueError, KeyError: there is none."""
    told = dict(message.told)
    told["begins_at"], told["ends_at"] = instant_in(told["begins_at"]), instant_in(told["ends_at"])
    told["covered"] = tuple(CoveredSecond(float(one["at_s"]), float(one["share"])) for one in told["covered"])
    return SegmentInfo(**told)


def figures_message(figures: CameraFigures) -> Message:
    """Figures, as they are said."""
    return Message("figures", asdict(figures))


def figures_in(message: Message) -> CameraFigures:
    """The figures in a message. TypeError, ValueError, KeyError: there are none."""
    return CameraFigures(**{name: _of_number(value) for name, value in message.told.items()})


def words_in(message: Message, key: str) -> str:
    """A sentence in a message, cut where it is too long for one."""
    return _of(str, message.told[key])[:_MOST_WORDS]


def instant_in(text: Any) -> datetime:
    """An aware instant, from ISO 8601. TypeError, ValueError: it is none."""
    instant = datetime.fromisoformat(_of(str, text))
    if instant.tzinfo is None:
        raise ValueError("an instant without its time zone")
    return instant


def _of(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} expected")
    return value


def _of_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError("a number was expected")
    return value

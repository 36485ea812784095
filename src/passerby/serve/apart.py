"""A question to a camera, in a process of its own: what a stranger sends is read there, and a hang ends with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from passerby import errors
from passerby.errors import CameraLost, CameraUnusable, PasserbyError, SettingsError
from passerby.serve.link import LinkClosed, Message
from passerby.serve.outbox import Outbox
from passerby.serve.process import WorkerProcess

_PATIENCE_S = 60.0

T = TypeVar("T")


def ask_apart(order: Message, understood: Callable[[Message], T], *, camera: str) -> T:
    """What a process answers, which ends after it.

    Args:
        order: what it is told, credentials included.
        understood: makes sense of an answer of the kind "seen"; what it raises of ValueError, TypeError and KeyError
            means that there is none.
        camera: what messages call it.

    Raises:
        SettingsError, CameraError: what the process said.
        CameraLost: it did not answer in time.
        CameraUnusable: it broke, or its answer makes no sense.
    """
    process = WorkerProcess(order.kind)
    deadline_s = time.monotonic() + _PATIENCE_S
    try:
        process.link.send(order)
        while (left_s := deadline_s - time.monotonic()) > 0:
            answer = process.link.receive(left_s)
            if answer is not None and answer.kind == "failed":
                raise _error_in(answer.told)
            if answer is not None and answer.kind == "seen":
                return understood(answer)
        raise CameraLost(f"{camera} was not understood within {_PATIENCE_S:.0f} s; it was given up")
    except (LinkClosed, ValueError, TypeError, KeyError) as error:
        raise CameraUnusable(f"{camera} sends what passerby cannot read; it was given up") from error
    finally:
        process.end(0)


def answer_apart(outbox: Outbox, answer: Callable[[], Message]) -> None:
    """In that process: say what was found, or why nothing was."""
    try:
        outbox.answer(answer())
    except PasserbyError as error:
        outbox.say("failed", error=type(error).__name__, message=error.message, hint=error.hint)


def _error_in(told: dict[str, Any]) -> PasserbyError:
    kind = getattr(errors, str(told["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.CameraError | SettingsError)):
        return CameraUnusable(str(told["message"]))
    return cast(PasserbyError, kind(str(told["message"]), hint=told["hint"]))

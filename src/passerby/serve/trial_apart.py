"""A trial in a process of its own: what a stranger's camera sends is decoded there, and a hang ends with it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from passerby import errors
from passerby.errors import CameraLost, CameraUnusable, PasserbyError, SettingsError
from passerby.read.camera_address import Transport
from passerby.serve.credentials import Credentials
from passerby.serve.job import address_of
from passerby.serve.link import LinkClosed, Message
from passerby.serve.network import CameraTrial
from passerby.serve.outbox import Outbox
from passerby.serve.process import WorkerProcess

NAME = "on trial"
"""What messages call a camera that has no name yet."""

_PATIENCE_S = 60.0


def try_apart(folder: Path, url: str, credentials: Credentials, transport: str) -> CameraTrial:
    """Watch a camera in a process that ends after it.

    Args:
        folder: where the clip of the built-in camera is.
        url: of the camera.
        credentials: to get in.
        transport: of RTSP, tcp or udp.

    Raises:
        SettingsError: this is no address.
        CameraError: it cannot be reached or used.
    """
    process = WorkerProcess("trial")
    told = [str(folder), url, credentials.username, credentials.password, credentials.query, transport]
    deadline_s = time.monotonic() + _PATIENCE_S
    try:
        process.link.send(Message("try", {"told": told}))
        while (left_s := deadline_s - time.monotonic()) > 0:
            answer = process.link.receive(left_s)
            if answer is not None and answer.kind in ("seen", "failed"):
                return _trial_in(answer)
        raise CameraLost(f"the camera {NAME} was not understood within {_PATIENCE_S:.0f} s; the trial was given up")
    except (LinkClosed, ValueError, TypeError, KeyError) as error:
        raise CameraUnusable(f"the camera {NAME} sends what passerby cannot decode; the trial was given up") from error
    finally:
        process.end(0)


def answer_trial(order: Message, outbox: Outbox) -> None:
    """In that process: watch the camera, and say what was seen."""
    from passerby.serve.trial import try_camera

    folder, url, username, password, query, transport = order.told["told"]
    try:
        credentials = Credentials(username, password, query)
        address = address_of(NAME, url, credentials, Path(folder), cast(Transport, transport))
        trial = try_camera(address)
    except PasserbyError as error:
        outbox.say("failed", error=type(error).__name__, message=error.message, hint=error.hint)
    else:
        told = asdict(trial)
        outbox.answer(Message("seen", told, told.pop("still")))


def _trial_in(answer: Message) -> CameraTrial:
    if answer.kind == "seen":
        return CameraTrial(still=answer.data, **{**answer.told, "covered": tuple(answer.told["covered"])})
    raise _error_in(answer.told)


def _error_in(told: dict[str, Any]) -> PasserbyError:
    kind = getattr(errors, str(told["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.CameraError | SettingsError)):
        return CameraUnusable(str(told["message"]))
    return cast(PasserbyError, kind(str(told["message"]), hint=told["hint"]))

"""A trial in a process of its own; see `serve.apart`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import cast

from passerby.read.camera_address import CameraAddress, Transport
from passerby.serve.apart import answer_apart, ask_apart
from passerby.serve.credentials import Credentials
from passerby.serve.job import address_of
from passerby.serve.link import Message
from passerby.serve.network import CameraTrial, LookTrial
from passerby.serve.outbox import Outbox

NAME = "on trial"
"""What messages call a camera that has no name yet."""


def try_apart(folder: Path, url: str, credentials: Credentials, transport: str, look_url: str = "") -> CameraTrial:
    """Watch a camera in a process that ends after it.

    Args:
        folder: where the clip of the built-in camera is.
        url: of the camera.
        credentials: to get in.
        transport: of RTSP, tcp or udp.
        look_url: of a smaller stream of the same camera, or "".

    Raises:
        SettingsError: this is no address.
        CameraError: it cannot be reached or used.
    """
    told = [str(folder), url, credentials.username, credentials.password, credentials.query, transport, look_url]
    return ask_apart(Message("try", {"told": told}), _trial_in, camera=f"the camera {NAME}")


def answer_trial(order: Message, outbox: Outbox) -> None:
    """In that process: watch the camera, and say what was seen."""
    answer_apart(outbox, lambda: _seen(order))


def _seen(order: Message) -> Message:
    from passerby.serve.trial import try_camera

    folder, url, username, password, query, transport, look_url = order.told["told"]

    def address(name: str, url: str) -> CameraAddress:
        credentials = Credentials(username, password, query)
        return address_of(name, url, credentials, Path(folder), cast(Transport, transport))

    look = address(f"{NAME} (look_url)", look_url) if look_url else None
    told = asdict(try_camera(address(NAME, url), look))
    return Message("seen", told, told.pop("still"))


def _trial_in(answer: Message) -> CameraTrial:
    told = dict(answer.told)
    look = told.pop("look")
    return CameraTrial(
        still=answer.data,
        covered=tuple(told.pop("covered")),
        look=LookTrial(**look) if look is not None else None,
        **told,
    )

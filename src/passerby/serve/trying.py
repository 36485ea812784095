"""`passerby camera try`: one camera, by whatever address somebody types."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import cast

from passerby.hardening import keep_memory_private
from passerby.read.camera_address import CameraAddress, Transport
from passerby.serve.demo import demo_clip
from passerby.serve.network import CameraTrial
from passerby.serve.town import DEMO_URL
from passerby.serve.trial import try_camera
from passerby.serve.trial_apart import NAME


def try_url(url: str, username: str, password: str, transport: str, look_url: str = "") -> CameraTrial:
    """Connect in this process, look for some seconds, and say what was seen; of both streams, if there are two.

    Raises:
        SettingsError: this is no address.
        CameraError: the camera cannot be reached or used; it is named "on trial", never by its address.
    """
    keep_memory_private()
    # Only the drawn clip of the built-in camera needs a folder; of a camera nothing is written.
    with tempfile.TemporaryDirectory() if url == DEMO_URL else nullcontext() as folder:
        text = url if folder is None else str(demo_clip(Path(folder)))

        def address(name: str, text: str) -> CameraAddress:
            way = cast(Transport, transport)
            return CameraAddress.parse(name, text, username=username, password=password, transport=way)

        look = address(f"{NAME} (look_url)", look_url) if look_url else None
        return try_camera(address(NAME, text), look)

"""What a camera's process is told when it starts, credentials included. It travels through a socket only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from passerby.read.camera_address import CameraAddress, Transport
from passerby.serve.credentials import Credentials
from passerby.serve.demo import demo_clip
from passerby.serve.link import Message
from passerby.serve.town import DEMO_URL, CameraSettings


@dataclass(frozen=True, slots=True)
class CameraJob:
    """One camera to record.

    Attributes:
        camera: its settings; a file by its whole path.
        credentials: to get in.
        folder: of the archive.
        database: of its catalogue, None for the one in the folder.
        threads: of the encoder.
    """

    camera: CameraSettings
    credentials: Credentials = field(repr=False)
    folder: Path
    database: str | None
    threads: int

    @property
    def address(self) -> CameraAddress:
        """Where the camera is, and how to get in.

        Raises:
            SettingsError: what the settings say is no address.
            OutputError: the clip of the built-in camera cannot be written.
        """
        return self._address_of(self.camera.name, self.camera.url)

    @property
    def look_address(self) -> CameraAddress | None:
        """Of the smaller stream that is looked at; None where there is none. SettingsError: it is no address."""
        camera = self.camera
        return self._address_of(f"{camera.name} (look_url)", camera.look_url) if camera.look_url else None

    def _address_of(self, name: str, url: str) -> CameraAddress:
        camera = self.camera
        return address_of(name, url, self.credentials, self.folder, camera.transport, timeout_s=camera.timeout_s)

    def message(self) -> Message:
        """The job, as it is said."""
        credentials = self.credentials
        return Message(
            "record",
            {
                "camera": self.camera.model_dump(mode="json"),
                "credentials": [credentials.username, credentials.password, credentials.query],
                "folder": str(self.folder),
                "database": self.database,
                "threads": self.threads,
            },
        )


def job_in(message: Message) -> CameraJob:
    """The job in a message."""
    told = message.told
    return CameraJob(
        CameraSettings(**told["camera"]),
        Credentials(*told["credentials"]),
        Path(told["folder"]),
        told["database"],
        told["threads"],
    )


def address_of(
    name: str, url: str, credentials: Credentials, folder: Path, transport: Transport, *, timeout_s: float = 10.0
) -> CameraAddress:
    """Where a camera is, and how to get in; the clip of the built-in one is in `folder`.

    Raises:
        SettingsError: this is no address.
        OutputError: the clip cannot be written.
    """
    whole = str(demo_clip(folder)) if url == DEMO_URL else _with_query(url, credentials.query)
    username, password = credentials.username, credentials.password
    return CameraAddress.parse(
        name, whole, username=username, password=password, transport=transport, timeout_s=timeout_s
    )


def _with_query(url: str, query: str) -> str:
    """The address with what is secret in it."""
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url

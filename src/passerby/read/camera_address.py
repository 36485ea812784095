"""Where a camera is and how to get in: known to what connects, never shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from passerby.errors import SettingsError

Kind = Literal["rtsp", "http", "usb", "file"]
Transport = Literal["tcp", "udp"]

_KINDS: dict[str, Kind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http", "file": "file"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=//)")
_DEVICE = re.compile(r"/dev/(video\d+|v4l/\S+)$")
_LONGEST_CREDENTIALS = 127
"""Bytes of user and password, percent-encoded: FFmpeg cuts off what is longer."""


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """A camera and the way to it. Its repr gives the name and nothing that leads to the camera.

    Attributes:
        name: what messages call it.
        kind: how it is connected; a file plays as a camera.
        url: without credentials; for USB the device ("/dev/video0"), for a file its path.
        username: as the camera knows it, not encoded; empty if it asks for none.
        password: likewise.
        transport: of RTSP. UDP loses packets where the network does.
        timeout_s: how long a connection may take, and how long the camera may be silent; above 0. A camera that sends
            a frame a minute needs more than 120: FFmpeg gives a frame of H.264 when it sees the next one begin.
    """

    name: str
    kind: Kind
    url: str = field(repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    transport: Transport = "tcp"
    timeout_s: float = 10.0

    @staticmethod
    def parse(
        name: str,
        text: str,
        *,
        username: str = "",
        password: str = "",
        transport: Transport = "tcp",
        timeout_s: float = 10.0,
    ) -> CameraAddress:
        """The address that somebody wrote.

        Args:
            name: of the camera.
            text: rtsp://, rtsps://, http:// or https:// with or without user:password@ (percent-encoded), a device
                like /dev/video0, file:///path, or a path.
            username: instead of the one in `text`, not encoded.
            password: goes with `username`.
            transport: of RTSP.
            timeout_s: see the attribute.

        Raises:
            SettingsError: this is no address; the message does not repeat it.
        """
        if transport not in ("tcp", "udp") or not timeout_s > 0:
            raise SettingsError(f"camera {name}: the transport is tcp or udp, and the time-out more than 0 seconds")
        if not text or any((character.isspace() and character != " ") or ord(character) < 32 for character in text):
            raise SettingsError(f"camera {name} has no address, or one with line breaks in it")
        scheme = _SCHEME.match(text)
        if scheme is None:
            kind: Kind = "usb" if _DEVICE.match(text) else "file"
            return CameraAddress(name, kind, text, transport=transport, timeout_s=timeout_s)
        kind = _kind_of(name, scheme.group(1).lower())
        parts = _split(name, text)
        if kind == "file":
            return CameraAddress(name, kind, unquote(parts.path), transport=transport, timeout_s=timeout_s)
        if not username:
            username, password = unquote(parts.username or ""), unquote(parts.password or "")
        address = CameraAddress(name, kind, _without_credentials(parts), username, password, transport, timeout_s)
        _check(address, " " in text)
        return address

    @property
    def path(self) -> Path:
        """Of a file."""
        return Path(self.url)

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted. The camera's certificate is not checked: cameras sign their own."""
        return self.url.startswith(("rtsps:", "https:"))

    @property
    def connection(self) -> str:
        """What FFmpeg is given, credentials included. Use it in the call and keep it nowhere."""
        if self.kind == "file":
            return f"file:{self.url}"
        if not self.username:
            return self.url
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{_encoded(self)}@{rest}"


def _kind_of(name: str, scheme: str) -> Kind:
    if scheme not in _KINDS:
        raise SettingsError(
            f"camera {name} has an address of a kind that passerby does not connect to",
            hint="It begins with rtsp://, rtsps://, http:// or https://, or is a device like /dev/video0, or a file",
        )
    return _KINDS[scheme]


def _split(name: str, text: str) -> SplitResult:
    # The error of the library quotes the address, so it must not be the cause of ours.
    try:
        parts = urlsplit(text)
        sound = parts.port is None or parts.port > 0
    except ValueError:
        parts, sound = SplitResult("", "", "", "", ""), False
    if not sound or not (parts.hostname or parts.scheme == "file"):
        raise SettingsError(
            f"camera {name} has an address without a host, or with a port that is none",
            hint="Signs like / # ? @ : in a user name or password are written as %2F %23 %3F %40 %3A",
        )
    return parts


def _without_credentials(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _encoded(address: CameraAddress) -> str:
    return f"{quote(address.username, safe='')}:{quote(address.password, safe='')}"


def _check(address: CameraAddress, spaced: bool) -> None:
    if spaced:
        raise SettingsError(f"camera {address.name} has an address with a blank in it", hint="Write it as %20")
    if ":" in address.username or any(ord(sign) < 32 for sign in address.username + address.password):
        raise SettingsError(f"camera {address.name} has a user name with a colon, or line breaks in a password")
    if len(_encoded(address)) > _LONGEST_CREDENTIALS:
        raise SettingsError(f"camera {address.name} has a user name and password too long to be sent")

"""Cameras that speak ONVIF: which there are in this network, and under which addresses they send video.

Sources: WS-Discovery (OASIS, version 1.0 draft of 2005-04, which ONVIF uses) and the ONVIF core and media
specifications, by way of onvif-zeep-async. Neither function may be called where an asyncio loop runs.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlsplit

from passerby.errors import CameraError, CameraRefused, CameraUnreachable, CameraUnusable, SettingsError
from passerby.read.camera_address import CameraAddress

EVERYBODY = ("239.255.255.250", 3702)
"""Where WS-Discovery asks: all devices of the local network."""

_PROBES = 2
"""UDP may lose one."""
_LARGEST_ANSWER_BYTES = 1 << 16
_MOST_CAMERAS = 1000
_SCOPE = "onvif://www.onvif.org/"
_CODECS = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg", "MPEG4": "mpeg4"}
_PROBE = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl">
<s:Header><a:MessageID>uuid:{number}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>
<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header>
<s:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"""


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera that answered.

    Attributes:
        address: of its ONVIF service ("http://192.0.2.7/onvif/device_service").
        name: as it calls itself, or "".
        hardware: its model as it says, or "".
    """

    address: str
    name: str
    hardware: str

    @property
    def host(self) -> str:
        """For `stream_addresses`."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """For `stream_addresses`."""
        parts = urlsplit(self.address)
        return parts.port or (443 if parts.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """One of the streams that a camera offers.

    Attributes:
        url: without credentials.
        profile: what the camera calls it.
        codec: FFmpeg's name ("h264"), as far as the camera tells; "" else.
        width: in pixels, 0 if unknown.
        height: likewise.
    """

    url: str
    profile: str
    codec: str
    width: int
    height: int


def discover(timeout_s: float = 3.0, *, where: tuple[str, int] = EVERYBODY) -> list[FoundCamera]:
    """Asks the local network for cameras.

    Args:
        timeout_s: how long answers are waited for.
        where: address and port to ask; a group of several is asked on every interface.

    Returns:
        One entry for each camera that answered, by address. What does not answer as ONVIF says is left out.
    """
    found: dict[str, FoundCamera] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _ in range(_PROBES):
            _ask(asker, where)
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0 and len(found) < _MOST_CAMERAS:
            asker.settimeout(left_s)
            with suppress(OSError):
                answer, (sender, _) = asker.recvfrom(_LARGEST_ANSWER_BYTES)
                for camera in _cameras_in(answer, sender):
                    found[camera.address] = camera
    return sorted(found.values(), key=lambda camera: camera.address)


def _ask(asker: socket.socket, where: tuple[str, int]) -> None:
    probe = _PROBE.format(number=uuid.uuid4()).encode()
    if not 224 <= socket.inet_aton(where[0])[0] < 240:
        asker.sendto(probe, where)
        return
    for index, _ in socket.if_nameindex():
        # An interface may be down, or have no address.
        with suppress(OSError):
            every = struct.pack("=4sII", socket.inet_aton(where[0]), socket.INADDR_ANY, index)
            asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, every)
            asker.sendto(probe, where)


def _cameras_in(answer: bytes, sender: str) -> Iterator[FoundCamera]:
    """The cameras of an answer. Anybody may send one, so a document type, which can make XML grow, is not read."""
    if b"<!" in answer.replace(b"<!--", b"") or b"\0" in answer:
        return
    try:
        root = ElementTree.fromstring(answer)
    except (ElementTree.ParseError, ValueError, LookupError):
        return
    for match in root.iterfind(".//{*}ProbeMatch"):
        address = _best_address((match.findtext("{*}XAddrs") or "").split(), sender)
        if address:
            scopes = (match.findtext("{*}Scopes") or "").split()
            yield FoundCamera(address, _scope(scopes, "name"), _scope(scopes, "hardware"))


def _best_address(addresses: list[str], sender: str) -> str:
    """The one that the answer came from, else the first."""
    usable: list[tuple[bool, int, str]] = []
    for address in addresses:
        with suppress(ValueError):
            parts = urlsplit(address)
            if parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0:
                usable.append((parts.hostname != sender, len(usable), address))
    return min(usable)[2] if usable else ""


def _scope(scopes: list[str], kind: str) -> str:
    start = f"{_SCOPE}{kind}/"
    told = next((scope[len(start) :] for scope in scopes if scope.startswith(start)), "")
    return "".join(sign for sign in unquote(told) if sign.isprintable())[:100]


def stream_addresses(
    host: str, port: int, username: str = "", password: str = "", *, timeout_s: float = 20.0
) -> list[StreamAddress]:
    """Asks a camera under which addresses it sends video; the largest picture comes first.

    Host and port stay those that were asked, whatever the camera says: the password goes nowhere else.

    Raises:
        CameraUnreachable: nobody answers in time.
        CameraRefused: another user or password is wanted.
        CameraUnusable: what answers is no ONVIF camera, or offers no video.
        SettingsError: onvif-zeep-async is not installed.
    """
    with _silent_import():
        try:
            onvif: Any = import_module("onvif")
        except ImportError:
            raise SettingsError("ONVIF needs onvif-zeep-async", hint="pip install 'passerby[serve]'") from None
    problem: CameraError | None = None
    found: list[StreamAddress] = []
    try:
        asked = _profiles(onvif, host, port, username, password)
        found = asyncio.run(asyncio.wait_for(asked, timeout_s))
    except Exception as error:
        problem = _explained(error, timeout_s)
    # Raised out here, so that the library's error, which quotes the request, is not its context.
    if problem is None and not found:
        problem = CameraUnusable("the camera offers no video by ONVIF")
    if problem is not None:
        raise problem
    return sorted(found, key=lambda stream: -stream.width * stream.height)


@contextmanager
def _silent_import() -> Iterator[None]:
    """The library sets up logging when it is imported, which it leaves alone where somebody else has."""
    root, stand_in = logging.getLogger(), logging.NullHandler()
    root.addHandler(stand_in)
    try:
        yield
    finally:
        root.removeHandler(stand_in)


async def _profiles(onvif: Any, host: str, port: int, username: str, password: str) -> list[StreamAddress]:
    camera = onvif.ONVIFCamera(host, port, username, password, no_cache=True, adjust_time=True, nat_override=True)
    try:
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        found: list[StreamAddress] = []
        for profile in await media.GetProfiles() or []:
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            told = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
            found += _stream_of(profile, str(told.Uri), host)
        return found
    finally:
        await camera.close()


def _stream_of(profile: Any, told: str, host: str) -> Iterator[StreamAddress]:
    encoder = profile.VideoEncoderConfiguration
    if encoder is None:
        return
    with suppress(SettingsError):
        url = _at_host(CameraAddress.parse("camera", told).url, host)
        size = encoder.Resolution
        width, height = (int(size.Width), int(size.Height)) if size is not None else (0, 0)
        yield StreamAddress(url, str(profile.Name or ""), _CODECS.get(str(encoder.Encoding), ""), width, height)


def _at_host(url: str, host: str) -> str:
    parts = urlsplit(url)
    named = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=named if parts.port is None else f"{named}:{parts.port}").geturl()


def _explained(error: Exception, timeout_s: float) -> CameraError:
    """In words of our own: the library's quote what was sent."""
    if isinstance(error, TimeoutError):
        return CameraUnreachable(f"the camera did not answer by ONVIF within {timeout_s:g} s")
    told = f"{error} {getattr(error, 'subcodes', '')} {getattr(error, 'status_code', '')}".lower()
    if any(word in told for word in ("401", "403", "authori", "authent")):
        return CameraRefused(
            "the camera refuses this user and password", hint="ONVIF often has users of its own in the camera's page"
        )
    if isinstance(error, OSError):
        return CameraUnreachable("the camera cannot be reached by ONVIF")
    return CameraUnusable("what answers is no camera that speaks ONVIF")

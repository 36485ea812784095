"""A device that answers as ONVIF cameras do: SOAP over HTTP with WS-Security, and WS-Discovery over UDP.

It says that it lives at an address where it does not, as cameras behind a router do.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

import pytest

from passerby.read.onvif import EVERYBODY, discover

ELSEWHERE = "192.0.2.7"
_NAMES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" '
    'xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" '
    'xmlns:ter="http://www.onvif.org/ver10/error"'
)
_SECURITY = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_UTILITY = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


@dataclass(frozen=True)
class Profile:
    """One of the streams that the device offers."""

    token: str
    name: str
    encoding: str
    width: int
    height: int
    uri: str


@dataclass
class Device:
    """What the device is like, and what it was asked.

    Attributes:
        profiles: its streams; one without an encoding has no video.
        user: that may ask for them; empty lets everybody.
        password: likewise.
        clock: how far it is ahead.
        asked: names of the requests.
        silent: it takes requests and answers none.
        over: ends the waiting.
    """

    profiles: tuple[Profile, ...] = ()
    user: str = ""
    password: str = ""
    clock: timedelta = timedelta()
    asked: list[str] = field(default_factory=list)
    silent: bool = False
    over: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    device: Device
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        request = ElementTree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
        body = request.find("{*}Body")
        assert body is not None
        name = body[0].tag.rpartition("}")[2]
        self.device.asked.append(name)
        if self.device.silent:
            self.device.over.wait()
            self.close_connection = True
            return
        if name != "GetSystemDateAndTime" and self.device.user and not self._may_enter(request):
            self._send(400, _fault())
        else:
            self._send(200, self._answer(name, body[0]))

    def _may_enter(self, request: ElementTree.Element) -> bool:
        token = request.find(f".//{_SECURITY}UsernameToken")
        if token is None or token.findtext(f"{_SECURITY}Username") != self.device.user:
            return False
        created = token.findtext(f"{_UTILITY}Created") or ""
        told = datetime.fromisoformat(created.replace("Z", "+00:00"))
        if abs(datetime.now(UTC) + self.device.clock - told) > timedelta(seconds=30):
            return False
        nonce = base64.b64decode(token.findtext(f"{_SECURITY}Nonce") or "")
        digest = hashlib.sha1(nonce + created.encode() + self.device.password.encode()).digest()
        return token.findtext(f"{_SECURITY}Password") == base64.b64encode(digest).decode()

    def _answer(self, name: str, request: ElementTree.Element) -> str:
        if name == "GetSystemDateAndTime":
            return _date_and_time(datetime.now(UTC) + self.device.clock)
        if name == "GetServices":
            return _services()
        if name == "GetProfiles":
            told = "".join(map(_profile, self.device.profiles))
            return f"<trt:GetProfilesResponse>{told}</trt:GetProfilesResponse>"
        token = request.findtext("{*}ProfileToken")
        uri = next(profile.uri for profile in self.device.profiles if profile.token == token)
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
            "<tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
        )

    def _send(self, status: int, body: str) -> None:
        answer = f'<?xml version="1.0"?><s:Envelope {_NAMES}><s:Body>{body}</s:Body></s:Envelope>'.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def _fault() -> str:
    return (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode>"
        '</s:Code><s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
    )


def _date_and_time(now: datetime) -> str:
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
        f"</tt:Time><tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
        "</tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _services() -> str:
    told = "".join(
        f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{kind}/wsdl</tds:Namespace>"
        f"<tds:XAddr>http://{ELSEWHERE}/onvif/{kind}_service</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for kind in ("device", "media")
    )
    return f"<tds:GetServicesResponse>{told}</tds:GetServicesResponse>"


def _profile(profile: Profile) -> str:
    encoder = (
        f'<tt:VideoEncoderConfiguration token="e{profile.token}"><tt:Name>encoder</tt:Name><tt:UseCount>1</tt:UseCount>'
        f"<tt:Encoding>{profile.encoding}</tt:Encoding><tt:Resolution><tt:Width>{profile.width}</tt:Width>"
        f"<tt:Height>{profile.height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration>"
    )
    return (
        f'<trt:Profiles token="{profile.token}" fixed="true"><tt:Name>{profile.name}</tt:Name>'
        f"{encoder if profile.encoding else ''}</trt:Profiles>"
    )


@contextmanager
def onvif_device(device: Device) -> Iterator[int]:
    """Runs the device's SOAP server; gives its port."""
    handler = type("Handler", (_Handler,), {"device": device})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            device.over.set()
            server.shutdown()
            thread.join()


def probe_match(address: str, *, name: str = "Front%20door", hardware: str = "C-1", number: str = "1") -> bytes:
    """What a device answers to a probe."""
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><s:Header/><s:Body><d:ProbeMatches><d:ProbeMatch>'
        f"<a:EndpointReference><a:Address>urn:uuid:{number}</a:Address></a:EndpointReference>"
        "<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/type/video_encoder "
        f"onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/{hardware}</d:Scopes>"
        f"<d:XAddrs>{address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>"
        "</s:Body></s:Envelope>"
    ).encode()


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[tuple[str, int], list[bytes]]]:
    """Somebody who answers every probe; gives where, and the probes that came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answerer:
        answerer.bind(("127.0.0.1", 0))
        where: tuple[str, int] = answerer.getsockname()
        with _answering(answerer, answers, where) as probes:
            yield where, probes


@contextmanager
def _answering(answerer: socket.socket, answers: Sequence[bytes], where: tuple[str, int]) -> Iterator[list[bytes]]:
    probes: list[bytes] = []
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            probe, asker = answerer.recvfrom(65536)
            probes.append(probe)
            for told in answers if probe else ():
                answerer.sendto(told, asker)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield probes
    finally:
        over.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", where)
        thread.join()


@contextmanager
def answering_everybody(*answers: bytes) -> Iterator[None]:
    """The same for who asks the whole network; skips the test where this machine does not hear itself that way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as answerer:
        answerer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        answerer.bind(("", EVERYBODY[1]))
        for index, _ in socket.if_nameindex():
            with suppress(OSError):
                group = struct.pack("=4sII", socket.inet_aton(EVERYBODY[0]), socket.INADDR_ANY, index)
                answerer.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        if not _hears_itself(answerer):
            pytest.skip("multicast does not reach this machine itself")
        with _answering(answerer, answers, ("127.0.0.1", EVERYBODY[1])):
            yield


def _hears_itself(answerer: socket.socket) -> bool:
    answerer.settimeout(1.0)
    discover(0.01)
    try:
        return bool(answerer.recv(65536))
    except TimeoutError:
        return False
    finally:
        answerer.settimeout(None)

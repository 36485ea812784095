"""A camera whose every word a test decides: an RTSP server over TCP that answers as told, and sends what it is given.

For what a real server would not do: hang, keep silent, send garbage, wrong timestamps or other pictures on the way.
"""

from __future__ import annotations

import base64
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from passerby import nal

CLOCK_HZ = 90000
START = 1_000_000
"""RTP timestamps begin anywhere."""


@dataclass(frozen=True)
class Picture:
    """One access unit in annex B.

    Attributes:
        data: its NAL units.
        timestamp: of RTP, in 1/90000 s.
        wait_s: before it is sent.
        garbage: bytes instead, as they go over the connection.
    """

    data: bytes = b""
    timestamp: int = 0
    wait_s: float = 0.0
    garbage: bytes = b""


@dataclass
class Script:
    """What the camera does.

    Attributes:
        pictures: sent after PLAY, in this order.
        silent_from: the request that gets no answer, and none after it ("CONNECT" answers nothing at all).
        status: of the answer to DESCRIBE.
        sdp: the media lines, instead of those of H.264.
        stays: keeps the connection open after the last picture.
        asked: what the clients asked for, headers included.
    """

    pictures: Sequence[Picture] = ()
    silent_from: str = ""
    status: str = "200 OK"
    sdp: str = ""
    stays: bool = False
    asked: list[str] = field(default_factory=list)


def h264_sdp(data: bytes) -> str:
    """Media lines with the parameter sets of this access unit."""
    sets = [unit for unit in nal.annex_b_units(data) if nal.unit_type(unit) in (nal.SPS, nal.PPS)]
    told = ",".join(base64.b64encode(unit).decode() for unit in sets)
    return (
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={told}\r\na=control:track\r\n"
    )


class _Handler(socketserver.StreamRequestHandler):
    script: Script
    over: threading.Event

    def handle(self) -> None:
        while (request := self._request()) is not None:
            self.script.asked.append(request)
            method = request.split(" ", 1)[0]
            if self.script.silent_from in (method, "CONNECT"):
                self.over.wait()
                return
            self.wfile.write(self._answer(method, request))
            if method == "PLAY":
                self._play()
                return

    def _request(self) -> str | None:
        lines: list[str] = []
        while line := self.rfile.readline().decode("latin-1"):
            if line == "\r\n":
                return "".join(lines)
            lines.append(line)
        return None

    def _answer(self, method: str, request: str) -> bytes:
        number = next(line for line in request.splitlines() if line.startswith("CSeq")).partition(":")[2].strip()
        headers, body, status = [f"CSeq: {number}"], "", "200 OK"
        if method == "DESCRIBE":
            status = self.script.status
            body = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n{self._sdp()}" if "200" in status else ""
            headers += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            headers += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        elif method == "PLAY":
            headers += ["Session: 1"]
        return (f"RTSP/1.0 {status}\r\n" + "\r\n".join(headers) + "\r\n\r\n" + body).encode()

    def _sdp(self) -> str:
        return self.script.sdp or h264_sdp(self.script.pictures[0].data if self.script.pictures else b"")

    def _play(self) -> None:
        sequence = 0
        for picture in self.script.pictures:
            if self.over.wait(picture.wait_s):
                return
            try:
                if picture.garbage:
                    self.wfile.write(picture.garbage)
                sequence = self._send(picture, sequence)
            except OSError:
                return
        if self.script.stays:
            self.over.wait()

    def _send(self, picture: Picture, sequence: int) -> int:
        units = list(nal.annex_b_units(picture.data))
        for number, unit in enumerate(units):
            last = number == len(units) - 1
            header = struct.pack(
                ">BBHII", 0x80, 96 | last << 7, sequence & 0xFFFF, picture.timestamp & 0xFFFFFFFF, 0x5EED
            )
            self.wfile.write(b"$\0" + struct.pack(">H", len(header) + len(unit)) + header + unit)
            sequence += 1
        return sequence


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def scripted_camera(script: Script) -> Iterator[str]:
    """Runs the camera; gives its address."""
    over = threading.Event()
    handler = type("Handler", (_Handler,), {"script": script, "over": over})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"rtsp://127.0.0.1:{server.server_address[1]}/live"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def steadily(
    pictures: Sequence[bytes], *, fps: float = 25, timestamp: Callable[[int], int] | None = None, wait_s: float = 0.0
) -> list[Picture]:
    """One after the other, with regular timestamps unless told otherwise."""
    told = timestamp or (lambda index: START + round(index * CLOCK_HZ / fps))
    return [Picture(data, told(index), wait_s) for index, data in enumerate(pictures)]


def wait_for(condition: Callable[[], bool], patience_s: float = 90.0) -> bool:
    """Whether it became true in time."""
    until_s = time.monotonic() + patience_s
    while not condition() and time.monotonic() < until_s:
        time.sleep(0.01)
    return condition()

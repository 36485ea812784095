"""A camera that sends JPEG pictures over HTTP, one part after the other, as many do; with and without a password."""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

_REALM, _NONCE = "camera", "d0a1b2c3"


@dataclass
class HttpScript:
    """What the camera does.

    Attributes:
        jpegs: its pictures, over and over.
        gap_s: between two.
        user: asked for, if given.
        password: likewise.
        scheme: how.
        with_length: each part says its length.
        rounds: after so many it ends; 0 never does.
        answer: what it sends instead of pictures, with its type.
    """

    jpegs: Sequence[bytes] = ()
    gap_s: float = 0.02
    user: str = ""
    password: str = ""
    scheme: Literal["basic", "digest"] = "basic"
    with_length: bool = True
    rounds: int = 0
    answer: tuple[str, bytes] | None = None
    over: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    script: HttpScript
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.script.user and not self._may_enter():
            self._ask()
            return
        if self.script.answer is not None:
            self._answer(*self.script.answer)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        self.close_connection = True
        try:
            self._send_pictures()
        except OSError:
            return

    def _send_pictures(self) -> None:
        rounds = 0
        while not self.script.rounds or rounds < self.script.rounds:
            for jpeg in self.script.jpegs:
                length = f"Content-Length: {len(jpeg)}\r\n" if self.script.with_length else ""
                self.wfile.write(f"--frame\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + jpeg + b"\r\n")
                if self.script.over.wait(self.script.gap_s):
                    return
            rounds += 1

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _ask(self) -> None:
        self.send_response(401)
        asked = f'Digest realm="{_REALM}", nonce="{_NONCE}", qop="auth", algorithm=MD5'
        self.send_header("WWW-Authenticate", asked if self.script.scheme == "digest" else f'Basic realm="{_REALM}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _may_enter(self) -> bool:
        told = self.headers.get("Authorization", "")
        user, password = self.script.user, self.script.password
        if self.script.scheme == "basic":
            return told == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', told))
        secret = _md5(f"{user}:{_REALM}:{password}")
        request = _md5(f"{self.command}:{fields.get('uri', '')}")
        middle = ":".join(fields.get(name, "") for name in ("nc", "cnonce", "qop"))
        return fields.get("nonce") == _NONCE and fields.get("response") == _md5(f"{secret}:{_NONCE}:{middle}:{request}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@contextmanager
def http_camera(script: HttpScript, *, certificate: Path | None = None) -> Iterator[str]:
    """Runs the camera; gives its address. With a certificate (PEM, with its key) it speaks HTTPS."""
    handler = type("Handler", (_Handler,), {"script": script})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}/video.mjpg"
        finally:
            script.over.set()
            server.shutdown()
            thread.join()

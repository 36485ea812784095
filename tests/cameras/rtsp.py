"""Videos served over RTSP by a real server (GStreamer's, from Debian), for tests that need a camera."""

from __future__ import annotations

import json
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import pytest
from av.bitstream import BitStreamFilterContext
from av.video.stream import VideoStream

PYTHON = "/usr/bin/python3"
"""Debian's, which GStreamer's bindings are for."""
SCRIPT = Path(__file__).with_name("serve_rtsp.py")
_ELEMENTS = ("appsrc", "h264parse", "h265parse", "jpegparse", "rtph264pay", "rtph265pay", "rtpjpegpay")
_CHECK = f"""
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(map(Gst.ElementFactory.find, {_ELEMENTS}))
"""
_PACKAGES = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


@dataclass(frozen=True)
class Sent:
    """A packet in annex B, or a JPEG, and when it is sent, in seconds from the start of the round."""

    at_s: float
    data: bytes
    keyframe: bool = False


@dataclass(frozen=True)
class RtspServer:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        scheme: rtsp or rtsps.
    """

    port: int
    scheme: str = "rtsp"

    @property
    def url(self) -> str:
        """Without user and password."""
        return f"{self.scheme}://127.0.0.1:{self.port}/live"

    def url_with(self, user: str, password: str) -> str:
        """Both as they stand in an address, percent-encoded."""
        return f"{self.scheme}://{user}:{password}@127.0.0.1:{self.port}/live"

    @property
    def small_url(self) -> str:
        """Of the second stream, where there is one."""
        return f"{self.scheme}://127.0.0.1:{self.port}/small"


def packets_of(path: Path) -> tuple[str, list[Sent], float]:
    """Codec, packets and length in seconds of a video that does not reorder its frames."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        codec = stream.codec_context.codec.canonical_name
        packets = [packet for packet in _plain(file.demux(stream), stream, codec) if packet.size]
        base = float(stream.time_base or 0)
    times = [(packet.pts or 0) * base for packet in packets]
    step_s = times[1] - times[0] if len(times) > 1 else 1.0
    sent = [
        Sent(time_s - times[0], bytes(packet), packet.is_keyframe)
        for time_s, packet in zip(times, packets, strict=True)
    ]
    return codec, sent, times[-1] - times[0] + step_s


def _plain(packets: Iterable[av.Packet[Any]], stream: VideoStream, codec: str) -> Iterator[av.Packet[Any]]:
    if codec not in _FILTERS:
        yield from packets
        return
    plain = BitStreamFilterContext(_FILTERS[codec], stream)
    for packet in packets:
        yield from plain.filter(packet if packet.size else None)


@contextmanager
def rtsp_server(
    file: Path | None = None,
    user: str | None = None,
    password: str | None = None,
    *,
    digest: bool = True,
    certificate: Path | None = None,
    once: bool = False,
    codec: str = "h264",
    packets: list[Sent] | None = None,
    round_s: float = 0.0,
    port: int = 0,
    small: Path | None = None,
    lag_s: float = 0.0,
) -> Iterator[RtspServer]:
    """Serves a video in a loop, each client from its start, until the block is left.

    With `small` it is a camera with two streams: both show at any time what was taken then, whenever a client comes.

    Args:
        file: H.264, HEVC or MJPEG without reordered frames.
        user: asked for, if given.
        password: likewise.
        digest: asks for them in that way, else in the basic one.
        certificate: PEM file with certificate and key; the server then speaks RTSPS.
        once: end after one round.
        codec: of `packets`.
        packets: instead of a file.
        round_s: length of a round of `packets`.
        port: to listen on; 0 takes a free one.
        small: the second stream, as long as the first one.
        lag_s: by so much later the first stream is sent than the second.
    """
    if not _is_installed():
        pytest.skip(f"no RTSP server of GStreamer: apt-get install {_PACKAGES}")
    if packets is None:
        assert file is not None
        codec, packets, round_s = packets_of(file)
    mounts = [_Mount("/live", codec, packets, round_s, lag_s)]
    if small is not None:
        mounts.append(_Mount("/small", *packets_of(small), 0.0))
    settings: dict[str, Any] = {
        "user": user or "",
        "password": password or "",
        "digest": digest,
        "certificate": str(certificate) if certificate else "",
        "port": port,
    }
    with tempfile.TemporaryDirectory() as folder:
        settings["mounts"] = [
            {**mount.stored(Path(folder)), "once": once, "together": small is not None} for mount in mounts
        ]
        file = Path(folder, "settings")
        file.write_text(json.dumps(settings))
        with _running([PYTHON, str(SCRIPT), str(file)]) as port:
            yield RtspServer(port, "rtsps" if certificate else "rtsp")


@dataclass(frozen=True)
class _Mount:
    """One of the streams, and by how much later than the other it is sent."""

    path: str
    codec: str
    packets: list[Sent]
    round_s: float
    lag_s: float

    def stored(self, folder: Path) -> dict[str, Any]:
        """What the server is told; its packets are in a file."""
        file = folder / f"packets{self.path.replace('/', '-')}"
        file.write_bytes(
            b"".join(struct.pack("<qI?", round(p.at_s * 1e9), len(p.data), p.keyframe) + p.data for p in self.packets)
        )
        times = {"round_ns": round(self.round_s * 1e9), "lag_ns": round(self.lag_s * 1e9)}
        return {"path": self.path, "codec": self.codec, "packets": str(file), **times}


@lru_cache(maxsize=1)
def _is_installed() -> bool:
    return Path(PYTHON).exists() and subprocess.run([PYTHON, "-c", _CHECK], capture_output=True).returncode == 0


@contextmanager
def _running(command: list[str]) -> Iterator[int]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the RTSP server did not start: {process.communicate()[1]}")
        yield int(port)
    finally:
        process.kill()
        process.communicate()

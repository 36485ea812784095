"""A real RTSP server: plays packets from a file in a loop. Runs under Debian's Python, where GStreamer's bindings are.

Usage: serve_rtsp.py SETTINGS, a file; see `rtsp.py`. Prints its port, and ends when its input does.
"""

import json
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

PIPELINES = {
    "h264": "video/x-h264,stream-format=byte-stream,alignment=au ! h264parse ! rtph264pay config-interval=-1",
    "hevc": "video/x-h265,stream-format=byte-stream,alignment=au ! h265parse ! rtph265pay config-interval=-1",
    "mjpeg": "image/jpeg ! jpegparse ! rtpjpegpay",
}


HEAD = struct.Struct("<qI?")
STARTED_NS = time.monotonic_ns()
TICK_S = 0.02


def read_packets(path: Path) -> list[tuple[int, bytes, bool]]:
    """When each packet is to be sent, in nanoseconds from the start of a round, its bytes, and if it is a keyframe."""
    data, at, packets = path.read_bytes(), 0, []
    while at < len(data):
        time_ns, size, keyframe = HEAD.unpack_from(data, at)
        at += HEAD.size
        packets.append((time_ns, data[at : at + size], keyframe))
        at += size
    return packets


class Player(threading.Thread):
    """Feeds one client."""

    def __init__(self, source: Any, packets: list[tuple[int, bytes, bool]], settings: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.source, self.packets, self.settings = source, packets, settings

    def run(self) -> None:
        if self.settings["together"]:
            self.play_along()
        else:
            self.play()

    def play_along(self) -> None:
        """Show what a camera would now, from the next keyframe on; its times are those of the clock of the media."""
        while self.source.get_state(0)[1] != Gst.State.PLAYING or not self.source.get_base_time():
            time.sleep(TICK_S)
        zero_ns = self.source.get_base_time()
        round_ns, lag_ns = self.settings["round_ns"], self.settings["lag_ns"]
        starts_ns = STARTED_NS + (time.monotonic_ns() - STARTED_NS) // round_ns * round_ns
        begun = False
        while True:
            for time_ns, data, keyframe in self.packets:
                taken_ns = starts_ns + time_ns
                begun = begun or (keyframe and taken_ns > max(zero_ns, time.monotonic_ns()))
                if not begun:
                    continue
                time.sleep(max(0, taken_ns + lag_ns - time.monotonic_ns()) / 1e9)
                buffer = Gst.Buffer.new_wrapped(data)
                buffer.pts = buffer.dts = taken_ns - zero_ns
                if self.source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            starts_ns += round_ns

    def play(self) -> None:
        started_ns, round_ns = time.monotonic_ns(), 0
        while True:
            for time_ns, data, _ in self.packets:
                due_ns = round_ns + time_ns
                time.sleep(max(0, started_ns + due_ns - time.monotonic_ns()) / 1e9)
                buffer = Gst.Buffer.new_wrapped(data)
                buffer.pts = buffer.dts = due_ns
                if self.source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                    return
            round_ns += self.settings["round_ns"]
            if self.settings["once"]:
                self.source.emit("end-of-stream")
                return


def make_factory(packets: list[tuple[int, bytes, bool]], settings: dict[str, Any]) -> Any:
    factory = GstRtspServer.RTSPMediaFactory()
    caps, _, rest = PIPELINES[settings["codec"]].partition(" ! ")
    factory.set_launch(f'( appsrc name=source is-live=true format=time caps="{caps}" ! {rest} name=pay0 pt=96 )')
    factory.set_shared(False)
    factory.set_latency(0)

    def configure(_: Any, media: Any) -> None:
        Player(media.get_element().get_by_name("source"), packets, settings).start()

    factory.connect("media-configure", configure)
    return factory


def protect(server: Any, factory: Any, settings: dict[str, Any]) -> None:
    auth = GstRtspServer.RTSPAuth()
    if settings["certificate"]:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(settings["certificate"]))
    permissions = GstRtspServer.RTSPPermissions()
    for right in ("media.factory.access", "media.factory.construct"):
        permissions.add_permission_for_role("viewer", right, True)
    factory.set_permissions(permissions)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    user, password = settings["user"], settings["password"]
    if user and settings["digest"]:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    elif user:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.set_default_token(token)
    server.set_auth(auth)


def main() -> None:
    Gst.init(None)
    settings = json.loads(Path(sys.argv[1]).read_text())
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    for mount in settings["mounts"]:
        factory = make_factory(read_packets(Path(mount["packets"])), mount)
        if settings["user"] or settings["certificate"]:
            protect(server, factory, settings)
        server.get_mount_points().add_factory(mount["path"], factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


main()

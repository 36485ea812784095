"""A camera that shows the time: serves what comes on its standard input, H.264 in Annex B, over RTSP as it comes.

Runs under Debian's Python, where GStreamer's bindings are; `live_delay.py` starts it. Prints its port.
"""

import struct
import sys
import threading
from typing import Any

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

HEAD = struct.Struct("<I?")
"""Of each packet: its size, and if it is a keyframe."""
PIPELINE = (
    "( appsrc name=source is-live=true format=time do-timestamp=true "
    'caps="video/x-h264,stream-format=byte-stream,alignment=au" '
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class Viewers:
    """Hands each packet to every client, from a keyframe on."""

    def __init__(self) -> None:
        self._begun: dict[Any, bool] = {}

    def add(self, _: Any, media: Any) -> None:
        """Another client."""
        self._begun[media.get_element().get_by_name("source")] = False

    def feed(self, data: bytes, keyframe: bool) -> None:
        """The next packet."""
        for source, begun in list(self._begun.items()):
            if begun or keyframe:
                self._begun[source] = source.emit("push-buffer", Gst.Buffer.new_wrapped(data)) == Gst.FlowReturn.OK


def read_all(viewers: Viewers, loop: Any) -> None:
    """Until there is no more."""
    while head := sys.stdin.buffer.read(HEAD.size):
        size, keyframe = HEAD.unpack(head)
        viewers.feed(sys.stdin.buffer.read(size), keyframe)
    loop.quit()


def main() -> None:
    """Serve until the input ends."""
    Gst.init(None)
    viewers, loop = Viewers(), GLib.MainLoop()
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE)
    factory.set_latency(0)
    factory.connect("media-configure", viewers.add)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.get_mount_points().add_factory("/clock", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    threading.Thread(target=read_all, args=(viewers, loop), daemon=True).start()
    loop.run()


main()

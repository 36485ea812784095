"""Which SEI messages stand in H.264 and HEVC packets, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from av.packet import Packet
from av.video.stream import VideoStream

from passerby import nal

# SEI payload types of ITU-T H.274 and H.264 annex D that turn up in real files.
_NAMES = {
    0: "buffering period",
    1: "picture timing",
    3: "filler",
    4: "registered user data (captions)",
    5: "unregistered user data",
    6: "recovery point",
    19: "film grain",
    45: "frame packing",
    47: "display orientation",
    129: "active parameter sets",
    132: "picture hash",
    136: "time code",
    137: "mastering display colour",
    144: "content light level",
    147: "alternative transfer",
}


class MessageKinds:
    """Collects the SEI payload types that would not be passed on."""

    def __init__(self, codec: str, stream: VideoStream) -> None:
        self._codec = codec
        extradata = stream.codec_context.extradata or b""
        # Both configuration records say how long the length is: byte 4 of avcC, byte 21 of hvcC.
        self._length_bytes = 0
        if extradata[:1] == b"\1" and codec in ("h264", "hevc"):
            at = 4 if codec == "h264" else 21
            self._length_bytes = (extradata[at] & 3) + 1 if len(extradata) > at else 0
        self._kinds: set[int] = set()

    def add(self, packet: Packet[VideoStream]) -> None:
        """Look at one packet, up to the first NAL unit that is damaged."""
        if self._codec not in ("h264", "hevc"):
            return
        data = bytes(packet)
        units = nal.prefixed_units(data, self._length_bytes) if self._length_bytes else nal.annex_b_units(data)
        with suppress(ValueError):
            for unit in units:
                self._add_unit(unit)

    def _add_unit(self, unit: bytes) -> None:
        if self._codec == "h264" and nal.unit_type(unit) == nal.SEI:
            self._kinds.update(payload_types(unit))
        elif self._codec == "hevc" and nal.hevc_unit_type(unit) in (nal.HEVC_PREFIX_SEI, nal.HEVC_SUFFIX_SEI):
            self._kinds.update(payload_types(unit, header_bytes=2))

    def names(self) -> tuple[str, ...]:
        """In words, those that showing the picture needs left out."""
        return tuple(_NAMES.get(kind, f"type {kind}") for kind in sorted(self._kinds - nal.DISPLAY_MESSAGES.keys()))


def payload_types(unit: bytes, header_bytes: int = 1) -> Iterator[int]:
    """The payload types of an SEI NAL unit; stops quietly where the unit is malformed."""
    with suppress(ValueError):
        for kind, _, _ in nal.messages(unit, header_bytes):
            yield kind

"""What stands in coded video beside the pictures: SEI messages, metadata OBUs, other layers. An allow-list of types.

It shares no parser with what reads or writes: a check that did would share its mistakes.

Packets are those of MP4 and Matroska: NAL units behind their length (ISO/IEC 14496-15), OBUs behind their header.
Types and payload numbers are those of ITU-T H.264, H.265 and of the AV1 bitstream specification.
"""

from __future__ import annotations

from collections.abc import Iterator

SEI_ALLOWED = frozenset({0, 1, 6, 45, 137, 144, 147})
"""Buffering period, picture timing, recovery point, frame packing, mastering display, content light level, alternative
transfer characteristics: what decoding, timing and colour need. The numbers mean the same in H.264 and H.265."""

_H264_SEI, _H264_FILLER = frozenset({6}), 12
_H264_ALLOWED = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, _H264_FILLER})
_HEVC_SEI, _HEVC_FILLER = frozenset({39, 40}), 38
_HEVC_ALLOWED = frozenset({*range(10), *range(16, 22), *range(32, 41)})
_OBU_METADATA, _OBU_PADDING = 5, 15
_OBU_ALLOWED = frozenset({1, 2, 3, 4, _OBU_METADATA, 6, 7, _OBU_PADDING})
_OBU_METADATA_ALLOWED = frozenset({1, 2, 3})  # content light level, mastering display, scalability

EXAMINED = frozenset({"h264", "hevc", "av1", "vp8", "vp9"})
"""Codecs whose packets can be examined; VP8 and VP9 have no place for anything but pictures."""


class BitstreamScan:
    """Looks at the packets of one stream, and gathers what should not be in them in `problems`, each said once."""

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        """`codec` is FFmpeg's name; `extradata` the codec configuration record of the container."""
        self._codec = codec
        self._length_size = 4
        self._said: dict[str, None] = {}
        self._scan = {"h264": self._scan_nal_units, "hevc": self._scan_nal_units, "av1": self._scan_obus}.get(codec)
        if codec not in EXAMINED:
            self._problem(f"what a {codec} stream carries beside its pictures cannot be examined")
        if codec in ("h264", "hevc", "av1"):
            self._examine_configuration(extradata or b"")

    @property
    def problems(self) -> list[str]:
        """In words; empty if all is well."""
        return list(self._said)

    def examine(self, packet: memoryview | bytes) -> None:
        """One packet, as the demuxer gave it."""
        if self._scan is None:
            return
        try:
            self._scan(memoryview(packet))
        except (IndexError, ValueError):
            self._problem("a packet does not divide into the units of its codec")

    def _problem(self, words: str) -> None:
        self._said[words] = None

    def _examine_configuration(self, record: bytes) -> None:
        try:
            if self._codec == "av1":
                self._scan_obus(memoryview(record)[4:])
                return
            for unit in self._configured_avc(record) if self._codec == "h264" else self._configured_hevc(record):
                self._examine_nal_unit(unit)
        except (IndexError, ValueError):
            self._problem("the codec configuration record cannot be read")

    def _configured_avc(self, record: bytes) -> Iterator[memoryview]:
        """AVCDecoderConfigurationRecord: SPS, PPS and, for the high profiles, four bytes and SPS extensions."""
        view = memoryview(record)
        self._length_size = (view[4] & 3) + 1
        at = 5
        for mask in (0x1F, 0xFF):
            count, at = view[at] & mask, at + 1
            for _ in range(count):
                unit, at = _sized(view, at, 2)
                yield unit
        if at not in (len(view), len(view) - 4):
            raise ValueError

    def _configured_hevc(self, record: bytes) -> Iterator[memoryview]:
        """HEVCDecoderConfigurationRecord: arrays of NAL units."""
        view = memoryview(record)
        self._length_size = (view[21] & 3) + 1
        at = 23
        for _ in range(view[22]):
            count, at = int.from_bytes(view[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                unit, at = _sized(view, at, 2)
                yield unit
        if at != len(view):
            raise ValueError

    def _scan_nal_units(self, packet: memoryview) -> None:
        at = 0
        while at < len(packet):
            unit, at = _sized(packet, at, self._length_size)
            self._examine_nal_unit(unit)

    def _examine_nal_unit(self, unit: memoryview) -> None:
        if self._codec == "h264":
            kind, header, allowed, sei, filler = unit[0] & 0x1F, 1, _H264_ALLOWED, _H264_SEI, _H264_FILLER
        else:
            kind, header, allowed, sei, filler = (unit[0] >> 1) & 0x3F, 2, _HEVC_ALLOWED, _HEVC_SEI, _HEVC_FILLER
            if unit[0] & 1 or unit[1] >> 3:
                self._problem("a second layer is coded beside the pictures")
        if kind not in allowed:
            self._problem(f"NAL units of type {kind} stand in it")
        elif kind in sei:
            self._examine_sei(unescaped(unit[header:]))
        elif kind == filler and bytes(unit[header:]).rstrip(b"\0").rstrip(b"\x80").strip(b"\xff"):
            self._problem("filler data holds something")

    def _examine_sei(self, payload: bytes) -> None:
        for kind in sei_types(payload):
            if kind not in SEI_ALLOWED:
                self._problem(f"SEI messages of type {kind} stand in it")

    def _scan_obus(self, packet: memoryview) -> None:
        at = 0
        while at < len(packet):
            kind, extended, sized = (packet[at] >> 3) & 15, packet[at] & 4, packet[at] & 2
            if extended and packet[at + 1] >> 3 & 3:
                self._problem("a second layer is coded beside the pictures")
            at += 2 if extended else 1
            size, at = _leb128(packet, at) if sized else (len(packet) - at, at)
            if at + size > len(packet):
                raise ValueError
            self._examine_obu(kind, packet[at : at + size])
            at += size

    def _examine_obu(self, kind: int, payload: memoryview) -> None:
        if kind not in _OBU_ALLOWED:
            self._problem(f"OBUs of type {kind} stand in it")
        elif kind == _OBU_METADATA and (metadata := _leb128(payload, 0)[0]) not in _OBU_METADATA_ALLOWED:
            self._problem(f"metadata OBUs of type {metadata} stand in it")
        elif kind == _OBU_PADDING and bytes(payload).rstrip(b"\0").rstrip(b"\x80").strip(b"\0"):
            self._problem("padding holds something")


def sei_types(payload: bytes) -> Iterator[int]:
    """Types of the messages in an SEI RBSP (H.264 7.3.2.3.1): unescaped, without the NAL unit header."""
    at, end = 0, len(payload.rstrip(b"\0")) - 1  # the last byte that is not zero holds the stop bit
    while at < end:
        kind, at = _counted(payload, at)
        size, at = _counted(payload, at)
        if at + size > end:
            raise ValueError("an SEI message is longer than its NAL unit")
        yield kind
        at += size


def unescaped(unit: memoryview) -> bytes:
    """The RBSP: without the emulation prevention bytes (H.264 7.4.1)."""
    data = bytes(unit)
    if b"\0\0\3" not in data:
        return data
    kept, at = bytearray(), 0
    while (found := data.find(b"\0\0\3", at)) >= 0:
        kept += data[at : found + 2]
        at = found + 3
    return bytes(kept + data[at:])


def _counted(payload: bytes, at: int) -> tuple[int, int]:
    """A number as SEI headers write it, and where it ends."""
    value = 0
    while payload[at] == 0xFF:
        value, at = value + 255, at + 1
    return value + payload[at], at + 1


def _sized(view: memoryview, at: int, length_size: int) -> tuple[memoryview, int]:
    """The unit whose length stands at `at`, and where it ends; raises ValueError if it is empty or cut off."""
    start = at + length_size
    end = start + int.from_bytes(view[at:start], "big")
    if not start < end <= len(view):
        raise ValueError
    return view[start:end], end


def _leb128(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 56, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError

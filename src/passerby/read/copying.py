"""Which packets could be copied as they are, and where closed GOPs start."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from av.packet import Packet
from av.video.stream import VideoStream

from passerby import nal
from passerby.nal import ParameterSets
from passerby.read import parameters

LARGEST_CROP_PIXELS = 15
"""What macroblock padding needs. More could be a picture that nobody looked at."""

# 10 to 12 are end marks and filler, 14 is a header for scalable video. What holds pictures or parts of them (data
# partitions, auxiliary pictures, other layers and views) is not here.
_COPIED_UNITS = frozenset({nal.SLICE, nal.IDR, nal.SEI, nal.SPS, nal.PPS, nal.AUD, 10, 11, 12, 14})
_SOMETHING_FOLLOWS = "something follows the parameter sets"
PARAMETERS_CHANGE = "the parameter sets change"
"""Why nothing after other parameter sets is copied."""
_COPIED_FORMATS = ("yuv420p", "yuvj420p")


class PacketJudge(Protocol):
    """Looks at every packet once, in decoding order.

    Attributes:
        splits: the stream is cut into GOPs; else it is one.
    """

    splits: bool

    def starts_closed(self, packet: Packet[VideoStream]) -> bool:
        """Whether nothing after this packet is predicted from anything before it, leading pictures aside."""

    def why_not(self, packet: Packet[VideoStream]) -> str:
        """Why the GOP that holds this packet cannot be copied, or an empty string."""


class EncodeOnly:
    """The judge of streams that are never copied: every keyframe is a start."""

    splits = False

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def starts_closed(self, packet: Packet[VideoStream]) -> bool:
        """See `PacketJudge`."""
        return packet.is_keyframe

    def why_not(self, packet: Packet[VideoStream]) -> str:
        """See `PacketJudge`."""
        return self._reason


class H264Judge:
    """The judge of H.264: a closed GOP starts at an IDR picture, and only there.

    Args:
        extradata: of the stream, to notice when another takes its place.
        sets: the parameter sets that stand, or None.
        pixel_format: of the frames.
        obstacle: why nothing of this stream is copied, or an empty string.
        start_codes: its packets are in annex B.
    """

    splits = True

    def __init__(
        self,
        extradata: bytes,
        sets: ParameterSets | None,
        pixel_format: str,
        *,
        obstacle: str = "",
        start_codes: bool = False,
    ) -> None:
        self._original = extradata
        self._sets = sets
        self._start_codes = start_codes
        self._standing = obstacle or self._reason_of_stream(pixel_format)
        self._known = frozenset((*sets.sps, *sets.pps)) if sets else frozenset()

    def _reason_of_stream(self, pixel_format: str) -> str:
        if self._sets is None or not self._sets.sps or not self._sets.pps:
            return "no parameter sets in the container"
        if pixel_format not in _COPIED_FORMATS:
            return f"pixel format {pixel_format}"
        if any(map(parameters.may_be_redundant, self._sets.pps)):
            return "may hold redundant pictures"
        if not all(map(parameters.pps_ends, self._sets.pps)):
            return _SOMETHING_FOLLOWS
        reasons = (_reason_of_sequence(sps) for sps in self._sets.sps)
        return next(filter(None, reasons), "")

    def _units(self, packet: Packet[VideoStream]) -> list[bytes]:
        data = bytes(packet)
        if self._sets is None or self._start_codes:
            return list(nal.annex_b_units(data))
        return list(nal.prefixed_units(data, self._sets.length_bytes))

    def starts_closed(self, packet: Packet[VideoStream]) -> bool:
        """Whether the packet holds an IDR picture; a malformed packet starts nothing."""
        try:
            return any(nal.unit_type(unit) == nal.IDR for unit in self._units(packet))
        except ValueError:
            return False

    def why_not(self, packet: Packet[VideoStream]) -> str:
        """See `PacketJudge`. Other parameter sets in the stream rule out everything after them, too."""
        if packet.has_sidedata("new_extradata"):
            same = bytes(packet.get_sidedata("new_extradata")) == self._original
            self._standing = self._standing if same else PARAMETERS_CHANGE
        if self._standing:
            return self._standing
        if packet.has_sidedata("encryption_info"):
            return "encrypted"
        try:
            return self._reason_of_units(self._units(packet))
        except ValueError:
            return "damaged packets"

    def _reason_of_units(self, units: Iterable[bytes]) -> str:
        pictures = 0
        for unit in units:
            kind = nal.unit_type(unit)
            pictures += kind in (nal.SLICE, nal.IDR) and nal.starts_picture(unit)
            if kind in (nal.SPS, nal.PPS) and unit not in self._known:
                self._standing = PARAMETERS_CHANGE
                return self._standing
            if kind not in _COPIED_UNITS:
                return "pictures or data besides the shown ones"
        return "" if pictures == 1 else "packets that are not one picture each"


def _reason_of_sequence(sps: bytes) -> str:
    sequence = parameters.sequence_parameters(sps)
    if sequence is None:
        return "malformed parameter sets"
    if not sequence.frames_only:
        return "may hold fields (interlaced)"
    if sequence.bits != 8 or sequence.chroma_format != 1:
        return "not 8 bits 4:2:0"
    if max(sequence.crop) > LARGEST_CROP_PIXELS:
        return f"crops away more than {LARGEST_CROP_PIXELS} pixels"
    return "" if parameters.sps_ends(sps) else _SOMETHING_FOLLOWS


def judge_of(stream: VideoStream, container: str, pixel_format: str) -> PacketJudge:
    """The judge for this stream."""
    codec = stream.codec_context.codec.canonical_name
    if codec == "h264":
        extradata = stream.codec_context.extradata or b""
        obstacle = "" if container.startswith("mov") else "only MP4 and MOV are copied"
        return H264Judge(extradata, nal.read_avcc(extradata), pixel_format, obstacle=obstacle)
    return EncodeOnly(f"only H.264 is copied, not {codec}")

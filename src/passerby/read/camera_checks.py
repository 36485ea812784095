"""What is known of packets before they are decoded: where GOPs start, what is missing, what is not copied."""

from __future__ import annotations

from dataclasses import dataclass

from passerby import nal
from passerby.errors import CameraLost
from passerby.read.camera_h264 import FrameNumbers, standing_sets
from passerby.read.camera_opening import Opened
from passerby.read.camera_packets import Arrival
from passerby.read.copying import PARAMETERS_CHANGE, H264Judge, PacketJudge, judge_of

MISSING = "frames before it never arrived"
DAMAGED = "damaged packets"


@dataclass(frozen=True, slots=True)
class Checked:
    """Of one packet.

    Attributes:
        starts_closed: nothing from here on is predicted from anything before it.
        damage: why its frame may be wrong, in a few words; empty if nothing is known.
        why_not_copied: why the GOP that holds it cannot be copied, likewise.
    """

    starts_closed: bool
    damage: str
    why_not_copied: str


class PacketChecks:
    """The checks of one connection. They are asked of packets in order, from a closed start on, none left out."""

    def __init__(self, opened: Opened) -> None:
        self._name = opened.info.name
        self._judge = _judge_of(opened)
        sets = standing_sets(opened.extradata, b"") if opened.info.container == "rtsp" else None
        self._numbers = FrameNumbers(sets) if sets else None

    def check(self, arrival: Arrival) -> Checked:
        """One more packet.

        Raises:
            CameraLost: the camera changes how it encodes its pictures.
        """
        packet = arrival.packet
        why_not = self._judge.why_not(packet)
        if why_not == PARAMETERS_CHANGE:
            raise CameraLost(f"camera {self._name} changed how it encodes its pictures")
        starts = self._judge.starts_closed(packet)
        # Asked of every packet, as it counts them.
        missing = self._numbers is not None and self._numbers.missing(nal.annex_b_units(bytes(packet)))
        if missing or arrival.after_gap:
            return Checked(starts, MISSING, why_not or ("" if starts else MISSING))
        return Checked(starts, DAMAGED if packet.is_corrupt else "", why_not)


def _judge_of(opened: Opened) -> PacketJudge:
    info, context = opened.info, opened.stream.codec_context
    if info.codec != "h264" or info.container != "rtsp":
        return judge_of(opened.stream, info.container, info.pixel_format)
    sets = standing_sets(opened.extradata, b"")
    return H264Judge(context.extradata or b"", sets, info.pixel_format, start_codes=True)

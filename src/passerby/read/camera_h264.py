"""H.264 as cameras send it: which parameter sets stand, and whether a frame is missing.

Source: ITU-T H.264 (08/2021) clauses 7.3.3, 7.4.1.2.1 and 7.4.3 (frame_num).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from passerby import nal
from passerby.nal import Bits, ParameterSets
from passerby.read.parameters import SequenceParameters, sequence_parameters

_LENGTH_BYTES = 4
_START_CODE = b"\0\0\0\1"
_LONGEST_HEADER_BYTES = 64
"""The start of a slice up to the frame's number, and more."""


def standing_sets(extradata: bytes, first_packet: bytes) -> ParameterSets:
    """The parameter sets that a camera begins with: those of its first packet, and others that its session tells.

    Some sessions tell old ones, so of two with the same number that of the packet stands.

    Args:
        extradata: what the session tells, in annex B.
        first_packet: with the first keyframe, likewise.

    Raises:
        ValueError: one of them is malformed.
    """
    sps: dict[int, bytes] = {}
    pps: dict[int, bytes] = {}
    for unit in chain(nal.annex_b_units(extradata), nal.annex_b_units(first_packet)):
        if nal.unit_type(unit) == nal.SPS:
            sps[Bits(unit[4:]).ue()] = unit
        elif nal.unit_type(unit) == nal.PPS:
            pps[Bits(unit[1:]).ue()] = unit
    return ParameterSets(_LENGTH_BYTES, tuple(sps.values()), tuple(pps.values()))


def annex_b(sets: ParameterSets) -> bytes:
    """The parameter sets one after the other, with start codes."""
    return b"".join(_START_CODE + unit for unit in (*sets.sps, *sets.pps))


class FrameNumbers:
    """Notices that a frame which others are predicted from never arrived; decoders make do, and may keep quiet.

    Frames that nothing is predicted from have no number of their own, and do no harm when they are missing.
    """

    def __init__(self, sets: ParameterSets) -> None:
        self._sequences = _sequences_by_picture_set(sets)
        self._last: int | None = None

    def missing(self, units: Iterable[bytes]) -> bool:
        """Whether a frame is missing before the packet that holds these NAL units; to be asked of every packet."""
        for unit in units:
            if nal.unit_type(unit) in (nal.SLICE, nal.IDR):
                try:
                    return self._missing_before(unit)
                except ValueError:
                    return False
        return False

    def _missing_before(self, unit: bytes) -> bool:
        bits = Bits(unit[1:_LONGEST_HEADER_BYTES])
        bits.ue()
        bits.ue()
        sequence = self._sequences.get(bits.ue())
        if sequence is None or sequence.may_skip:
            return False
        bits.u(2 if sequence.separate_planes else 0)
        number, last = bits.u(sequence.number_bits), self._last
        if unit[0] & 0x60:
            self._last = number
        if last is None or nal.unit_type(unit) == nal.IDR:
            return False
        return number not in (last, (last + 1) % (1 << sequence.number_bits))


def _sequences_by_picture_set(sets: ParameterSets) -> dict[int, SequenceParameters]:
    sequences = {Bits(unit[4:]).ue(): sequence_parameters(unit) for unit in sets.sps}
    found: dict[int, SequenceParameters] = {}
    for unit in sets.pps:
        bits = Bits(unit[1:])
        number = bits.ue()
        sequence = sequences.get(bits.ue())
        if sequence is not None:
            found[number] = sequence
    return found

"""The parts of H.264 parameter sets that decide whether pictures may be copied: SPS and PPS.

Source: ITU-T H.264 (08/2021) clauses 7.3.2.1.1, 7.3.2.2, E.1.1 and E.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from passerby.nal import HIGH_PROFILES, Bits

_EXTENDED_ASPECT = 255


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """The part of an H.264 SPS that decides whether its pictures may be copied.

    Attributes:
        profile_idc: the profile's number.
        bits: bits per luma sample.
        chroma_format: 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
        frames_only: no picture is a field and no macroblock is coded as one.
        crop: pixels left out at the left, right, top and bottom edge.
        number_bits: how many bits the number of a frame has (frame_num).
        may_skip: numbers may be left out on purpose.
        separate_planes: slices say which colour plane they are of.
    """

    profile_idc: int
    bits: int
    chroma_format: int
    frames_only: bool
    crop: tuple[int, int, int, int]
    number_bits: int
    may_skip: bool
    separate_planes: bool


def sequence_parameters(sps: bytes) -> SequenceParameters | None:
    """Reads an H.264 SPS (clause 7.3.2.1.1), or None when it is malformed."""
    try:
        return _sequence_parameters(Bits(sps))
    except ValueError:
        return None


def _sequence_parameters(bits: Bits) -> SequenceParameters:
    bits.u(8)
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, depth, separate = _sample_format(bits) if profile in HIGH_PROFILES else (1, 8, False)
    number_bits = bits.ue() + 4
    _skip_order_counts(bits)
    bits.ue()
    may_skip = bool(bits.u(1))
    bits.ue()
    bits.ue()
    frames_only = bool(bits.u(1))
    if not frames_only:
        bits.u(1)
    bits.u(1)
    crop = (bits.ue(), bits.ue(), bits.ue(), bits.ue()) if bits.u(1) else (0, 0, 0, 0)
    across = 2 if chroma in (1, 2) and not separate else 1
    down = (2 if chroma == 1 and not separate else 1) * (1 if frames_only else 2)
    pixels = (crop[0] * across, crop[1] * across, crop[2] * down, crop[3] * down)
    return SequenceParameters(profile, depth, chroma, frames_only, pixels, number_bits, may_skip, separate)


def _sample_format(bits: Bits) -> tuple[int, int, bool]:
    chroma = bits.ue()
    separate = bool(bits.u(1)) if chroma == 3 else False
    depth = 8 + max(bits.ue(), bits.ue())
    bits.u(1)
    if bits.u(1):
        _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    return chroma, depth, separate


def _skip_scaling_lists(bits: Bits, count: int) -> None:
    for index in range(count):
        if bits.u(1):
            _skip_scaling_list(bits, 16 if index < 6 else 64)


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = upcoming = 8
    for _ in range(size):
        if upcoming:
            upcoming = (last + bits.se()) % 256
        last = upcoming or last


def _skip_order_counts(bits: Bits) -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()


def may_be_redundant(pps: bytes) -> bool:
    """Whether pictures of this H.264 PPS (clause 7.3.2.2) may have second versions that no decoder shows.

    Slice groups, which only the same old profiles have, count as yes: the flag stands behind them.
    """
    try:
        return _may_be_redundant(Bits(pps))
    except ValueError:
        return True


def _may_be_redundant(bits: Bits) -> bool:
    bits.u(8)
    bits.ue()
    bits.ue()
    bits.u(2)
    if bits.ue():
        return True
    bits.ue()
    bits.ue()
    bits.u(3)
    for _ in range(3):
        bits.se()
    bits.u(2)
    return bool(bits.u(1))


def sps_ends(sps: bytes) -> bool:
    """Whether an H.264 SPS fills its NAL unit: decoders pass over what follows it. False for a malformed one."""
    bits = Bits(sps)
    try:
        _sequence_parameters(bits)
        if bits.u(1):
            _skip_usability_information(bits)
    except ValueError:
        return False
    return _at_its_end(bits)


def pps_ends(pps: bytes) -> bool:
    """Whether an H.264 PPS of 4:2:0 pictures without slice groups fills its NAL unit. False for a malformed one."""
    short, extended = Bits(pps), Bits(pps)
    try:
        _may_be_redundant(short)
        if _at_its_end(short):
            return True
        _may_be_redundant(extended)
        large = extended.u(1)
        if extended.u(1):
            _skip_scaling_lists(extended, 6 + 2 * large)
        extended.se()
    except ValueError:
        return False
    return _at_its_end(extended)


def _at_its_end(bits: Bits) -> bool:
    """Whether a stop bit comes next and nothing but zeros after it; uses the bits up."""
    try:
        if not bits.u(1):
            return False
        while not bits.u(1):
            pass
    except ValueError:
        return True
    return False


def _skip_usability_information(bits: Bits) -> None:
    if bits.u(1) and bits.u(8) == _EXTENDED_ASPECT:
        bits.u(32)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(4)
        if bits.u(1):
            bits.u(24)
    if bits.u(1):
        bits.ue()
        bits.ue()
    if bits.u(1):
        bits.u(65)
    if sum(_skip_buffers(bits) for _ in ("NAL units", "slices")):
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        bits.u(1)
        for _ in range(6):
            bits.ue()


def _skip_buffers(bits: Bits) -> bool:
    """HRD parameters (E.1.2), if there are any; whether there were."""
    if not bits.u(1):
        return False
    count = bits.ue() + 1
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)
    return True

"""Copied and encoded GOPs in one H.264 stream: parameter sets side by side, packets freed of all but pictures.

The avcC box (ISO/IEC 14496-15 5.3.3) of the output lists the source's parameter sets and, under numbers that the source
does not use, those of our encoder. Each GOP starts at an IDR picture, where decoders may change from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av

from passerby import nal
from passerby.errors import RedactionIncomplete
from passerby.media import VideoInfo
from passerby.nal import ParameterSets
from passerby.write.codecs import Container, EncodeOptions, choose_encoding
from passerby.write.units import prefixed, without_other_messages

MOST_SPS, MOST_PPS = 31, 255
"""That an avcC box holds."""
_LARGEST_ID = 31


def write_avcc(sets: ParameterSets, chroma_format: int, bits: int) -> bytes:
    """An avcC box that holds these sets; its header names the highest profile and level among them.

    Args:
        sets: all of one sample format.
        chroma_format: 0 is monochrome, 1 is 4:2:0, 2 is 4:2:2, 3 is 4:4:4.
        bits: bits per sample.
    """
    profile = max((unit[1] for unit in sets.sps), key=_rank)
    compatible = min(unit[2] for unit in sets.sps if unit[1] == profile)
    level = max(unit[3] for unit in sets.sps)
    box = bytes([1, profile, compatible, level, 0xFC | sets.length_bytes - 1, 0xE0 | len(sets.sps)])
    box += prefixed(sets.sps, 2) + bytes([len(sets.pps)]) + prefixed(sets.pps, 2)
    if profile in nal.HIGH_PROFILES:
        box += bytes([0xFC | chroma_format, 0xF8 | bits - 8, 0xF8 | bits - 8, 0])
    return box


def splice_obstacle(source: Path, like: VideoInfo, options: EncodeOptions, container: Container) -> str | None:
    """Why no GOP of this file can be copied, in a few words; None if they can.

    Which single GOPs can be is for the reader to say (`Gop.copyable`).
    """
    if like.codec != "h264":
        return f"{like.codec} is not copied, only H.264 is"
    if "mp4" not in like.container.split(",") or container not in ("mp4", "mov"):
        return "only MP4 and MOV are copied"
    if like.interlaced:
        return "it is interlaced"
    if like.pixel_format.startswith("gray"):
        return "it is monochrome"
    encoding = choose_encoding(like, options, container)
    if encoding.encoder != "libx264" or encoding.pixel_format != like.pixel_format:
        return "another codec or pixel format is written"
    try:
        with av.open(f"file:{source}") as file:
            return obstacle_in(nal.read_avcc(file.streams[like.stream_index].codec_context.extradata or b""))
    except av.error.FFmpegError:
        return "its packets cannot be read"


def obstacle_in(sets: ParameterSets | None) -> str | None:
    """Why packets with these parameter sets cannot stand beside ours, in a few words; None if they can."""
    if sets is None or sets.extended or not sets.sps or not sets.pps:
        return "its parameter sets do not stand where MP4 has them"
    try:
        few = len(set(range(1, _LARGEST_ID + 1)) - sets.numbers) < 2
    except ValueError:
        return "its parameter sets are malformed"
    if few or len(sets.sps) > MOST_SPS - 2 or len(sets.pps) > MOST_PPS - 2 or sets.length_bytes == 3:
        return "its parameter sets leave no room for others"
    return None


class _Unspliceable(Exception):
    """A packet holds what cannot be copied."""


def _check_in_band(units: Iterable[bytes], sets: ParameterSets) -> None:
    for unit in units:
        if _is_new(unit, sets):
            raise _Unspliceable("its parameters change on the way")
        if nal.unit_type(unit) in (2, 3, 4):
            raise _Unspliceable("its slices are partitioned")


def _is_new(unit: bytes, sets: ParameterSets) -> bool:
    return nal.unit_type(unit) in (nal.SPS, nal.PPS) and unit not in (*sets.sps, *sets.pps)


class Splicer:
    """Turns packets of the source and packets of our encoder into packets of one stream.

    Attributes:
        free_ids: numbers that no parameter set of the source goes by.
        plain_id: one of them.
        reordered_id: another.
    """

    def __init__(self, like: VideoInfo, source: ParameterSets, *, start_codes: bool = False) -> None:
        """`source` is what the video `like` says of its packets; `start_codes`: they are in annex B."""
        self._name = like.name
        self._source = source
        self._start_codes = start_codes
        self._chroma = next(c for c, digits in ((2, "422"), (3, "444"), (1, "")) if digits in like.pixel_format)
        self._bits = like.bits
        taken = source.numbers
        self.free_ids = tuple(number for number in range(1, _LARGEST_ID + 1) if number not in taken)
        self.plain_id, self.reordered_id = self.free_ids[:2]
        self._own: tuple[bytes, ...] = ()

    def join(self, *extradata: bytes) -> bytes:
        """The avcC box of the output. `extradata` is what our encoders gave, in annex B, one for each id."""
        units = [unit for data in extradata for unit in nal.annex_b_units(data)]
        sps = tuple(unit for unit in units if nal.unit_type(unit) == nal.SPS)
        pps = tuple(unit for unit in units if nal.unit_type(unit) == nal.PPS)
        own = ParameterSets(self._source.length_bytes, sps, pps)
        if own.numbers & self._source.numbers:
            raise RedactionIncomplete(f"{self._name}: the encoder's parameter sets clash with the source's")
        self._own = sps + pps
        every = ParameterSets(self._source.length_bytes, self._source.sps + sps, self._source.pps + pps)
        return write_avcc(every, self._chroma, self._bits)

    def encoded(self, data: bytes) -> bytes:
        """A packet of our encoder, in annex B: its slices alone."""
        return self._packet(unit for unit in nal.annex_b_units(data) if nal.unit_type(unit) in (nal.SLICE, nal.IDR))

    def holds(self, extradata: bytes) -> bool:
        """Whether these parameter sets of our encoder stand in the output's avcC box."""
        sets = [unit for unit in nal.annex_b_units(extradata) if nal.unit_type(unit) in (nal.SPS, nal.PPS)]
        return bool(sets) and all(unit in self._own for unit in sets)

    def copied(self, data: bytes) -> bytes:
        """A packet of the source: its slices byte by byte, and of the SEI messages those that showing it needs.

        Raises:
            RedactionIncomplete: something stands in it that was not there when the file was examined.
        """
        kept: list[bytes] = []
        try:
            units = self._units_of(data)
            _check_in_band(units, self._source)
            for unit in units:
                kind = nal.unit_type(unit)
                if kind in (nal.SLICE, nal.IDR):
                    kept.append(unit)
                elif kind == nal.SEI and (filtered := without_other_messages(unit, 1, nal.DISPLAY_MESSAGES)):
                    kept.append(filtered)
        except (ValueError, _Unspliceable) as error:
            raise RedactionIncomplete(f"{self._name}: a packet cannot be copied: {error}") from error
        if not any(nal.unit_type(unit) in (nal.SLICE, nal.IDR) for unit in kept):
            raise RedactionIncomplete(f"{self._name}: a packet to be copied holds no picture")
        return self._packet(kept)

    def changes_parameters(self, data: bytes) -> bool:
        """Whether a packet of the source brings parameter sets that the output's avcC box does not hold."""
        try:
            return any(_is_new(unit, self._source) for unit in self._units_of(data))
        except ValueError:
            return False

    def starts_at_idr(self, data: bytes) -> bool:
        """Whether the first slice of a packet of the output belongs to an IDR picture."""
        kinds = (nal.unit_type(unit) for unit in nal.prefixed_units(data, self._source.length_bytes))
        return next((kind for kind in kinds if kind in (nal.SLICE, nal.IDR)), None) == nal.IDR

    def _units_of(self, data: bytes) -> list[bytes]:
        return list(
            nal.annex_b_units(data) if self._start_codes else nal.prefixed_units(data, self._source.length_bytes)
        )

    def _packet(self, units: Iterable[bytes]) -> bytes:
        try:
            return prefixed(units, self._source.length_bytes)
        except OverflowError as error:
            raise RedactionIncomplete(
                f"{self._name}: an encoded picture is too large for the source's packets",
                hint="Encode the file whole",
            ) from error


def _rank(profile: int) -> tuple[bool, int]:
    return profile in nal.HIGH_PROFILES, profile

"""Pictures of several recordings in one file: whose parameter sets can stand side by side, and who brings their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import lcm

from passerby.errors import OutputError
from passerby.nal import Bits, ParameterSets, read_avcc
from passerby.write.movie_boxes import LENGTH_BYTES, Track
from passerby.write.splice import MOST_PPS, MOST_SPS, write_avcc
from passerby.write.units import prefixed

_LARGEST_TIMESCALE = 2**31 - 1
_APART = "Export the recordings before and after the change apart"


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of pictures of a file.

    Attributes:
        tracks: what players are told of each kind, all with one timescale.
        numbers: by what a segment says of its own pictures, which kind they are.
        leads: by kind, what stands before each keyframe: nothing, or its parameter sets where there are several kinds.
    """

    tracks: tuple[Track, ...]
    numbers: dict[Track, int]
    leads: tuple[bytes, ...]


def kinds_of(tracks: Sequence[Track], name: str) -> Kinds:
    """How pictures like these go into one file.

    Where all parameter sets go by numbers of their own, they stand in one list, and players need not know more. Else
    there are several kinds, and keyframes carry their sets, for players that read the first list alone.

    Args:
        tracks: of the segments, in order.
        name: what messages call the result.

    Raises:
        OutputError: their size or shape differs; or no clock counts the times of all.
    """
    every = list(dict.fromkeys(tracks))
    if not every:
        raise OutputError(f"{name}: nothing was recorded in that time; nothing was written")
    if len({_shape(track) for track in every}) > 1:
        raise OutputError(f"{name}: the size of the pictures changes in that time; nothing was written", hint=_APART)
    timescale = lcm(*(track.timescale for track in every))
    if timescale > _LARGEST_TIMESCALE:
        raise OutputError(f"{name}: the camera's clock changes in that time; nothing was written", hint=_APART)
    sets = _union(read_avcc(track.avcc) for track in every)
    if sets is not None:
        joined = replace(every[0], timescale=timescale, avcc=write_avcc(sets, chroma_format=1, bits=8))
        return Kinds((joined,), dict.fromkeys(every, 0), (b"",))
    apart = [replace(track, timescale=timescale) for track in every]
    kinds = list(dict.fromkeys(apart))
    return Kinds(
        tuple(kinds),
        {track: kinds.index(same) for track, same in zip(every, apart, strict=True)},
        tuple(_lead(track) for track in kinds),
    )


def _lead(track: Track) -> bytes:
    sets = read_avcc(track.avcc)
    return b"" if sets is None else prefixed([*sets.sps, *sets.pps], LENGTH_BYTES)


def _shape(track: Track) -> tuple[object, ...]:
    return track.width, track.height, track.sample_aspect, track.display_matrix


def _union(every: Iterable[ParameterSets | None]) -> ParameterSets | None:
    """All of them, or None when two differ that go by the same number, or no box holds as many."""
    sps: dict[int, bytes] = {}
    pps: dict[int, bytes] = {}
    for sets in every:
        if sets is None:
            return None
        for known, units, header in ((sps, sets.sps, 4), (pps, sets.pps, 1)):
            if any(known.setdefault(Bits(unit[header:]).ue(), unit) != unit for unit in units):
                return None
    if len(sps) > MOST_SPS or len(pps) > MOST_PPS:
        return None
    return ParameterSets(LENGTH_BYTES, tuple(sps.values()), tuple(pps.values()))

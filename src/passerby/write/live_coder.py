"""From what a live camera sent to coded pictures of one recording: copied packets and encoded frames, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zlib import crc32

import av

from passerby import nal
from passerby.errors import OutputError, RedactionIncomplete
from passerby.media import RedactedFrame, VideoInfo
from passerby.nal import ParameterSets
from passerby.write.codecs import KEYFRAME_EVERY_S, Quality, Speed
from passerby.write.encoder import exact
from passerby.write.live_encoder import LiveEncoder, as_recorded
from passerby.write.movie_boxes import LENGTH_BYTES, Track
from passerby.write.parts import CodedPicture
from passerby.write.splice import Splicer, obstacle_in

_LARGEST_TIMESCALE = 2**31 - 1
_LONGEST_DURATION = 2**32 - 1


class LiveCoder:
    """Codes the pictures of one recording, in the order in which they are shown.

    Attributes:
        track: what players have to know.
        why_not_copied: why no packet of this camera is copied, in a few words; empty if they are.
    """

    def __init__(
        self, camera: str, info: VideoInfo, extradata: bytes, *, quality: Quality, speed: Speed, threads: int
    ) -> None:
        """As in `SegmentWriter`.

        Raises:
            OutputError: pictures like these cannot be recorded.
        """
        self._camera = camera
        self._like = like = as_recorded(info)
        self._timescale = _timescale(info)
        sets, self.why_not_copied = _parameter_sets(info, extradata)
        self._splicer = Splicer(like, sets, start_codes=nal.read_avcc(extradata) is None)
        self._encoder = self._new_encoder(quality, speed, threads)
        avcc = self._splicer.join(self._encoder.extradata)
        aspect = like.sample_aspect or Fraction(1)
        self.track = Track(like.width, like.height, self._timescale, avcc, aspect, like.display_matrix)
        self._first_s = Fraction(0)
        self._last_time, self._next_keyframe = -1, 0
        self._keyframe_due = True
        self._copying = False

    @property
    def usual_duration(self) -> int:
        """Of a picture, in units of time, as long as nothing better is known."""
        return max(1, round(self._timescale / (self._like.rate_fps or 1)))

    def copied(self, packets: Sequence[av.Packet[Any]], arrived_at: datetime) -> list[CodedPicture]:
        """As `SegmentWriter.copy`; all or none of them."""
        follows, self._copying = self._copying, False
        if self.why_not_copied:
            raise RedactionIncomplete(f"{self._camera}: packets cannot be copied: {self.why_not_copied}")
        pictures = list(self._copies(packets, arrived_at))
        if any(after.time <= before.time for before, after in pairwise(pictures)):
            raise RedactionIncomplete(f"{self._camera}: the pictures to be copied are not in order")
        if not pictures or not (follows or pictures[0].keyframe):
            raise RedactionIncomplete(f"{self._camera}: a GOP to be copied does not start with an IDR picture")
        self._keyframe_due = self._copying = True
        self._last_time = pictures[-1].time
        return pictures

    def encoded(self, frame: RedactedFrame, arrived_at: datetime, share: float, *, keyframe_from: int) -> CodedPicture:
        """As `SegmentWriter.encode`; from the time `keyframe_from` on a keyframe is wanted."""
        if not isinstance(frame, RedactedFrame):
            raise TypeError(f"only redacted frames are written, not {type(frame).__name__}")
        time = self._time(frame.pts, frame.time_base, begins=True)
        wanted = self._keyframe_due or time >= min(self._next_keyframe, keyframe_from)
        data = self._splicer.encoded(self._encoder.encode(frame, time, keyframe=wanted))
        starts = self._splicer.starts_at_idr(data)
        if wanted and not starts:
            raise OutputError(f"{self._camera}: the encoder gives no keyframe; the recording ends there")
        self._keyframe_due = self._copying = False
        self._last_time = time
        if starts:
            self._next_keyframe = time + KEYFRAME_EVERY_S * self._timescale
        return CodedPicture(data, time, starts, False, share, arrived_at)

    def end_gop(self) -> None:
        """What comes next stands for itself."""
        self._copying = False
        self._keyframe_due = True

    def _new_encoder(self, quality: Quality, speed: Speed, threads: int) -> LiveEncoder:
        """An encoder whose parameter sets go by a number that comes from what is in them.

        So they are the same in every recording with the same settings, and most likely have another number in those
        with others: `export` can put both into one file.
        """

        def numbered(set_id: int) -> LiveEncoder:
            base = Fraction(1, self._timescale)
            return LiveEncoder(self._like, base, quality=quality, speed=speed, threads=threads, set_id=set_id)

        ids = self._splicer.free_ids
        return numbered(ids[crc32(numbered(ids[0]).extradata) % len(ids)])

    def _copies(self, packets: Sequence[av.Packet[Any]], arrived_at: datetime) -> Iterator[CodedPicture]:
        first: int | None = None
        for packet in packets:
            if not isinstance(packet, av.Packet):
                raise TypeError(f"only packets are copied, not {type(packet).__name__}")
            if packet.is_corrupt or packet.is_discard or packet.pts is None or packet.time_base is None:
                raise RedactionIncomplete(f"{self._camera}: a packet was to be copied that is damaged or has no time")
            time = self._time(packet.pts, Fraction(packet.time_base), begins=first is None)
            first = time if first is None else first
            data = self._spliced(bytes(packet))
            at = arrived_at + timedelta(seconds=(time - first) / self._timescale)
            yield CodedPicture(data, time, self._splicer.starts_at_idr(data), True, 0.0, at)

    def _spliced(self, data: bytes) -> bytes:
        if self._splicer.changes_parameters(data):
            raise OutputError(
                f"{self._camera}: the camera changed its H.264 parameters, which go with a recording; "
                "the recording ends there"
            )
        return self._splicer.copied(data)

    def _time(self, pts: int, time_base: Fraction, *, begins: bool) -> int:
        """From the start of the recording, in units of time; after that of everything before.

        `begins`: the recording may begin here, if nothing is in it yet.
        """
        at_s = pts * time_base
        if begins and self._last_time < 0:
            self._first_s = at_s
        time = exact(1, at_s - self._first_s, Fraction(1, self._timescale), self._camera)
        if not self._last_time < time <= self._last_time + _LONGEST_DURATION:
            raise OutputError(f"{self._camera}: the times of its frames jump; the recording ends there")
        return time


def _timescale(info: VideoInfo) -> int:
    if info.time_base.denominator > _LARGEST_TIMESCALE:
        raise OutputError(f"{info.name}: MP4 cannot count time as finely as this camera does; nothing is recorded")
    return info.time_base.denominator


def _parameter_sets(info: VideoInfo, extradata: bytes) -> tuple[ParameterSets, str]:
    """What the camera says of its packets, if they can be copied; else nothing, and why."""
    none = ParameterSets(LENGTH_BYTES, (), ())
    if info.codec != "h264":
        return none, f"{info.codec} is not copied, only H.264 is"
    if info.interlaced:
        return none, "it is interlaced"
    if info.pixel_format not in ("yuv420p", "yuvj420p"):
        return none, f"browsers do not play {info.pixel_format}"
    sets = nal.read_avcc(extradata) or _annex_b_sets(extradata)
    obstacle = obstacle_in(sets)
    if obstacle is None and sets.length_bytes != LENGTH_BYTES:
        obstacle = "its packets leave no room for ours"
    return (sets, "") if obstacle is None else (none, obstacle)


def _annex_b_sets(extradata: bytes) -> ParameterSets:
    units = list(nal.annex_b_units(extradata))
    kinds = {kind: tuple(unit for unit in units if nal.unit_type(unit) == kind) for kind in (nal.SPS, nal.PPS)}
    return ParameterSets(LENGTH_BYTES, kinds[nal.SPS], kinds[nal.PPS])

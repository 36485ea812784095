"""The closed GOPs of a stream, collected while its frames are shown, in compact arrays."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from passerby.media import Gop

_SHORTEST = 8
"""Packets. An IDR picture that follows the last sooner starts no new GOP: a switch for every frame gains nothing."""
NEVER_CAME_OUT = -1
"""Instead of a packet's number: the frame is a stand-in, or there is no one packet for it."""


@dataclass(slots=True, eq=False)
class GopRecord:
    """A GOP and how to find its frames again.

    Attributes:
        gop: what is told to others.
        tags: int64, for every frame of `gop.pts` the number of its packet, or `NEVER_CAME_OUT`.
        damaged: bool, for every frame.
        first_packet: number of its first packet.
        last_packet: number of its last packet.
    """

    gop: Gop
    tags: npt.NDArray[np.int64] = field(repr=False)
    damaged: npt.NDArray[np.bool_] = field(repr=False)
    first_packet: int
    last_packet: int


@dataclass(slots=True, eq=False)
class GopDraft:
    """A GOP whose packets or frames are still being met."""

    index: int
    first_packet: int
    last_packet: int = 0
    why_not: str = ""
    _dts: array[int] = field(default_factory=lambda: array("q"))
    _pts: array[int] = field(default_factory=lambda: array("q"))
    _tags: array[int] = field(default_factory=lambda: array("q"))
    _damaged: array[int] = field(default_factory=lambda: array("b"))
    _packets: int = 0

    @property
    def long_enough(self) -> bool:
        """Whether a new GOP may start after it."""
        return self._packets >= _SHORTEST

    def add_packet(self, tag: int, dts: int | None, why_not: str) -> None:
        """A packet of this GOP, in decoding order."""
        self.last_packet = tag
        self._packets += 1
        if dts is None:
            why_not = why_not or "packets without DTS"
        else:
            if self._dts and dts <= self._dts[-1]:
                why_not = why_not or "DTS do not rise"
            self._dts.append(dts)
        self.why_not = self.why_not or why_not

    def add_frame(self, tag: int, pts: int, *, damaged: bool, why_not: str = "") -> None:
        """A frame of this GOP, in presentation order."""
        self._pts.append(pts)
        self._tags.append(tag)
        self._damaged.append(damaged)
        self.why_not = self.why_not or why_not or ("damaged" if damaged else "")

    def finish(self, after_dts: int | None) -> GopRecord:
        """All its frames have been shown. `after_dts` is the last DTS of the GOP before, or None."""
        why_not = self.why_not
        if not why_not and len(self._pts) != self._packets:
            why_not = "packets and frames do not match one to one"
        if not why_not and after_dts is not None and self._dts[0] <= after_dts:
            why_not = "DTS do not rise"
        pts, dts = np.array(self._pts, np.int64), np.array(self._dts, np.int64)
        gop = Gop(self.index, pts, dts, not why_not, why_not)
        damaged = np.array(self._damaged, np.bool_)
        return GopRecord(gop, np.array(self._tags, np.int64), damaged, self.first_packet, self.last_packet)


class GopList:
    """Sorts packets and frames into GOPs. Frames come in presentation order, so at most a few GOPs are open."""

    def __init__(self) -> None:
        self._open: list[GopDraft] = []
        self._count = 0
        self._last_dts: int | None = None
        self.records: list[GopRecord] = []

    def add_packet(self, tag: int, dts: int | None, *, starts: bool, why_not: str) -> GopDraft:
        """A packet in decoding order; returns the GOP that it belongs to."""
        if not self._open or (starts and self._open[-1].long_enough):
            draft = GopDraft(self._count, tag)
            self._count += 1
            self._open.append(draft)
            if not starts:
                why_not = why_not or "does not start with an IDR picture"
        self._open[-1].add_packet(tag, dts, why_not)
        return self._open[-1]

    def add_frame(self, draft: GopDraft, tag: int, pts: int, *, damaged: bool, why_not: str = "") -> None:
        """A frame in presentation order, and the GOP that its packet belongs to."""
        while self._open[0].index < draft.index:
            self._finish_first()
        if self._open[0] is not draft:
            why_not = draft.why_not = "frames out of order"
        self._open[0].add_frame(tag, pts, damaged=damaged, why_not=why_not)

    def finish(self, *, cut_off: bool) -> None:
        """Everything was shown. With `cut_off` the last GOP may lack its end."""
        if cut_off and self._open:
            self._open[-1].why_not = self._open[-1].why_not or "the file is cut off here"
        while self._open:
            self._finish_first()

    def _finish_first(self) -> None:
        record = self._open.pop(0).finish(self._last_dts)
        if len(record.gop.dts):
            self._last_dts = int(record.gop.dts[-1])
        if len(record.gop.pts):
            self.records.append(record)

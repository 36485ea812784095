"""The one value between looking and painting: what to paint in each frame, and which GOPs to copy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from passerby.errors import RedactionIncomplete, SettingsError
from passerby.media import Gop
from passerby.redact.polygons import Polygon
from passerby.regions import LABELS, Boxes, Look, Regions, Track, grow, no_boxes

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Placed = tuple[int, Times, Boxes]
"""Boxes of one label, and the PTS of each."""


@dataclass(frozen=True, slots=True)
class PlannedGop:
    """What is done with one GOP: its first PTS, how many frames it has, and why it is not copied ("" if it is)."""

    first_pts: int
    frames: int
    action: Literal["copy", "encode"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The settings that made a plan; for people, and to tell plans apart.

    Attributes:
        margins: the labels that were looked for, and by how much a box of each grew.
        keep: what was left as it is.
        only: the only parts where something was covered.
    """

    margins: tuple[tuple[str, float], ...] = ()
    keep: tuple[Polygon, ...] = ()
    only: tuple[Polygon, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What to paint in each frame of one video or photo. A frame that is not in it is painted whole.

    Attributes:
        sha256: of the source file, 64 lower-case hexadecimal digits.
        width: of the upright picture, in pixels.
        height: likewise.
        time_base: seconds per unit of PTS.
        pts: int64, shape (F,), strictly rising.
        whole: bool, shape (F,): nobody looked at this frame; it is painted whole.
        offsets: int64, shape (F + 1,): frame i has the regions from offsets[i] to offsets[i + 1].
        boxes: float32, shape (R, 4), pixels of the upright picture; of all frames, one after the other.
        labels: uint8, shape (R,): index into `LABELS`.
        gops: of the source, in order; empty for photos, and where everything is encoded anyway.
        settings: that made the plan.
    """

    sha256: str
    width: int
    height: int
    time_base: Fraction
    pts: Times
    whole: Flags
    offsets: Times
    boxes: Boxes = field(default_factory=no_boxes)
    labels: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    gops: tuple[PlannedGop, ...] = ()
    settings: PlanSettings = PlanSettings()

    def __post_init__(self) -> None:
        count, regions = len(self.pts), len(self.boxes)
        sound = (
            self.whole.shape == (count,)
            and self.offsets.shape == (count + 1,)
            and self.boxes.shape == (regions, 4)
            and self.labels.shape == (regions,)
            and self.offsets[0] == 0
            and self.offsets[-1] == regions
            and bool((np.diff(self.offsets) >= 0).all())
        )
        if not sound:
            raise ValueError("the arrays of a plan do not fit together")
        if (np.diff(self.pts) <= 0).any():
            raise RedactionIncomplete("the time stamps of the frames do not rise, so no plan could be made")

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def is_covered(self) -> Flags:
        """bool, shape (F,): something is painted in this frame."""
        return self.whole | (np.diff(self.offsets) > 0)

    def regions_at(self, pts: int) -> Regions | None:
        """What to paint in the frame at this PTS; None: paint it whole, since nobody looked at it."""
        index = int(np.searchsorted(self.pts, pts))
        if index == len(self.pts) or self.pts[index] != pts or self.whole[index]:
            return None
        which = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return Regions(self.boxes[which], self.labels[which])

    def paints(self, pts: int) -> bool:
        """Whether anything is painted in the frame at this PTS."""
        regions = self.regions_at(pts)
        return regions is None or len(regions) > 0

    def is_clear(self, pts: Times) -> bool:
        """Whether every frame at these PTS was looked at and has nothing to paint."""
        return self._why_not_clear(pts) == ""

    def matches(self, sha256: str, size: tuple[int, int]) -> bool:
        """Whether this plan was made for that file: its SHA-256, and the upright picture's width and height."""
        return self.sha256 == sha256.lower() and (self.width, self.height) == size

    def with_gops(self, gops: Iterable[Gop]) -> Plan:
        """The same plan, with what is done with each GOP decided anew: copied if it can be and all of it is clear."""
        return replace(self, gops=tuple(self._planned(gop) for gop in gops))

    def save(self, path: Path) -> None:
        """Write the plan as JSON, whole or not at all; boxes are rounded outwards to 0.01 px.

        Raises:
            OutputError: the file cannot be written.
        """
        from passerby.redact.plan_file import write_plan

        write_plan(self, path)

    @staticmethod
    def load(path: Path) -> Plan:
        """Read a plan that `save` wrote or a person corrected. What it says of GOPs is not trusted: see `with_gops`.

        Raises:
            SettingsError: not a plan of this format; the message names what is wrong.
        """
        from passerby.redact.plan_file import read_plan

        return read_plan(path)

    def _planned(self, gop: Gop) -> PlannedGop:
        why = self._why_not_clear(gop.pts)
        if not gop.copyable:
            why = gop.why_not or "it cannot be copied"
        first = int(gop.pts[0]) if len(gop.pts) else 0
        return PlannedGop(first, len(gop.pts), "encode" if why else "copy", why)

    def _why_not_clear(self, pts: Times) -> str:
        """In a few words, "" if all of these frames are clear; frames that are not there prove nothing."""
        if not len(pts):
            return "it has no frames"
        index = np.minimum(np.searchsorted(self.pts, pts), max(len(self.pts) - 1, 0))
        if not len(self.pts) or (self.pts[index] != pts).any() or self.whole[index].any():
            return "not every frame of it was looked at"
        return "something in it is covered" if (self.offsets[index + 1] > self.offsets[index]).any() else ""


def make_plan(
    looks: Iterable[Look],
    tracks: Iterable[Track],
    *,
    sha256: str,
    size: tuple[int, int],
    time_base: Fraction,
    margins: Mapping[str, float],
    keep: Sequence[Polygon] = (),
    only: Sequence[Polygon] = (),
    gops: Iterable[Gop] = (),
) -> Plan:
    """The plan of one file.

    Args:
        looks: one for each frame, PTS strictly rising; read once. A frame that is "unseen" is painted whole. What moves
            in them is covered where `margins` names "motion"; a frame whose background is not known is painted whole
            then.
        tracks: everything in them is painted, at the frames that were looked at. A box that makes no sense inside of
            the picture makes its frame painted whole.
        sha256: of the source file.
        size: width and height of the upright picture, in pixels.
        time_base: seconds per unit of PTS.
        margins: the labels that are covered, and the share of its width and height that a box of each grows on every
            side. Tracks of other labels are left out.
        keep: a box, before it grows, that lies wholly in one of these is left as it is.
        only: if there are any, a box, before it grows, that touches none of them is left as it is.
        gops: of the source, if any of it may be copied.

    Raises:
        RedactionIncomplete: the time stamps of the looks do not rise.
        SettingsError: a margin is negative or no number.
    """
    check_margins(margins)
    pts, whole, moving = _frames(looks, motion="motion" in margins)
    found = [moving, *((track.label, track.pts, track.boxes) for track in tracks)]
    covered = [(what, margins[LABELS[what[0]]]) for what in found if LABELS[what[0]] in margins]
    parts = [_regions_of(*what, pts, size, margin, keep, only) for what, margin in covered]
    frames = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    boxes = np.concatenate([no_boxes(), *(part[1] for part in parts)])
    labels = np.concatenate([np.zeros(0, np.uint8), *(np.full(len(p[0]), p[2], np.uint8) for p in parts)])
    senseless = ~np.isfinite(boxes).all(axis=1)
    whole[frames[senseless]] = True
    order = np.argsort(frames, kind="stable")
    order = order[~whole[frames[order]]]
    offsets = np.searchsorted(frames[order], np.arange(len(pts) + 1)).astype(np.int64)
    settings = PlanSettings(tuple(margins.items()), tuple(keep), tuple(only))
    plan = Plan(sha256.lower(), *size, time_base, pts, whole, offsets, boxes[order], labels[order], (), settings)
    return plan.with_gops(gops)


def check_margins(margins: Mapping[str, float]) -> None:
    """Raise SettingsError if a margin is negative or no number."""
    for label, margin in margins.items():
        if not (math.isfinite(margin) and margin >= 0):
            raise SettingsError(
                f"the margin of {label} is {margin}; nothing was started", hint="Use 0 or more, such as 0.15"
            )


def _frames(looks: Iterable[Look], *, motion: bool) -> tuple[Times, Flags, Placed]:
    """PTS of the frames, which of them are painted whole, and what moves in the others."""
    pts, whole, moving, counts = [], [], [no_boxes()], []
    for look in looks:
        pts.append(look.pts)
        whole.append(look.how == "unseen" or (motion and look.moving is None))
        boxes = no_boxes() if whole[-1] or look.moving is None else look.moving
        counts.append(len(boxes))
        if len(boxes):
            moving.append(boxes)
    times = np.array(pts, np.int64)
    placed = LABELS.index("motion"), np.repeat(times, counts), np.concatenate(moving)
    return times, np.array(whole, np.bool_), placed


def _regions_of(
    label: int,
    at: Times,
    found: Boxes,
    pts: Times,
    size: tuple[int, int],
    margin: float,
    keep: Sequence[Polygon],
    only: Sequence[Polygon],
) -> tuple[Times, Boxes, int]:
    """Regions of boxes at these PTS: index of the frame, box, label. Boxes that make no sense come through as NaN."""
    frames = np.searchsorted(pts, at).astype(np.int64)
    known = frames < len(pts)
    known[known] = pts[frames[known]] == at[known]
    grown, painted = regions_among(found, size, margin, keep, only)
    chosen = known & painted
    return frames[chosen], grown[chosen], label


def regions_among(
    found: Boxes, size: tuple[int, int], margin: float, keep: Sequence[Polygon], only: Sequence[Polygon]
) -> tuple[Boxes, Flags]:
    """Boxes of one label, grown, and which of them are painted. Boxes that make no sense are, and come as NaN.

    The arguments are those of `make_plan`.
    """
    limit = np.array([*size, *size], np.float32)
    # Far outside of the picture it makes no difference how far; NaN stays NaN.
    grown = np.clip(grow(found, margin), -limit, 2 * limit)
    senseless = ~np.isfinite(found).all(axis=1) | (grown[:, 2:] < grown[:, :2]).any(axis=1)
    within = _reach_into(grown, size)
    senseless |= within & (grown[:, 2:] == grown[:, :2]).any(axis=1)
    painted = senseless | (within & ~is_spared(found, size, keep, only))
    grown[senseless] = np.nan
    return grown, painted


def _reach_into(boxes: Boxes, size: tuple[int, int]) -> Flags:
    width, height = size
    inside = (boxes[:, 0] < width) & (boxes[:, 1] < height) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    return np.asarray(inside, np.bool_)


def is_spared(boxes: Boxes, size: tuple[int, int], keep: Sequence[Polygon], only: Sequence[Polygon]) -> Flags:
    """Which boxes the user leaves as they are."""
    spared = np.zeros(len(boxes), np.bool_)
    for polygon in keep:
        spared |= polygon.contains(boxes, *size)
    if only:
        spared |= ~np.logical_or.reduce([polygon.touches(boxes, *size) for polygon in only])
    return spared

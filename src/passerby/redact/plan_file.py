"""The plan as a JSON file that a person can correct. docs/reference/plan.md explains it; the schema is beside that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from passerby.errors import SettingsError
from passerby.pending import output_error, pending
from passerby.redact.plan import Plan, PlannedGop, PlanSettings
from passerby.redact.polygons import Polygon
from passerby.regions import LABELS, Boxes

FORMAT: Literal["passerby-plan"] = "passerby-plan"
VERSION: Literal[1] = 1
MOST_BYTES = 128 * 2**20
"""A larger plan file is refused: read at once, it would need more memory than a video does."""

_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
_HINT = "docs/reference/plan.md shows what a plan looks like"

Label = Literal["face", "plate", "head", "person", "text", "motion"]
Pts = Annotated[int, Field(ge=-(2**62), le=2**62, description="Time stamp, in units of the time base.")]
Pixel = Annotated[float, Field(ge=-1e6, le=1e6)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=1, le=1_000_000)]


def _in_order(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError("x1 must be less than x2, and y1 less than y2")
    return box


Box = Annotated[
    tuple[Pixel, Pixel, Pixel, Pixel],
    AfterValidator(_in_order),
    Field(description="x1, y1, x2, y2 in pixels of the upright picture; x1 < x2 and y1 < y2."),
]


@dataclass(config=_STRICT, frozen=True, slots=True)
class RegionEntry:
    """One box to paint; a face or head is painted as the ellipse through its corners."""

    label: Label
    box: Box


@dataclass(config=_STRICT, frozen=True, slots=True)
class FrameEntry:
    """What is painted in one frame: regions, or the whole picture. A frame that is not listed is painted whole."""

    pts: Pts
    regions: Literal["whole"] | tuple[RegionEntry, ...]


@dataclass(config=_STRICT, frozen=True, slots=True)
class Correction:
    """Changes every listed frame from `first_pts` to `last_pts`, both included, that is not painted whole.

    cover: paint this box too. uncover: paint no region of this label that lies wholly inside this box.
    """

    action: Literal["cover", "uncover"]
    label: Label
    first_pts: Pts
    last_pts: Pts
    box: Box


@dataclass(config=_STRICT, frozen=True, slots=True)
class GopEntry:
    """What is done with one group of pictures. Told for information: it is decided anew from the frames."""

    first_pts: Pts
    frames: Annotated[int, Field(ge=0)]
    action: Literal["copy", "encode"]
    why: str = ""


@dataclass(config=_STRICT, frozen=True, slots=True)
class SourceEntry:
    """The file that the plan is for."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    width: Annotated[Side, Field(description="Of the upright picture, in pixels.")]
    height: Annotated[Side, Field(description="Of the upright picture, in pixels.")]
    time_base: Annotated[
        tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]],
        Field(description="Seconds per unit of PTS: numerator, denominator."),
    ]


@dataclass(config=_STRICT, frozen=True, slots=True)
class SettingsEntry:
    """The settings that made the plan. Told for information: margins, keep and only are already in the regions."""

    margins: Annotated[
        dict[Label, Annotated[float, Field(ge=0)]],
        Field(description="What was looked for, and by how much a box of it grew on every side."),
    ]
    keep: tuple[tuple[tuple[Share, Share], ...], ...] = ()
    only: tuple[tuple[tuple[Share, Share], ...], ...] = ()


@dataclass(config=_STRICT, frozen=True, slots=True)
class PlanFile:
    """What passerby paints in each frame of one video or photo."""

    format: Literal["passerby-plan"]
    version: Literal[1]
    source: SourceEntry
    settings: SettingsEntry
    frames: tuple[FrameEntry, ...]
    gops: tuple[GopEntry, ...] = ()
    corrections: Annotated[tuple[Correction, ...], Field(description="Applied to the frames, in order.")] = ()


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a plan file, draft 2020-12."""
    schema = TypeAdapter(PlanFile).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def write_plan(plan: Plan, path: Path) -> None:
    """Write it as JSON, one frame a line, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with pending(path, replace=True) as unfinished:
        try:
            with unfinished.part.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(plan))
        except OSError as error:
            raise output_error(path, error) from error
        unfinished.commit()


def read_plan(path: Path) -> Plan:
    """Read and check it; corrections are applied.

    Raises:
        SettingsError: it cannot be read, or is not a plan; the message names the first thing that is wrong.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path.name}: the plan is over {MOST_BYTES >> 20} MiB; nothing was started")
        content = TypeAdapter(PlanFile).validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path.name}: the plan cannot be read: {error.strerror}; nothing was started") from error
    except ValidationError as error:
        raise SettingsError(f"{path.name}: {_first_fault(error)}; nothing was started", hint=_HINT) from None
    return _plan_of(content, path.name)


def _first_fault(error: ValidationError) -> str:
    # Where a value may be of two kinds, the deepest fault is the one that a person made.
    fault = max(error.errors(include_url=False, include_input=False), key=lambda fault: len(fault["loc"]))
    parts = [str(part) for part in fault["loc"]]
    where = ".".join("".join(c if c.isprintable() else "?" for c in part) for part in parts if "[" not in part)
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where or 'the plan'}: {message[:1].lower()}{message[1:]}"


def _plan_of(content: PlanFile, name: str) -> Plan:
    pts = np.array([frame.pts for frame in content.frames], np.int64)
    late = np.flatnonzero(np.diff(pts) <= 0)
    if len(late):
        where = f"frames.{late[0] + 1}.pts"
        raise SettingsError(f"{name}: {where}: time stamps must rise; nothing was started", hint=_HINT)
    regions = [() if isinstance(frame.regions, str) else frame.regions for frame in content.frames]
    for correction in content.corrections:
        _apply(correction, content.frames, pts, regions)
    source = content.source
    return Plan(
        source.sha256,
        source.width,
        source.height,
        Fraction(*source.time_base),
        pts,
        np.array([frame.regions == "whole" for frame in content.frames], np.bool_),
        np.concatenate([[0], np.cumsum([len(some) for some in regions])]).astype(np.int64),
        np.array([one.box for some in regions for one in some], np.float32).reshape(-1, 4),
        np.array([LABELS.index(one.label) for some in regions for one in some], np.uint8),
        tuple(PlannedGop(gop.first_pts, gop.frames, gop.action, gop.why) for gop in content.gops),
        _settings_of(content.settings, name),
    )


def _apply(
    correction: Correction, frames: tuple[FrameEntry, ...], pts: Any, regions: list[tuple[RegionEntry, ...]]
) -> None:
    first = int(np.searchsorted(pts, correction.first_pts, "left"))
    last = int(np.searchsorted(pts, correction.last_pts, "right"))
    added = RegionEntry(correction.label, correction.box)
    for index in range(first, last):
        if frames[index].regions == "whole":
            continue
        if correction.action == "cover":
            regions[index] = (*regions[index], added)
        else:
            regions[index] = tuple(one for one in regions[index] if not _lies_in(one, correction))


def _lies_in(region: RegionEntry, correction: Correction) -> bool:
    (x1, y1, x2, y2), (left, top, right, bottom) = region.box, correction.box
    return region.label == correction.label and x1 >= left and y1 >= top and x2 <= right and y2 <= bottom


def _settings_of(entry: SettingsEntry, name: str) -> PlanSettings:
    try:
        keep, only = (tuple(Polygon.of(points) for points in some) for some in (entry.keep, entry.only))
    except SettingsError as error:
        raise SettingsError(f"{name}: settings: {error.message}", hint=error.hint) from None
    return PlanSettings(tuple(entry.margins.items()), keep, only)


def _lines(plan: Plan) -> Iterator[str]:
    settings, time_base = plan.settings, plan.time_base
    source = {
        "sha256": plan.sha256,
        "width": plan.width,
        "height": plan.height,
        "time_base": [time_base.numerator, time_base.denominator],
    }
    made_with = {
        "margins": dict(settings.margins),
        "keep": [polygon.points for polygon in settings.keep],
        "only": [polygon.points for polygon in settings.only],
    }
    yield f'{{\n"format": "{FORMAT}",\n"version": {VERSION},\n'
    yield f'"source": {json.dumps(source)},\n"settings": {json.dumps(made_with)},\n"gops": ['
    for index, gop in enumerate(plan.gops):
        entry = {"first_pts": gop.first_pts, "frames": gop.frames, "action": gop.action, "why": gop.why}
        yield f"{',' if index else ''}\n  {json.dumps(entry)}"
    yield '\n],\n"corrections": [],\n"frames": ['
    boxes = _rounded_outwards(plan.boxes)
    for index in range(len(plan)):
        yield f"{',' if index else ''}\n  {json.dumps(_frame_entry(plan, index, boxes))}"
    yield "\n]\n}\n"


def _frame_entry(plan: Plan, index: int, boxes: Any) -> dict[str, Any]:
    pts = int(plan.pts[index])
    if plan.whole[index]:
        return {"pts": pts, "regions": "whole"}
    start, stop = plan.offsets[index : index + 2].tolist()
    labels = plan.labels[start:stop].tolist()
    return {
        "pts": pts,
        "regions": [
            {"label": LABELS[label], "box": box} for label, box in zip(labels, boxes[start:stop].tolist(), strict=True)
        ],
    }


def _rounded_outwards(boxes: Boxes) -> Any:
    """float64, to 0.01 px, so that reading them back as float32 never gives a smaller box.

    A value that two digits already stand for stays, or a plan would grow each time it is saved.
    """
    exact = boxes.astype(np.float64)
    nearest = np.round(exact, 2)
    outwards = np.concatenate([np.floor(exact[:, :2] * 100), np.ceil(exact[:, 2:] * 100)], axis=1) / 100
    return np.where(nearest.astype(np.float32) == boxes, nearest, outwards)

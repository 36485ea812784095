"""What was recorded: when, how much was covered, and the files."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from starlette.exceptions import HTTPException

from passerby.archive import StoredSegment
from passerby.serve.permissions import Caller, Permission
from passerby.web.answers import Segment, SegmentList, Timeline, TimelineSpan
from passerby.web.asking import API, ERRORS, Begin, End, Needs, TheAccounts, TheNetwork, camera_for, checked_range
from passerby.web.exporting import LONGEST_EXPORT, Exports, Gaps, WantedExport
from passerby.web.files import file_response, open_inside

router = APIRouter(prefix=API, tags=["recordings"], responses=ERRORS)
exports = Exports()

_SeesTimes = Annotated[Caller, Depends(Needs(Permission.TIMELINE))]
_Plays = Annotated[Caller, Depends(Needs(Permission.PLAY))]
_Exports = Annotated[Caller, Depends(Needs(Permission.EXPORT))]
_MP4: dict[int | str, dict[str, Any]] = {200: {"content": {"video/mp4": {}}, "description": "An MP4 file."}}
_LONGEST_LIST = timedelta(days=7)


@router.get("/cameras/{name}/timeline")
def get_timeline(
    name: str,
    begin: Begin,
    end: End,
    network: TheNetwork,
    caller: _SeesTimes,
    most: Annotated[int, Query(ge=1, le=10_000, description="Spans at most; short gaps may vanish.")] = 2000,
) -> Timeline:
    """When the camera recorded, at most 31 days at once."""
    camera_for(network, caller, name)
    begins_at, ends_at = checked_range(begin, end)
    spans = network.archive.timeline(name, begins_at, ends_at, most=most)
    told = [TimelineSpan.model_validate(span) for span in spans]
    return Timeline(camera=name, begins_at=begins_at, ends_at=ends_at, spans=told)


@router.get("/cameras/{name}/segments")
def list_segments(
    name: str,
    begin: Begin,
    end: End,
    network: TheNetwork,
    caller: _Plays,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
) -> SegmentList:
    """Files that hold something of that time, at most 7 days at once."""
    camera_for(network, caller, name)
    begins_at, ends_at = checked_range(begin, end, _LONGEST_LIST)
    found = network.archive.segments(name, begins_at, ends_at, limit=limit + 1)
    told = [_segment(stored) for stored in found[:limit]]
    return SegmentList(camera=name, segments=told, more=len(found) > limit)


@router.get(
    "/segments/{segment_id}", response_class=Response, responses={**_MP4, 206: {"description": "A part of it."}}
)
def get_segment(
    segment_id: Annotated[int, Path(ge=1, le=2**62)],
    network: TheNetwork,
    caller: _Plays,
    range_wanted: Annotated[str | None, Header(alias="Range", max_length=100)] = None,
) -> Response:
    """One file: fragmented MP4 that plays by itself. Understands one byte range."""
    stored = network.archive.segment(segment_id)
    if stored is None:
        raise HTTPException(404, "there is no such segment, or it was erased")
    camera_for(network, caller, stored.info.camera)
    descriptor = open_inside(network.archive.folder, stored.path)
    return file_response(descriptor, "video/mp4", wanted=range_wanted, headers={"ETag": f'"{stored.info.sha256}"'})


@router.get("/cameras/{name}/export", response_class=Response, responses=_MP4)
def export_range(
    name: str,
    begin: Begin,
    end: End,
    network: TheNetwork,
    accounts: TheAccounts,
    caller: _Exports,
    gaps: Annotated[Gaps, Query(description="keep: the picture before a gap stands still for as long.")] = "leave-out",
) -> Response:
    """A range of time as one MP4, from the keyframe before it; nothing is encoded anew. At most 24 hours at once.

    Time in which nothing was recorded is left out, unless it is to be kept. Where the picture changed its size, ask for
    both sides apart.
    """
    camera = camera_for(network, caller, name)
    begins_at, ends_at = checked_range(begin, end, LONGEST_EXPORT)
    accounts.log.add(caller.account, "exported", name, f"{begins_at.isoformat()} to {ends_at.isoformat()}")
    return exports.response(network.archive, WantedExport(name, camera.shown, begins_at, ends_at, gaps))


def _segment(stored: StoredSegment) -> Segment:
    names = set(Segment.model_fields) - {"id"}
    return Segment.model_validate({"id": stored.id, **{name: getattr(stored.info, name) for name in names}})

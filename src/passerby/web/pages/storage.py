"""Storage: what is kept, for how long, what room is left, and what was erased."""

from __future__ import annotations

from nicegui import ui

from passerby.archive import CameraUsage
from passerby.serve.town import CameraSettings
from passerby.web.pages.amounts import instant, size, span
from passerby.web.pages.markup import box, cell, panel, table, words
from passerby.web.pages.visit import Visit

POLL_S = 30.0
_MOST_ERASURES = 100


def build(visit: Visit) -> None:
    """The room, the cameras, the erasures; all made anew every half a minute."""

    @ui.refreshable
    def everything() -> None:
        _room(visit)
        with panel("By camera"):
            _usage(visit)
        with panel("What was erased"):
            _erasures(visit)

    everything()
    ui.timer(POLL_S, everything.refresh)


def _room(visit: Visit) -> None:
    free, floor = visit.network.archive.free_bytes(), round(visit.network.town.floor_gb * 1e9)
    with panel("Room"), box("div"):
        words("strong", f"{size(free)} free")
        words("p", f"Below {size(floor)} the oldest recordings of all cameras go first.", "quiet")
        if free < floor:
            words("p", "It is below that now: recordings are erased before their time.", "trouble")
        if trouble := visit.network.erasing_trouble:
            words("p", f"What is due was not erased: {trouble}.", "trouble", role="alert")


def _usage(visit: Visit) -> None:
    """Cameras that are there, and those that were removed and left recordings behind."""
    used = {usage.camera: usage for usage in visit.network.archive.usage()}
    headings = ("Camera", "Kept for", "Quota", "Stored", "Files", "Oldest", "Newest")
    with table("Storage by camera", headings):
        for camera in visit.cameras():
            _row(headings, camera.shown, camera, used.pop(camera.name, None))
        known = {camera.name for camera in visit.network.town.camera}
        for name, usage in used.items():
            if visit.caller.sites is None and name not in known:
                _row(headings, f"{name} (removed)", None, usage)


def _row(headings: tuple[str, ...], title: str, camera: CameraSettings | None, usage: CameraUsage | None) -> None:
    quota = size(round(camera.quota_gb * 1e9)) if camera and camera.quota_gb else "no limit"
    texts = (
        title,
        span(camera.retention_h) if camera else "as it was set",
        quota if camera else "",
        size(usage.size_bytes if usage else 0),
        str(usage.segments if usage else 0),
        instant(usage.oldest_at if usage else None),
        instant(usage.newest_at if usage else None),
    )
    with box("tr"):
        for heading, text in zip(headings, texts, strict=True):
            cell(heading, text)


def _erasures(visit: Visit) -> None:
    seen = {camera.name for camera in visit.cameras()}
    erasures = [
        each
        for each in visit.network.archive.erasures(_MOST_ERASURES)
        if visit.caller.sites is None or each.camera in seen
    ]
    if not erasures:
        words("p", "Nothing yet.", "quiet")
        return
    headings = ("When", "Camera", "Files", "Size", "Recorded", "Why")
    with table("Erasures", headings):
        for each in erasures:
            recorded = f"{instant(each.begins_at)} to {instant(each.ends_at)}"
            texts = (
                instant(each.at),
                each.camera,
                str(each.segments),
                size(each.size_bytes),
                recorded,
                each.why,
            )
            with box("tr"):
                for heading, text in zip(headings, texts, strict=True):
                    cell(heading, text)

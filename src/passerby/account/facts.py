"""What is known of one file, as its report has it: what was in it, what was found, what came of looking again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from passerby.check.report import SecondLookResult
from passerby.check.second_look import SecondLook
from passerby.check.summary import count_looks, gaps_filled, low_confidence, moments_standing, summarise_tracks
from passerby.media import PhotoInfo, VideoInfo
from passerby.redact.plan import Plan
from passerby.regions import LABELS, Look, Track

Facts = dict[str, Any]
"""Fields of a report, by their names."""


def facts_of_input(info: VideoInfo | PhotoInfo, stated: Sequence[str | None], *, audio_kept: bool) -> Facts:
    """What will not be in the copy, and what else a user should know; None in `stated` is nothing."""
    dropped = list(info.dropped)
    if audio_kept:
        dropped = [what for what in dropped if not what.startswith("audio")]
    if info.metadata:
        tags = "1 tag" if len(info.metadata) == 1 else f"{len(info.metadata)} tags"
        dropped.append(f"metadata ({tags}: {_few(info.metadata)})")
    return {"dropped": tuple(dropped), "stated": tuple(filter(None, stated))}


def facts_of_looking(plan: Plan, looks: Sequence[Look], tracks: Sequence[Track], *, given: bool) -> Facts:
    """What was found, and what of it will be painted; one look for each frame, also where the plan was given."""
    moments = low_confidence(tracks, looks, plan.time_base)
    # One number for each frame, -1 for all of it: the regions themselves would fill memory in long videos.
    painted = np.array([-1 if (r := plan.regions_at(look.pts)) is None else len(r) for look in looks], np.int64)
    return {
        "frames": len(looks),
        "frames_covered": int((painted != 0).sum()),
        "frames_covered_whole": int((painted < 0).sum()),
        "regions": int(painted[painted > 0].sum()),
        "regions_by_label": _by_label(plan, looks),
        "looks": count_looks(() if given else looks),
        "tracks": summarise_tracks(tracks, plan.time_base),
        "gaps": gaps_filled(tracks, plan.time_base),
        "moments": moments.listed,
        "moments_found": moments.found,
    }


def _by_label(plan: Plan, looks: Sequence[Look]) -> dict[str, int]:
    """Regions of frames that are there, by label, those that there are."""
    counts = np.zeros(len(LABELS), np.int64)
    for look in looks:
        regions = plan.regions_at(look.pts)
        if regions is not None and len(regions):
            counts += np.bincount(regions.labels, minlength=len(LABELS))
    return {label: int(count) for label, count in zip(LABELS, counts, strict=True) if count}


def facts_of_check(problems: Sequence[str], second: SecondLook) -> Facts:
    """What reading the copy back and looking at it again showed."""
    result = SecondLookResult(
        looked_at=second.looked_at,
        scale=second.options.scale,
        mirrored=second.options.mirrored,
        threshold=second.options.threshold,
        standing=moments_standing(second.standing),
    )
    return {"problems": tuple(problems), "second_look": result}


def _few(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

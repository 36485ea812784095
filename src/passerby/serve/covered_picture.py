"""One picture of a camera, covered, for who tries it out."""

from __future__ import annotations

from passerby.detect.photo import find_in_photo
from passerby.media import Frame
from passerby.pipeline.choosing import as_called, photo_nets
from passerby.read.picture import own, picture_of
from passerby.redact.cover import Painter
from passerby.redact.plan import make_plan
from passerby.regions import LABELS, Detections, Look, Regions
from passerby.settings import Settings
from passerby.track.smoother import TrackOptions, follow
from passerby.write.jpeg import jpeg_of

_LONGEST_PX = 1920


def covered_picture(frame: Frame, settings: Settings) -> tuple[bytes, tuple[str, ...]]:
    """The frame with all that was found in it covered, as JPEG, and the labels of that.

    It is looked at as a photo is, in several ways: there is only one chance. `frame` must not be used afterwards.
    """
    picture = picture_of(frame)
    found = as_called(find_in_photo(photo_nets(settings), picture), settings)
    regions = _regions_of(found, frame, settings)
    covered = {LABELS[label] for label in regions.labels} if regions is not None else set()
    return jpeg_of(Painter(settings.style).cover(own(frame), regions), _LONGEST_PX), tuple(sorted(covered))


def _regions_of(found: Detections, frame: Frame, settings: Settings) -> Regions | None:
    size, looks = frame.upright_size, [Look(frame.pts, found)]
    tracks = follow(looks, time_base=frame.time_base, frame_size=size, options=TrackOptions(start_threshold=0))
    plan = make_plan(looks, tracks, sha256="", size=size, time_base=frame.time_base, margins=settings.margins)
    return plan.regions_at(frame.pts)

"""One picture of a camera, covered, for who tries it out."""

from __future__ import annotations

import io

from PIL import Image

from passerby.detect.photo import find_in_photo
from passerby.media import Frame, RedactedFrame
from passerby.pipeline.choosing import as_called, photo_detector, photo_plates
from passerby.read.picture import picture_of
from passerby.redact.cover import Painter
from passerby.redact.plan import make_plan
from passerby.regions import LABELS, Detections, Look, Regions
from passerby.settings import Settings
from passerby.track.smoother import TrackOptions, follow

_QUALITY = 85


def covered_picture(frame: Frame, settings: Settings) -> tuple[bytes, tuple[str, ...]]:
    """The frame with all that was found in it covered, as JPEG, and the labels of that.

    It is looked at as a photo is, in several ways: there is only one chance. `frame` must not be used afterwards.
    """
    picture = picture_of(frame)
    found = as_called(find_in_photo(photo_detector(settings), picture, photo_plates(settings)), settings)
    regions = _regions_of(found, frame, settings)
    covered = {LABELS[label] for label in regions.labels} if regions is not None else set()
    return _jpeg_of(Painter(settings.style).cover(frame, regions)), tuple(sorted(covered))


def _regions_of(found: Detections, frame: Frame, settings: Settings) -> Regions | None:
    size, looks = frame.upright_size, [Look(frame.pts, found)]
    tracks = follow(looks, time_base=frame.time_base, frame_size=size, options=TrackOptions(start_threshold=0))
    plan = make_plan(looks, tracks, sha256="", size=size, time_base=frame.time_base, margins=settings.margins)
    return plan.regions_at(frame.pts)


def _jpeg_of(redacted: RedactedFrame) -> bytes:
    # What was painted stands in the carrier, and pictures are made of that.
    like = Frame(
        redacted.pts,
        redacted.time_base,
        redacted.layout,
        redacted.planes,
        redacted.orientation,
        carrier=redacted.carrier,
    )
    file = io.BytesIO()
    Image.fromarray(picture_of(like)).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()

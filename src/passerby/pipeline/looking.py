"""What photos and videos share: which detector looks, the plan that comes of it, and the second look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.account import Account
from passerby.check.second_look import SecondLook
from passerby.detect.detector import FaceDetector
from passerby.detect.runtime import available_providers
from passerby.redact.plan import Plan, is_spared, make_plan
from passerby.redact.polygons import Polygon
from passerby.regions import Boxes, Look, Track


def photo_detector(account: Account) -> FaceDetector:
    """The float model: a photo is looked at once, and time is not what counts."""
    return _detector("centerface", account.settings.provider)


def video_detector(account: Account) -> FaceDetector:
    """On processors the INT8 model, which was measured to miss no more and takes half the time; graphics cards do not
    gain from it."""
    provider = account.settings.provider
    on_cpu = provider == "cpu" or (provider == "auto" and available_providers()[0] == "cpu")
    return _detector("centerface-int8" if on_cpu and not account.settings.thorough else "centerface", provider)


@lru_cache(maxsize=4)
def _detector(model: str, provider: str) -> FaceDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return FaceDetector(model, provider=None if provider == "auto" else provider)


def planned(
    account: Account,
    detector: FaceDetector,
    looks: Sequence[Look],
    tracks: Sequence[Track],
    size: tuple[int, int],
    time_base: Fraction,
) -> Plan:
    """The plan for what was found; `size` is that of the upright picture, in pixels."""
    settings = account.settings
    return make_plan(
        looks,
        tracks,
        sha256=account.source_sha256,
        size=size,
        time_base=time_base,
        margin=settings.margin if settings.margin is not None else detector.entry.margin,
        keep=_polygons(settings.keep),
        only=_polygons(settings.only),
        cover=settings.cover,
    )


def second_look(
    account: Account, detector: FaceDetector, plan: Plan, pts: npt.NDArray[np.int64], time_base: Fraction
) -> SecondLook:
    """Who looks at the finished copy; what the user wants left as it is does not count as left standing."""
    keep, only = _polygons(account.settings.keep), _polygons(account.settings.only)

    def spared(boxes: Boxes) -> npt.NDArray[np.bool_]:
        return is_spared(boxes, (plan.width, plan.height), keep, only)

    account.looked_with(detector.entry.name, detector.entry.sha256, detector.provider)
    return SecondLook(detector, plan.regions_at, pts=pts, time_base=time_base, name=account.name, spared=spared)


def _polygons(given: Iterable[Iterable[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(Polygon.of(points) for points in given)

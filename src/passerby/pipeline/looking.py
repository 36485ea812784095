"""What photos and videos share: which detector looks, the plan that comes of it, and the second look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from passerby.account import Account
from passerby.check.second_look import SecondLook
from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble
from passerby.detect.runtime import available_providers
from passerby.redact.plan import Plan, is_spared, make_plan
from passerby.redact.polygons import Polygon
from passerby.regions import Boxes, Look, Track

_LOOKS_FOR = {"head": "headnet", "plate": "headnet", "face": "centerface"}
"""Which model finds what is covered."""


def photo_detector(account: Account) -> Ensemble:
    """The float models: a photo is looked at once, and time is not what counts."""
    return _ensemble(account, "")


def video_detector(account: Account) -> Ensemble:
    """On processors the INT8 models, which were measured to miss no more and take half the time; graphics cards do not
    gain from them."""
    provider = account.settings.provider
    on_cpu = provider == "cpu" or (provider == "auto" and available_providers()[0] == "cpu")
    return _ensemble(account, "-int8" if on_cpu and not account.settings.thorough else "")


def _ensemble(account: Account, kind: str) -> Ensemble:
    cover = account.settings.cover
    models = dict.fromkeys(_LOOKS_FOR[label] + kind for label in cover if label in _LOOKS_FOR)
    return Ensemble([_detector(model, account.settings.provider) for model in models], cover)


@lru_cache(maxsize=8)
def _detector(model: str, provider: str) -> NetDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return NetDetector(model, provider=None if provider == "auto" else provider)


def planned(
    account: Account,
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
        margins=settings.margins,
        keep=_polygons(settings.keep),
        only=_polygons(settings.only),
    )


def second_look(
    account: Account, detector: Ensemble, plan: Plan, pts: npt.NDArray[np.int64], time_base: Fraction
) -> SecondLook:
    """Who looks at the finished copy; what the user wants left as it is does not count as left standing."""
    keep, only = _polygons(account.settings.keep), _polygons(account.settings.only)

    def spared(boxes: Boxes) -> npt.NDArray[np.bool_]:
        return is_spared(boxes, (plan.width, plan.height), keep, only)

    account.looked_with(detector.models)
    return SecondLook(detector, plan.regions_at, pts=pts, time_base=time_base, name=account.name, spared=spared)


def _polygons(given: Iterable[Iterable[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(Polygon.of(points) for points in given)

"""What photos and videos share: the plan that comes of looking, and the second look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from passerby.account import Account
from passerby.check.second_look import SecondLook
from passerby.pipeline.choosing import second_detector
from passerby.redact.plan import Plan, is_spared, make_plan
from passerby.redact.polygons import Polygon
from passerby.regions import Boxes, Look, Track


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


def second_look(account: Account, plan: Plan, pts: npt.NDArray[np.int64], time_base: Fraction) -> SecondLook:
    """Who looks at the finished copy; what the user wants left as it is does not count as left standing."""
    keep, only = _polygons(account.settings.keep), _polygons(account.settings.only)

    def spared(boxes: Boxes) -> npt.NDArray[np.bool_]:
        return is_spared(boxes, (plan.width, plan.height), keep, only)

    second = second_detector(account.settings)
    account.looked_with(second.models)
    return SecondLook(second, plan.regions_at, pts=pts, time_base=time_base, name=account.name, spared=spared)


def _polygons(given: Iterable[Iterable[tuple[float, float]]]) -> tuple[Polygon, ...]:
    return tuple(Polygon.of(points) for points in given)

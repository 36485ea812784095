"""Which nets look, for what the user wants covered."""

from __future__ import annotations

import math
from functools import lru_cache

from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble, Member
from passerby.detect.photo import PhotoNets
from passerby.detect.plate_finder import PlateFinder
from passerby.detect.runtime import available_providers
from passerby.regions import Detections
from passerby.settings import Settings

HEADS_AT: tuple[float, ...] = (1.0, 0.5)
FACES_AT = 0.5
"""In videos the head net looks at these shares of the size, the face net beside it at that: large heads are found from
afar, where a look costs a quarter."""

PERSONS_PX = (960.0, 416.0)
"""Longest sides at which persons are looked for: far ones at the first, at the second those that fill the picture."""

_AGAIN = {"head": "face", "face": "face", "person": "face", "motion": "face", "plate": "plate"}
"""What the second look asks for. Paint on a body is as round as a head, so that it asks for faces."""

_FINDS = {"face": "centerface", "plate": "headnet"}


def photo_nets(settings: Settings) -> PhotoNets:
    """Who looks at a photo in several views: the exact models, for time is not what counts.

    Faces and heads are weighed apart, so that faces are called faces still; `as_called` comes after that.
    """
    views = [_member("centerface", settings)] if _covers(settings, "head", "face") else []
    called = {label: label for label in _called(settings)}
    heads = Ensemble([_member("headnet", settings)], called) if _covers(settings, "head", "plate") else None
    plates = _plate_finder(settings) if _covers(settings, "plate") else None
    return PhotoNets(Ensemble(views + _others(settings, small=False), called), heads, plates)


def as_called(found: Detections, settings: Settings) -> Detections:
    """What was found in a photo, under the labels that the user covers."""
    return found.relabelled(_called(settings))


def video_detector(settings: Settings) -> Ensemble:
    """What looks at the frames of a video: the small models on processors; graphics cards gain nothing from them.

    Plates are looked for by their text only when a user asks to be thorough: it costs as much as all else together.
    """
    small = _small_pays(settings)
    members, heads_at = [], HEADS_AT
    if settings.thorough and _covers(settings, "plate"):
        members.append(Member(_plate_finder(settings)))
        heads_at = tuple(share for share in HEADS_AT if share != 1.0)  # at full size the finder's head net looks
    if _covers(settings, "head", "plate"):
        members += [_member("headnet", settings, small=small, share=share) for share in heads_at]
    if _covers(settings, "face"):
        members.append(_member("centerface", settings, small=small))
    elif _covers(settings, "head"):
        members.append(_member("centerface", settings, small=small, share=FACES_AT))
    return Ensemble(members + _others(settings, small=small), _called(settings))


def second_detector(settings: Settings) -> Ensemble:
    """What looks at finished copies."""
    asked = {_AGAIN[label]: _AGAIN[label] for label in settings.cover if label in _AGAIN}
    small = _small_pays(settings)
    return Ensemble([_member(_FINDS[label], settings, small=small) for label in asked], asked)


def _plate_finder(settings: Settings) -> PlateFinder:
    nets = [_net(name, settings, small=False) for name in ("headnet", "nanodet")]
    return PlateFinder(_net("text", settings, small=False), nets)


def _covers(settings: Settings, *labels: str) -> bool:
    return any(label in settings.cover for label in labels)


def _called(settings: Settings) -> dict[str, str]:
    """What a found thing counts as: a face that nobody wants by itself is found as a part of its head."""
    called: dict[str, str] = {label: label for label in settings.cover}
    if "head" in called:
        called.setdefault("face", "head")
    return called


def _others(settings: Settings, *, small: bool) -> list[Member]:
    """What is looked for only when asked for."""
    members = []
    if _covers(settings, "person"):
        members += [_member("nanodet", settings, small=small, longest=longest) for longest in PERSONS_PX]
    if _covers(settings, "text"):
        members.append(_member("text", settings, small=small))
    return members


def _small_pays(settings: Settings) -> bool:
    on_cpu = settings.provider == "cpu" or (settings.provider == "auto" and available_providers()[0] == "cpu")
    return on_cpu and not settings.thorough


def _member(
    name: str, settings: Settings, *, small: bool = False, share: float = 1.0, longest: float = math.inf
) -> Member:
    return Member(_net(name, settings, small=small), share, longest)


def _net(name: str, settings: Settings, *, small: bool) -> NetDetector:
    return _loaded(f"{name}-int8" if small else name, settings.provider)


@lru_cache(maxsize=16)
def _loaded(model: str, provider: str) -> NetDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return NetDetector(model, provider=None if provider == "auto" else provider)

"""Which nets look, for what the user wants covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble, Member
from passerby.detect.runtime import available_providers
from passerby.settings import Settings

_VIDEO: Mapping[str, tuple[tuple[str, float], ...]] = {
    "head": (("headnet", 1.0), ("centerface", 0.5)),
    "plate": (("headnet", 1.0),),
    "face": (("centerface", 1.0),),
}
"""Models by what is covered, each with the share of the size at which it looks. The head net knows few heads that fill
the picture; at half the size the face net costs a quarter and finds those that show a face."""

_PHOTO: Mapping[str, tuple[tuple[str, float], ...]] = {
    **_VIDEO,
    "head": (("headnet", 1.0), ("centerface", 1.0)),
}
"""The same for photos, where there is one picture and one chance."""

_AGAIN = {"head": "face", "face": "face", "person": "face", "motion": "face", "plate": "plate"}
"""What the second look asks for. Paint on a body is as round as a head, so that it asks for faces."""

_INT8 = frozenset({"headnet", "centerface"})
"""Models of which there is a version in 8-bit integers, measured to miss no more and to take half the time."""


def photo_detector(settings: Settings) -> Ensemble:
    """What looks at photos: the exact models, for time is not what counts."""
    return _ensemble([_PHOTO[label] for label in settings.cover if label in _PHOTO], settings, small=False)


def video_detector(settings: Settings) -> Ensemble:
    """What looks at videos: the small models on processors; graphics cards gain nothing from them."""
    looking = [_VIDEO[label] for label in settings.cover if label in _VIDEO]
    return _ensemble(looking, settings, small=_small_pays(settings))


def second_detector(settings: Settings) -> Ensemble:
    """What looks at finished copies."""
    asked = {_AGAIN[label]: _AGAIN[label] for label in settings.cover if label in _AGAIN}
    members = [
        _member(name, share, settings, small=_small_pays(settings)) for label in asked for name, share in _VIDEO[label]
    ]
    return Ensemble(members, asked)


def _ensemble(looking: Sequence[tuple[tuple[str, float], ...]], settings: Settings, *, small: bool) -> Ensemble:
    """One member for each model, at the largest size that anything asks for. A face is found as a part of its head."""
    shares: dict[str, float] = {}
    for name, share in (model for models in looking for model in models):
        shares[name] = max(share, shares.get(name, 0.0))
    called: dict[str, str] = {label: label for label in settings.cover}
    if "head" in called:
        called.setdefault("face", "head")
    return Ensemble([_member(name, share, settings, small=small) for name, share in shares.items()], called)


def _small_pays(settings: Settings) -> bool:
    on_cpu = settings.provider == "cpu" or (settings.provider == "auto" and available_providers()[0] == "cpu")
    return on_cpu and not settings.thorough


def _member(name: str, share: float, settings: Settings, *, small: bool) -> Member:
    return Member(_loaded(f"{name}-int8" if small and name in _INT8 else name, settings.provider), share)


@lru_cache(maxsize=16)
def _loaded(model: str, provider: str) -> NetDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return NetDetector(model, provider=None if provider == "auto" else provider)

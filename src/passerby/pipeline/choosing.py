"""Which nets look, for what the user wants covered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble
from passerby.detect.runtime import available_providers
from passerby.settings import Settings

_VIDEO: Mapping[str, tuple[str, ...]] = {"head": ("headnet",), "plate": ("headnet",), "face": ("centerface",)}
"""Models by what is covered, where many frames are looked at."""

_PHOTO: Mapping[str, tuple[str, ...]] = {
    "head": ("headnet", "centerface"),
    "plate": ("headnet",),
    "face": ("centerface",),
}
"""The same where there is one picture and one chance: a face that was found is a head that was found."""

_AGAIN = {"head": "face", "face": "face", "person": "face", "motion": "face", "plate": "plate"}
"""What the second look asks for. Paint on a body is as round as a head, so that it asks for faces, and another net."""

_INT8 = frozenset({"headnet", "centerface"})
"""Models of which there is a version in 8-bit integers, measured to miss no more and to take half the time."""


def photo_detector(settings: Settings) -> Ensemble:
    """What looks at photos: the exact models, for time is not what counts."""
    called: dict[str, str] = {label: label for label in settings.cover}
    if "head" in called:
        called.setdefault("face", "head")
    return _ensemble(_PHOTO, settings, called, small=False)


def video_detector(settings: Settings) -> Ensemble:
    """What looks at videos: the small models on processors; graphics cards gain nothing from them."""
    called: dict[str, str] = {label: label for label in settings.cover}
    return _ensemble(_VIDEO, settings, called, small=_small_pays(settings))


def second_detector(settings: Settings) -> Ensemble:
    """What looks at finished copies."""
    asked = {_AGAIN[label]: _AGAIN[label] for label in settings.cover if label in _AGAIN}
    names = dict.fromkeys(_VIDEO[label][0] for label in asked)
    return Ensemble([_net(name, settings, small=_small_pays(settings)) for name in names], asked)


def _ensemble(
    models: Mapping[str, tuple[str, ...]], settings: Settings, called: Mapping[str, str], *, small: bool
) -> Ensemble:
    names = dict.fromkeys(name for label in settings.cover for name in models.get(label, ()))
    return Ensemble([_net(name, settings, small=small) for name in names], called)


def _small_pays(settings: Settings) -> bool:
    on_cpu = settings.provider == "cpu" or (settings.provider == "auto" and available_providers()[0] == "cpu")
    return on_cpu and not settings.thorough


def _net(name: str, settings: Settings, *, small: bool) -> NetDetector:
    return _loaded(f"{name}-int8" if small and name in _INT8 else name, settings.provider)


@lru_cache(maxsize=16)
def _loaded(model: str, provider: str) -> NetDetector:
    """Loading a model takes a tenth of a second: once for each process is enough."""
    return NetDetector(model, provider=None if provider == "auto" else provider)

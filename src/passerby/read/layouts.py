"""FFmpeg's pixel formats as layouts of planes, and the nearest layout for those that are none."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import av
from av.codec.codec import find_best_pix_fmt_of_list

from passerby.media import PixelLayout

_PLANAR_YUV = re.compile(r"yuv(j?)(a?)(410|411|420|422|440|444)p(9|10|12|14|16)?(le)?$")
_SEMI_PLANAR = re.compile(r"(?:nv(12|21|16|24|42)|p([024])(10|12|16)le)$")
_PLANAR_RGB = re.compile(r"gbr(a?)p(9|10|12|14|16)?(le)?$")
_GRAY = re.compile(r"gray(9|10|12|14|16)?(le)?$")
_PACKED_RGB = {"rgb24": "rgb", "bgr24": "bgr", "rgba": "rgba", "bgra": "bgra", "argb": "argb", "abgr": "abgr"} | {
    "rgb0": "rgb.",
    "bgr0": "bgr.",
    "0rgb": ".rgb",
    "0bgr": ".bgr",
}
_SHIFTS = {"410": (2, 2), "411": (2, 0), "420": (1, 1), "422": (1, 0), "440": (0, 1), "444": (0, 0)}


class Channel(NamedTuple):
    """Where one plane of the layout lies: the carrier's plane, the first sample of a row, samples between two."""

    plane: int
    offset: int = 0
    step: int = 1


class Scheme(NamedTuple):
    """What the planes of a pixel format mean, and where they lie."""

    layout: PixelLayout
    channels: tuple[Channel, ...]


@lru_cache(maxsize=256)
def scheme_of(name: str, *, full_range: bool) -> Scheme | None:
    """The scheme of an FFmpeg pixel format, or None when its samples are no whole bytes side by side."""
    for build in (_planar_yuv, _semi_planar, _planar_rgb, _gray, _packed_rgb):
        scheme = build(name, full_range)
        if scheme is not None:
            return scheme
    return None


def _planar_yuv(name: str, full_range: bool) -> Scheme | None:
    match = _PLANAR_YUV.match(name)
    if match is None:
        return None
    jpeg, alpha, sampling, bits, _ = match.groups()
    layout = PixelLayout(
        name, "yuv", int(bits or 8), full_range or bool(jpeg), _SHIFTS[sampling], alpha=3 if alpha else None
    )
    return Scheme(layout, tuple(Channel(plane) for plane in range(4 if alpha else 3)))


def _semi_planar(name: str, full_range: bool) -> Scheme | None:
    match = _SEMI_PLANAR.match(name)
    if match is None:
        return None
    eight, sampling, bits = match.groups()
    shift = {"12": (1, 1), "21": (1, 1), "16": (1, 0), "24": (0, 0), "42": (0, 0)}[eight] if eight else None
    chroma = shift or {"0": (1, 1), "2": (1, 0), "4": (0, 0)}[sampling]
    depth = int(bits or 8)
    swapped = eight in ("21", "42")
    layout = PixelLayout(name, "yuv", depth, full_range, chroma, shift_bits=0 if eight else 16 - depth)
    return Scheme(layout, (Channel(0), Channel(1, int(swapped), 2), Channel(1, int(not swapped), 2)))


def _planar_rgb(name: str, _: bool) -> Scheme | None:
    match = _PLANAR_RGB.match(name)
    if match is None:
        return None
    alpha, bits, _ignored = match.groups()
    # FFmpeg stores green, blue, red.
    channels = (Channel(2), Channel(0), Channel(1), *((Channel(3),) if alpha else ()))
    return Scheme(PixelLayout(name, "rgb", int(bits or 8), alpha=3 if alpha else None), channels)


def _gray(name: str, full_range: bool) -> Scheme | None:
    match = _GRAY.match(name)
    if match is None:
        return None
    return Scheme(PixelLayout(name, "gray", int(match.group(1) or 8), full_range), (Channel(0),))


def _packed_rgb(name: str, _: bool) -> Scheme | None:
    order = _PACKED_RGB.get(name)
    if order is None:
        return None
    has_alpha = "a" in order
    channels = tuple(Channel(0, order.index(letter), len(order)) for letter in ("rgba" if has_alpha else "rgb"))
    return Scheme(PixelLayout(name, "rgb", alpha=3 if has_alpha else None), channels)


@lru_cache(maxsize=1)
def _expressible() -> tuple[str, ...]:
    depths = ("", "9le", "10le", "12le", "14le", "16le")
    yuv = [f"yuv{alpha}{kind}p{bits}" for alpha in ("", "a") for kind in _SHIFTS for bits in depths]
    rgb = [f"gbr{alpha}p{bits}" for alpha in ("", "a") for bits in depths]
    gray = [f"gray{bits}" for bits in depths]
    return tuple(name for name in (*yuv, *rgb, *gray) if _exists(name))


def _exists(name: str) -> bool:
    try:
        av.VideoFormat(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=64)
def shown_format(name: str) -> str:
    """The pixel format that frames of this format are handed on in: itself, or the nearest one without loss of bits."""
    if scheme_of(name, full_range=False) is not None:
        return name
    best, _ = find_best_pix_fmt_of_list(_expressible(), name, _has_alpha(name))
    if best is None:
        raise ValueError(f"no planar format for {name}")
    return best.name


def _has_alpha(name: str) -> bool:
    return name == "pal8" or any(part.is_alpha for part in av.VideoFormat(name).components)

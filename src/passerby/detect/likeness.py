"""Whether two streams of one camera show the same: parts of the one are looked for in the other, around their place.

It has to notice a stream of another camera, one that is zoomed, shifted or mirrored, and must not mind noise, another
encoder, people who walk, or light. So it counts parts that are found where they should be, and asks for no more than
two thirds or so of those that can be told at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

import cv2
import numpy as np

from passerby.detect.evidence import Luma

Likeness = Literal["same", "other", "unknown"]

WIDTH_PX: Final = 320
"""Both are compared at this width."""
OFF_PX: Final = 2
"""So far from its place, in pixels at that width, a part may be found."""
_SEARCH_PX: Final = 10
_PART_PX: Final = 32
_ACROSS: Final = 8
_LEAST_CONTRAST: Final = 3.0
"""Standard deviation in gray levels of a part that can be told from others."""
_NO_CONTRAST: Final = 1.0
"""What has none correlates with everything."""
_LEAST_CORRELATION: Final = 0.7
_TIE: Final = 0.05
"""Bars and tiles are alike elsewhere, too."""
_LEAST_PARTS: Final = 6
_LEAST_SHARE: Final = 0.7
"""Measured with seven clips at two bit rates and sizes: 0.93 and more of the parts of the same picture were in place,
0.65 and more one frame later (0.14 where the camera moved), 0.08 and less of other scenes, 0.31 and less where one was
shifted by 2 %, 0.17 and less mirrored, 0.47 and less zoomed by 5 % in six of the seven."""


def likeness(one: Luma, other: Luma) -> Likeness:
    """Whether two sketches of the same proportions show the same; "unknown": too little stands out in both.

    Args:
        one: uint8, shape (h, w).
        other: likewise, of any size.
    """
    height = max(1, round(WIDTH_PX * one.shape[0] / one.shape[1]))
    first, second = _at_size(one, height), _at_size(other, height)
    found = [_is_in_place(first, second, left, top) for left, top in _parts(height)]
    told = [is_in_place for is_in_place in found if is_in_place is not None]
    if len(told) < _LEAST_PARTS:
        return "unknown"
    return "same" if sum(told) >= _LEAST_SHARE * len(told) else "other"


def likeness_to_any(one: Luma, others: Iterable[Luma]) -> Likeness:
    """Whether a sketch shows the same as one of others, asked in their order; else what the last of them says."""
    found: Likeness = "unknown"
    for other in others:
        found = likeness(one, other)
        if found == "same":
            break
    return found


def _at_size(sketch: Luma, height: int) -> Luma:
    return np.asarray(cv2.resize(sketch, (WIDTH_PX, height), interpolation=cv2.INTER_AREA), np.uint8)


def _parts(height: int) -> Iterator[tuple[int, int]]:
    """Left and top of each part."""
    step = WIDTH_PX // _ACROSS
    inset = (step - _PART_PX) // 2
    for top in range(inset, height - _PART_PX - inset + 1, step):
        for left in range(inset, WIDTH_PX - _PART_PX - inset + 1, step):
            yield left, top


def _is_in_place(first: Luma, second: Luma, left: int, top: int) -> bool | None:
    """Whether a part of one picture is best found in the other where it should be; None: it cannot be told."""
    part = first[top : top + _PART_PX, left : left + _PART_PX]
    beside = second[top : top + _PART_PX, left : left + _PART_PX]
    contrasts = float(part.std()), float(beside.std())
    if max(contrasts) < _LEAST_CONTRAST:
        return None
    if min(contrasts) < _NO_CONTRAST:
        return False
    x1, y1 = max(0, left - _SEARCH_PX), max(0, top - _SEARCH_PX)
    around = second[y1 : top + _PART_PX + _SEARCH_PX, x1 : left + _PART_PX + _SEARCH_PX]
    found = cv2.matchTemplate(around, part, cv2.TM_CCOEFF_NORMED)
    near = found[max(0, top - y1 - OFF_PX) : top - y1 + OFF_PX + 1, max(0, left - x1 - OFF_PX) : left - x1 + OFF_PX + 1]
    best = float(near.max())
    return best >= _LEAST_CORRELATION and best >= float(found.max()) - _TIE

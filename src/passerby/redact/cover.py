"""Paints regions over, on the decoded planes, in place. The only maker of `RedactedFrame`.

No painted sample depends on the samples it replaces: colours come from around the regions of a frame, or are fixed.
What cannot be trusted is painted whole: a frame that nobody looked at, a damaged one, regions that make no sense.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from passerby.errors import RedactionIncomplete, SettingsError
from passerby.media import Frame, PixelLayout, Plane, RedactedFrame
from passerby.redact.frost import frosted, make_grain
from passerby.redact.shapes import Grid, Shape, are_sound, shapes_of
from passerby.redact.steadiness import ToneMemory
from passerby.redact.surroundings import DIRECTIONS, Surroundings, Tones
from passerby.regions import Regions

Style = Literal["fill", "black", "frost"]
"""fill: one colour, taken from a ring around the region; black; frost: soft, made of the surroundings and grain."""

_COLOUR_PLANES = {"yuv": 3, "rgb": 3, "gray": 1, "cmyk": 4}


class Painter:
    """Covers the frames of one video or photo, in the order in which they are shown.

    Not to be shared between threads: it remembers colours from frame to frame.
    """

    def __init__(self, style: Style = "fill", *, seed: int = 0) -> None:
        if style not in get_args(Style):
            raise SettingsError(
                f"there is no style {style!r}; nothing was started", hint=f"Use one of {', '.join(get_args(Style))}"
            )
        self._style = style
        self._grain = make_grain(seed) if style == "frost" else None
        self._memory = ToneMemory()

    def reset(self) -> None:
        """Forget the colours so far: another scene, another file, a seek."""
        self._memory.forget()

    def cover(self, frame: Frame, regions: Regions | None) -> RedactedFrame:
        """Paint the regions and hand the picture on; `frame` must not be used afterwards.

        Args:
            frame: its planes are painted in place.
            regions: boxes in pixels of the upright frame; None where nobody looked: the whole picture is painted.

        Raises:
            RedactionIncomplete: the planes are not what the layout says, so that nobody knows where to paint.
        """
        _check(frame)
        if regions is None or frame.damaged or not are_sound(regions):
            for index, plane in enumerate(frame.planes):
                plane[...] = frame.layout.black(index)
        elif len(regions):
            self._paint(frame, regions)
        return RedactedFrame(frame.pts, frame.time_base, frame.layout, frame.planes, frame.orientation, frame.carrier)

    def _paint(self, frame: Frame, regions: Regions) -> None:
        grid = Grid.of(frame)
        shapes = shapes_of(regions, frame, grid)
        tones = self._tones(frame, regions, shapes, grid)
        # All colours are known before the first sample is painted. Larger shapes go over smaller ones: a face inside of
        # a head has nothing around it that a colour could come from.
        for shape, tone in sorted(zip(shapes, tones, strict=True), key=lambda pair: pair[0].mask.size):
            for index in range(len(frame.planes)):
                self._paint_plane(frame, grid, shape, tone, index)

    def _tones(self, frame: Frame, regions: Regions, shapes: list[Shape], grid: Grid) -> list[Tones]:
        if self._style == "black":
            return [_black(frame.layout, len(frame.planes))] * len(shapes)
        around = Surroundings(frame, shapes, grid)
        by_direction = self._style == "frost"
        look = around.by_direction if by_direction else around.overall
        grey = np.full((len(frame.planes), DIRECTIONS if by_direction else 1), 1 << (frame.layout.bits - 1), np.float32)
        return self._memory.steady(frame, regions, [look(i) for i in range(len(shapes))], grey)

    def _paint_plane(self, frame: Frame, grid: Grid, shape: Shape, tone: Tones, index: int) -> None:
        layout = frame.layout
        shift_x, shift_y = layout.shift_of(index)
        across, down = grid.shift_x - shift_x, grid.shift_y - shift_y
        view, mask = shape.on(frame.planes[index], across, down)
        if index == layout.alpha:
            np.copyto(view, view.dtype.type(layout.black(index)), where=mask)
        elif self._grain is not None:
            soft = frosted(shape, tone, self._grain, layout, index, across, down)[: view.shape[0], : view.shape[1]]
            np.copyto(view, _stored(soft, layout), where=mask)
        else:
            np.copyto(view, _stored(np.rint(tone[index]), layout), where=mask)


def _stored(rounded: Tones, layout: PixelLayout) -> Plane:
    """Whole sample values as a plane holds them."""
    if layout.bits == 8:
        return rounded.astype(np.uint8)
    return np.left_shift(rounded.astype(np.uint16), layout.shift_bits, dtype=np.uint16)


def _black(layout: PixelLayout, planes: int) -> Tones:
    return np.array([[layout.black(index) >> layout.shift_bits] for index in range(planes)], np.float32)


def _check(frame: Frame) -> None:
    """Every plane is there, of the size and type that the layout says: else something would stay unpainted."""
    layout = frame.layout
    width, height = frame.size
    count = _COLOUR_PLANES[layout.kind] + (layout.alpha is not None)
    fits = len(frame.planes) == count and (layout.alpha is None or layout.alpha == count - 1)
    for index, plane in enumerate(frame.planes):
        shift_x, shift_y = layout.shift_of(index)
        shape = (-(-height >> shift_y), -(-width >> shift_x))
        fits = fits and plane.shape == shape and plane.dtype == (np.uint8 if layout.bits == 8 else np.uint16)
    if not fits:
        raise RedactionIncomplete(
            f"the picture at PTS {frame.pts} is not laid out as {layout.name} is, so it could not be covered and was "
            "withheld"
        )

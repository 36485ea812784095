"""Parts of a camera's picture, as somebody writes them into the file of a town or draws them on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from passerby.errors import SettingsError
from passerby.redact.polygons import Polygon, parse_polygon
from passerby.settings import PolygonPoints


def areas_in(text: str) -> list[PolygonPoints]:
    """Areas as they stand in a text, one on a line: "0.1,0.1 0.5,0.1 0.5,0.5".

    Raises:
        SettingsError: a line is no list of points, or no polygon.
    """
    return [parse_polygon(line).points for line in text.splitlines() if line.strip()]


def as_text(areas: Sequence[PolygonPoints]) -> str:
    """The same, back: a line for each."""
    return "\n".join(" ".join(f"{x:.4g},{y:.4g}" for x, y in area) for area in areas)


def _read(given: Any) -> Any:
    """Texts among them become points."""
    if not isinstance(given, (list, tuple)):
        return given
    try:
        return [parse_polygon(area).points if isinstance(area, str) else area for area in given]
    except SettingsError as error:
        raise ValueError(_in_words(error)) from None


def _whole(areas: tuple[PolygonPoints, ...]) -> tuple[PolygonPoints, ...]:
    try:
        return tuple(Polygon.of(points).points for points in areas)
    except SettingsError as error:
        raise ValueError(_in_words(error)) from None


def _in_words(error: SettingsError) -> str:
    return error.message.removesuffix("; nothing was started")


Areas = Annotated[tuple[PolygonPoints, ...], BeforeValidator(_read), AfterValidator(_whole)]
"""Polygons of the upright picture: a text of points each, or a list of them; two points are corners of a rectangle."""

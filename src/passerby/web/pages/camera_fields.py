"""The fields of a camera's form: what can be set, in words, by folds. Empty numbers mean that nothing is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from passerby.regions import MARGINS
from passerby.serve.town import LONG_RETENTION_H, CameraSettings
from passerby.settings import Covered
from passerby.web.pages.markup import box, words

Fields = dict[str, ValueElement[Any]]
"""By the name of the setting; a margin as "margin.head"."""

LOOK = "outlined dense hide-bottom-space"
NO_ADDRESS = "-"
"""Typed where an address may go, it is forgotten."""

_COVERED = {
    "head": "heads, with their faces",
    "face": "faces alone",
    "plate": "licence plates",
    "person": "whole people",
    "text": "writing",
    "motion": "everything that moves",
}
_STYLES = {"fill": "the colour around it", "black": "black", "frost": "a soft look, made of what is around it"}
_QUALITIES = {
    "small": "small files",
    "good": "good",
    "high": "high: half as large again",
    "near-lossless": "nearly as it was: large files",
}
_SPEEDS = {
    "fastest": "fastest: least work, largest files",
    "fast": "fast",
    "balanced": "balanced",
    "thorough": "thorough: most work, smallest files",
}
_KEPT = {
    "retention_h": f"Kept for so many hours; over {LONG_RETENTION_H} (30 days) needs a reason",
    "quota_gb": "At most so many GB; empty: no limit",
    "segment_s": "Length of stored files in seconds, 10 to 60",
}
_WATCHED = {
    "delay_s": "Delay in seconds; a head found late is covered in it",
    "timeout_s": "Counts as lost after so many seconds of silence",
    "watchdog_s": "Starts anew when nothing was stored for so many seconds",
    "memory_mb": "Starts anew above so many MB of memory",
}
_PLACE = {
    "latitude": "Latitude in degrees",
    "longitude": "Longitude in degrees",
    "heading_deg": "Looks towards; 0 is north, 90 east",
    "angle_deg": "Sees how wide, in degrees",
    "reach_m": "Sees how far, in metres",
}
_PUBLIC = {"operator": "Who runs it", "purpose": "What it is for", "contact": "Whom to ask"}


def add_folds(fields: Fields, shown: CameraSettings) -> None:
    """Everything but name, place and connection, with the values of this camera."""
    with folded("What is covered"):
        fields["cover"] = choice("Covered", _COVERED, list(shown.cover), multiple=True)
        fields["style"] = choice("How it is covered", _STYLES, shown.style)
        note(
            "What is found grows by a margin before it is covered, as a share of its size on every side.", "quiet wide"
        )
        for label in get_args(Covered):
            said = f"Margin, {_COVERED[label].partition(',')[0]} (empty: {MARGINS[label]:g})"
            fields[f"margin.{label}"] = number(said, shown.margin.get(label))
    with folded("Recording"):
        _numbers(fields, _KEPT, shown)
        fields["retention_reason"] = text("Why it is kept for more than 30 days", shown.retention_reason)
        fields["quality"] = choice("Quality of what is encoded anew", _QUALITIES, shown.quality)
        fields["speed"] = choice("Speed of the encoder", _SPEEDS, shown.speed)
    with folded("Delay, silence and memory"):
        _numbers(fields, _WATCHED, shown)
    with folded("Place on the map"):
        _numbers(fields, _PLACE, shown)
    with folded("Public page"):
        for name, label in _PUBLIC.items():
            fields[name] = text(label, getattr(shown, name))


def text(label: str, value: str, hint: str = "") -> ValueElement[Any]:
    """A line of text; the hint stands below it."""
    field = ui.input(label, value=value).props(LOOK)
    if hint:
        field.props["hint"] = hint
    return field


def number(label: str, value: float | None) -> ValueElement[Any]:
    """A number, or none."""
    return ui.number(label, value=value).props(LOOK)


def choice(
    label: str, options: Mapping[str, str] | Sequence[str], value: Any, *, multiple: bool = False
) -> ValueElement[Any]:
    """One of these, or some of them."""
    listed = dict(options) if isinstance(options, Mapping) else list(options)
    return ui.select(listed, label=label, value=value, multiple=multiple).props(LOOK)


@contextmanager
def folded(title: str) -> Iterator[None]:
    """A fold of the form, closed at first."""
    with ui.expansion(title).classes("folded"), box("div", "pair"):
        yield


def secret(label: str, value: str, *, hidden: bool = True) -> ValueElement[Any]:
    """A browser must neither fill in who uses this page, nor remember what a camera wants to know."""
    return ui.input(label, value=value, password=hidden).props(f'{LOOK} autocomplete="new-password"')


def typed_settings(fields: Fields) -> dict[str, Any]:
    """What stands in the fields now, as settings: texts without spaces around, margins in one table."""
    values = {name: field.value for name, field in fields.items()}
    margin = {name.partition(".")[2]: values.pop(name) for name in list(values) if name.startswith("margin.")}
    told = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    return {**told, "margin": {label: share for label, share in margin.items() if share is not None}}


def note(message: str, classes: str = "quiet") -> None:
    """A sentence between the fields."""
    words("p", message, classes)


def _numbers(fields: Fields, labels: Mapping[str, str], shown: CameraSettings) -> None:
    for name, label in labels.items():
        fields[name] = number(label, getattr(shown, name))

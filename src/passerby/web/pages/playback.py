"""Playback: a day of several cameras under one clock. `static/playback.js` moves it, past NiceGUI."""

from __future__ import annotations

import json

from passerby.serve.permissions import Permission
from passerby.web.pages.layout import add_module
from passerby.web.pages.live import told_of
from passerby.web.pages.markup import box, words
from passerby.web.pages.visit import Visit

_SPEEDS = (1, 2, 4, 8, 16)
_GAPS = {"leave-out": "left out", "keep": "kept: the picture before stands still"}
_EXPORTED = (
    "One file for each camera. It begins up to some seconds early, at a picture that can stand alone. Where a picture "
    "changed its size there is a file for each size, since a file has one. Every export is written into the log."
)


def build(visit: Visit) -> None:
    """The chosen cameras, the clock, the day, and the range to take away."""
    cameras = visit.cameras()
    if not cameras:
        words("p", "There are no cameras yet, so there is nothing to play back.", "quiet")
        return
    may_export = visit.may(Permission.EXPORT)
    data = {"data_cameras": told_of(cameras), "data_export": json.dumps(may_export)}
    with box("div", "playback", id="playback", **data):
        _choice(visit)
        box("section", "wall", data_part="screens", aria_label="Recordings")
        with box("section", "panel", aria_label="Clock and day"):
            _clock()
            _day()
        if may_export:
            _export()
    add_module("playback.js")


def _choice(visit: Visit) -> None:
    with box("fieldset", "chips", data_part="cameras"):
        words("legend", "Cameras", "quiet")
        for camera in visit.cameras():
            with box("label"):
                box("input", type="checkbox", value=camera.name)
                words("span", camera.shown)


def _clock() -> None:
    with box("div", "line low"):
        _round("back", "replay_10", "Back 10 seconds")
        _round("play", "play_arrow", "Play", "main")
        _round("on", "forward_10", "On 10 seconds")
        with box("div"):
            words("div", "", "clock", data_part="clock")
            words("div", "", "utc quiet", data_part="utc")
        with box("label", "field"):
            words("span", "Speed")
            with box("select", "plain", data_part="speed"):
                for speed in _SPEEDS:
                    words("option", f"{speed} times" if speed > 1 else "as it was", value=str(speed))
        with box("label", "check"):
            box("input", type="checkbox", data_part="skip", checked="")
            words("span", "Skip what no camera recorded")


def _day() -> None:
    with box("div", "line low"):
        _round("earlier", "chevron_left", "The day before")
        with box("label", "field"):
            words("span", "Day")
            box("input", "plain", type="date", data_part="date")
        _round("later", "chevron_right", "The next day")
        _round("closer", "zoom_in", "Look closer")
        _round("wider", "zoom_out", "Look wider")
    words(
        "p",
        "The server does not answer for all cameras; what you see is not complete.",
        "trouble",
        data_part="trouble",
        hidden="",
    )
    slider = {
        "role": "slider",
        "tabindex": "0",
        "aria_label": "Time of day",
        "aria_valuemin": "0",
        "aria_valuemax": "86400",
    }
    box("canvas", "timeline", data_part="timeline", **slider)
    with box("div", "legend"):
        words("span", "recorded", style="--mark: var(--recorded)")
        words("span", "share of the picture that was covered", style="--mark: var(--covered)")
        words("span", "not recorded", style="--mark: var(--gap)")
    words("p", "", "quiet", data_part="zone")


def _export() -> None:
    with box("section", "panel", aria_label="Export"):
        words("h2", "Take a range away as one MP4")
        with box("div", "line low"):
            _moment("from", "From", "From here")
            _moment("to", "To", "To here")
            with box("label", "field"):
                words("span", "Time in which nothing was recorded")
                with box("select", "plain", data_part="gaps"):
                    for value, text in _GAPS.items():
                        words("option", text, value=value)
        words("p", "", "trouble", data_part="range", role="status")
        box("ul", data_part="exports")
        words("p", _EXPORTED, "quiet")


def _moment(part: str, label: str, here: str) -> None:
    with box("label", "field"):
        words("span", label)
        box("input", "plain", type="datetime-local", step="1", data_part=part)
    words("button", here, "plain", type="button", data_part=f"{part}-here")


def _round(part: str, picture: str, label: str, classes: str = "") -> None:
    words("button", picture, f"icon round {classes}", type="button", data_part=part, aria_label=label, title=label)

"""Live: a tile for each camera. The pictures come with `static/live.js`, past NiceGUI."""

from __future__ import annotations

import json
from collections.abc import Iterable

from passerby.serve.town import CameraSettings
from passerby.web.pages.layout import add_module
from passerby.web.pages.markup import box, words
from passerby.web.pages.visit import Visit

_KEYS = (
    "Tab and the arrow keys go from camera to camera. Enter enlarges one and makes it small again, 1 to 9 do so by "
    "number, f shows it on the full screen, Escape goes back."
)


def build(visit: Visit) -> None:
    """The wall of cameras."""
    cameras = visit.cameras()
    if not cameras:
        words("p", "There are no cameras yet. Whoever runs passerby adds the first one under Cameras.", "quiet")
        return
    box("section", "wall", id="wall", aria_label="Cameras", data_cameras=told_of(cameras))
    words(
        "p",
        f"{_KEYS} What a camera is set to cover was covered before anything was written or sent.",
        "quiet",
    )
    add_module("live.js")


def told_of(cameras: Iterable[CameraSettings]) -> str:
    """What scripts are told of cameras, as JSON: never their addresses."""
    return json.dumps([{"name": camera.name, "title": camera.shown} for camera in cameras])

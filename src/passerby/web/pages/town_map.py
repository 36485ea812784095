"""Map: where cameras stand, what they look at, and how they are. Without tiles nobody outside is asked for anything."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import asin, atan2, cos, degrees, pi, radians, sin

from nicegui import ui
from nicegui.elements.leaflet.leaflet_layers import GenericLayer

from passerby.live import CameraState
from passerby.serve.permissions import Permission
from passerby.serve.town import CameraSettings
from passerby.web.pages.markup import Words, box, words
from passerby.web.pages.visit import Visit

EARTH_M = 6_371_000
POLL_S = 2.0
_STEP_DEG = 5
# These stand out from light and from dark ground, and beside them the state is written.
COLOURS = {
    CameraState.STARTING: "#b87a00",
    CameraState.LEARNING: "#b87a00",
    CameraState.LIVE: "#2c9a47",
    CameraState.DEGRADED: "#b87a00",
    CameraState.LOST: "#d6453b",
    CameraState.STOPPED: "#7b8492",
}

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What stands on the page for one camera."""

    name: str
    layers: tuple[GenericLayer, ...]
    state: Words

    def show(self, state: CameraState) -> None:
        """Its colour and its word."""
        if self.state.text == state:
            return
        self.state.set_text(state)
        self.state.props["data-state"] = str(state)
        for layer in self.layers:
            layer.args[1].update(_style(state))  # for when the browser connects again
            layer.run_method("setStyle", _style(state))


def build(visit: Visit) -> None:
    """The map, and the same cameras as a list, for who cannot see or point."""
    placed = [camera for camera in visit.cameras() if camera.latitude is not None]
    if not placed:
        words("p", "No camera has a place yet. Latitude and longitude are set under Cameras.", "quiet")
        return
    leaflet = _leaflet(placed, visit.network.town.tiles_url)
    statuses = visit.statuses()
    with box("ul", "bare", aria_label="Cameras on the map"):
        marked = [_mark(visit, leaflet, camera, statuses[camera.name].state) for camera in placed]
    words("p", _where_from(visit.network.town.tiles_url), "quiet")

    def refresh() -> None:
        told = visit.statuses()
        for each in marked:
            if each.name in told:
                each.show(told[each.name].state)

    ui.timer(POLL_S, refresh)


def view_cone(camera: CameraSettings) -> list[Point]:
    """The corners of what the camera sees, from its place; empty where heading, angle or reach is not set."""
    if camera.latitude is None or camera.longitude is None:
        return []
    if camera.heading_deg is None or camera.angle_deg is None or camera.reach_m is None:
        return []
    here = (camera.latitude, camera.longitude)
    parts = max(1, round(camera.angle_deg / _STEP_DEG))
    left = camera.heading_deg - camera.angle_deg / 2
    arc = [_reached(here, left + camera.angle_deg * part / parts, camera.reach_m) for part in range(parts + 1)]
    return arc if camera.angle_deg == 360 else [here, *arc]


def _reached(start: Point, bearing_deg: float, distance_m: float) -> Point:
    """Where one is after going straight on, on a sphere."""
    latitude, longitude = radians(start[0]), radians(start[1])
    bearing, angle = radians(bearing_deg), distance_m / EARTH_M
    to = asin(sin(latitude) * cos(angle) + cos(latitude) * sin(angle) * cos(bearing))
    east = atan2(sin(bearing) * sin(angle) * cos(latitude), cos(angle) - sin(latitude) * sin(to))
    return degrees(to), degrees((longitude + east + pi) % (2 * pi) - pi)


def _leaflet(placed: list[CameraSettings], tiles_url: str) -> ui.leaflet:
    leaflet = ui.leaflet(options={"attributionControl": bool(tiles_url), "maxZoom": 20, "zoomSnap": 0.25}).classes(
        "map"
    )
    leaflet.clear_layers()  # NiceGUI begins with tiles from outside
    if tiles_url:
        leaflet.tile_layer(url_template=tiles_url, options={"maxZoom": 20})
    corners = [point for camera in placed for point in [*view_cone(camera), _place(camera)]]
    box_ = [[min(at) for at in zip(*corners, strict=True)], [max(at) for at in zip(*corners, strict=True)]]
    leaflet.on("init", lambda: leaflet.run_map_method("fitBounds", box_, {"padding": [50, 50], "maxZoom": 18}))
    return leaflet


def _mark(visit: Visit, leaflet: ui.leaflet, camera: CameraSettings, state: CameraState) -> Marked:
    style = _style(state)
    dot = leaflet.generic_layer(name="circleMarker", args=[_place(camera), {**style, "radius": 8, "fillOpacity": 0.9}])
    layers = [dot]
    if cone := view_cone(camera):
        layers.append(leaflet.generic_layer(name="polygon", args=[cone, style]))
    # Leaflet takes this as markup, so what somebody typed must be none.
    name = escape(camera.shown)
    leaflet.on("init", lambda: dot.run_method("bindTooltip", name, {"permanent": True, "direction": "bottom"}))
    with box("li", "line"):
        if visit.may(Permission.WATCH, camera.site):
            words("a", camera.shown, href=f"/live?camera={camera.name}")
        else:
            words("span", camera.shown)
        told = words("span", state, "state", data_state=str(state))
    return Marked(camera.name, tuple(layers), told)


def _place(camera: CameraSettings) -> Point:
    assert camera.latitude is not None
    assert camera.longitude is not None
    return camera.latitude, camera.longitude


def _style(state: CameraState) -> dict[str, object]:
    return {"color": COLOURS[state], "weight": 2, "fillOpacity": 0.25}


def _where_from(tiles_url: str) -> str:
    if tiles_url:
        return "The ground of the map comes from the server that is set as tiles_url; it learns which part you look at."
    return "There is no ground on this map, so that nobody outside learns what you look at; tiles_url may set one."

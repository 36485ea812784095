"""The map: what a camera sees, where it stands, and how it is."""

from __future__ import annotations

from math import acos, cos, degrees, isclose, radians, sin

from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

from passerby.serve.town import CameraSettings
from passerby.web.pages.town_map import EARTH_M, Point, view_cone

from .conftest import Visitors


def distance_m(one: Point, other: Point) -> float:
    """By the angle between them, seen from the centre of the earth."""
    first, second = ((radians(point[0]), radians(point[1])) for point in (one, other))
    turned = cos(first[1] - second[1])
    return EARTH_M * acos(min(1.0, sin(first[0]) * sin(second[0]) + cos(first[0]) * cos(second[0]) * turned))


def camera(**place: float) -> CameraSettings:
    return CameraSettings.model_validate({"name": "one", "url": "demo:", **place})


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(0, 359.9), st.floats(1, 359), st.floats(200, 5000))
def test_a_cone_begins_at_the_camera_and_ends_at_its_reach(
    latitude: float, longitude: float, heading: float, angle: float, reach: float
) -> None:
    here = (latitude, longitude)
    corners = view_cone(
        camera(latitude=latitude, longitude=longitude, heading_deg=heading, angle_deg=angle, reach_m=reach)
    )
    assert corners[0] == here
    assert all(isclose(distance_m(here, corner), reach, rel_tol=0.02) for corner in corners[1:])


def test_a_camera_that_looks_north_sees_what_is_north_of_it() -> None:
    corners = view_cone(camera(latitude=48, longitude=16, heading_deg=0, angle_deg=90, reach_m=100))
    assert all(latitude > 48 for latitude, _ in corners[1:])
    west, east = corners[1], corners[-1]
    assert west[1] < 16 < east[1]
    assert isclose(degrees(16 - west[1]), degrees(east[1] - 16), rel_tol=1e-6)


def test_a_camera_that_sees_all_around_has_no_corner_in_its_middle() -> None:
    corners = view_cone(camera(latitude=48, longitude=16, heading_deg=0, angle_deg=360, reach_m=100))
    assert all(isclose(distance_m((48, 16), corner), 100, rel_tol=0.02) for corner in corners)


def test_without_heading_or_reach_there_is_no_cone() -> None:
    assert view_cone(camera(latitude=48, longitude=16)) == []


def test_the_map_shows_places_names_and_states_and_loads_no_tiles(visitors: Visitors) -> None:
    page = visitors.admin()
    page.goto("/map")
    shapes = page.locator(".leaflet-overlay-pane path")
    expect(shapes).to_have_count(3)  # two places, and what one of the two cameras sees
    expect(page.locator(".leaflet-tooltip")).to_have_text(["Market <square>", "gate"])
    assert page.locator(".leaflet-tile").count() == 0
    for word in page.locator("ul.bare .state").all():
        expect(word).to_have_text("live", timeout=60_000)
    expect(shapes.first).to_have_attribute("stroke", "#2c9a47")

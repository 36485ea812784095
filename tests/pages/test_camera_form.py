"""The form of a camera: found in the network, drawn on, and nothing lost that it does not show."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.cameras.onvif_device import Device, Profile, answering_everybody, onvif_device, probe_match

from .conftest import Visitors

PASSWORD = "hush-5a11"
YARD = {"name": "yard", "site": "school", "url": "demo:", "margin": {"head": 0.3}, "latitude": 1.0, "longitude": 2.0}
FINE = [[[0.1234567, 0.1], [0.5, 0.1], [0.5, 0.6]]]


@pytest.fixture
def yard(visitors: Visitors) -> Iterator[Page]:
    """The page of cameras, with a camera of its own."""
    page = visitors.admin(viewport={"width": 1280, "height": 1000})
    request = page.context.request
    headers = {"X-CSRF-Token": request.get("/api/v1/session").json()["form_token"]}
    added = request.post("/api/v1/cameras", data={"camera": YARD | {"only": FINE}}, headers=headers)
    assert added.status == 201, added.text()
    page.goto("/cameras")
    yield page
    request.delete("/api/v1/cameras/yard", headers=headers)


@pytest.fixture
def stored(visitors: Visitors) -> Callable[[], dict[str, Any]]:
    def of_yard() -> dict[str, Any]:
        told = tomllib.loads((visitors.server.folder / "cameras.toml").read_text("utf-8"))
        return next(camera for camera in told["camera"] if camera["name"] == "yard")

    return of_yard


def unfold(form: Locator, title: str) -> None:
    form.get_by_role("button", name=f'Expand "{title}"').click()


def edited(page: Page) -> Locator:
    page.get_by_role("button", name="Edit yard").click()
    return page.get_by_role("dialog")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0, timeout=60_000)  # the camera finishes its file first


def test_what_is_changed_is_stored_and_nothing_else_is_lost(yard: Page, stored: Callable[[], dict[str, Any]]) -> None:
    form = edited(yard)
    unfold(form, "What is covered")
    expect(form.get_by_label("Margin, heads")).to_have_value("0.3")
    form.get_by_label("Margin, licence plates").fill("0.5")
    unfold(form, "Recording")
    form.get_by_label("Kept for so many hours").fill("1000")
    unfold(form, "Delay, silence and memory")
    form.get_by_label("Starts anew above so many MB").fill("900")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".trouble[role=alert]")).to_contain_text("say why in retention_reason")
    form.get_by_label("Why it is kept for more").fill("a court asked for it")
    save(yard)
    changed = {"retention_h": 1000, "retention_reason": "a court asked for it", "memory_mb": 900}
    assert stored() == YARD | changed | {"margin": {"head": 0.3, "plate": 0.5}, "only": FINE}


def test_parts_are_drawn_on_the_picture_and_said_in_the_log(yard: Page, stored: Callable[[], dict[str, Any]]) -> None:
    form = edited(yard)
    unfold(form, "Parts of the picture")
    expect(form.get_by_text("Faces and licence plates there stay visible")).to_be_visible()
    stage = form.locator(".stage")
    stage.scroll_into_view_if_needed()
    corners = [(0.1, 0.1), (0.5, 0.1), (0.5, 0.6)]
    box = stage.bounding_box()
    assert box is not None
    for x, y in [*corners, (0.9, 0.9)]:
        stage.click(position={"x": x * box["width"], "y": y * box["height"]})
    form.get_by_role("button", name="Undo").click()
    form.get_by_role("button", name="Close the part").click()
    form.get_by_label("Covered here alone").fill("0,0 1,0.5")
    expect(form.locator("polygon.only")).to_have_count(1)
    save(yard)
    (kept,) = stored()["keep"]
    assert [[pytest.approx(value, abs=0.01) for value in corner] for corner in corners] == kept
    assert stored()["only"] == [[[0, 0], [1, 0], [1, 0.5], [0, 0.5]]]
    yard.goto("/accounts")
    line = yard.get_by_role("row", name="set which parts of a picture are covered")
    expect(line.first).to_contain_text("1 kept as they are, 1 covered alone")


def test_a_camera_is_found_in_the_network_and_its_streams_go_into_the_form(visitors: Visitors) -> None:
    streams = [("a", "main", 1920, 1080, "/one"), ("b", "small", 640, 360, "/two"), ("c", "tiny", 320, 180, "/three")]
    profiles = [Profile(token, name, "H264", w, h, f"rtsp://192.0.2.7:9{way}") for token, name, w, h, way in streams]
    device = Device(profiles=tuple(profiles), user="viewer", password=PASSWORD)
    page = visitors.admin()
    page.goto("/cameras")
    with (
        onvif_device(device) as port,
        answering_everybody(probe_match(f"http://127.0.0.1:{port}/onvif/device_service")),
    ):
        page.get_by_role("button", name="Find cameras").click()
        page.get_by_role("button", name="127.0.0.1 (Front door · C-1)").click()
        page.get_by_label("User").fill("viewer")
        page.get_by_label("Password").fill("wrong")
        ask = page.get_by_role("button", name="Ask for its streams")
        ask.click()
        expect(page.locator(".q-dialog .trouble")).to_contain_text("refuses this user and password", timeout=120_000)
        page.get_by_label("Password").fill(PASSWORD)
        ask.click()
        expect(page.get_by_label("Recorded")).to_have_value("main, 1920 x 1080, h264", timeout=120_000)
        expect(page.get_by_label("Looked at")).to_have_value("small, 640 x 360, h264")
        page.get_by_role("button", name="Use these").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_label("Address without password")).to_have_value("rtsp://127.0.0.1:9/one")
    expect(form.get_by_label("A second, smaller stream")).to_have_value("rtsp://127.0.0.1:9/two")
    expect(form.get_by_label("User")).to_have_value("viewer")
    form.get_by_role("button", name="Cancel").click()


def test_who_may_not_find_cameras_is_not_offered_it(visitors: Visitors) -> None:
    page = visitors.invited("operator")
    page.goto("/cameras")
    page.get_by_role("button", name="Restart square").or_(page.get_by_role("button", name="Restart Market")).wait_for()
    expect(page.get_by_role("button", name="Find cameras")).to_have_count(0)

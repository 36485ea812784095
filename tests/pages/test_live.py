"""The live page: pictures that move, what is told of each camera, and the keyboard."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, WebSocket, expect

from .conftest import Visitors
from .looking import PIXELS, focused, tile, told, wait_until

MOVES = """camera => {
  const video = document.querySelector(`.tile[data-camera="${camera}"] video`);
  return video.closest(".tile").dataset.playing === "playing" && video.currentTime > 0.5;
}"""


@pytest.fixture
def live(visitors: Visitors) -> Page:
    page = visitors.admin(viewport={"width": 1280, "height": 800})
    page.goto("/live")
    wait_until(page, MOVES, "square")
    return page


def test_the_live_picture_moves(live: Page) -> None:
    video = tile(live, "square").locator("video")
    before, at = video.evaluate(PIXELS), video.evaluate("video => video.currentTime")
    wait_until(live, "([at]) => document.querySelector('.tile video').currentTime > at + 1", [at])
    after = video.evaluate(PIXELS)
    # The square that wanders leaves one place and comes to another.
    assert sum(abs(a - b) > 40 for a, b in zip(before, after, strict=True)) > 50


def test_a_picture_that_fell_behind_comes_back_to_now(live: Page) -> None:
    behind = "video => video.buffered.end(video.buffered.length - 1) - video.currentTime"
    wait_until(live, f"() => ({behind})(document.querySelector('.tile video')) > 0.1")
    wait_until(live, "() => document.querySelector('.tile video').currentTime > 5")
    live.evaluate("() => (document.querySelector('.tile video').currentTime = 0.1)")
    wait_until(live, f"() => ({behind})(document.querySelector('.tile video')) < 2")


def test_state_and_covered_share_are_told(live: Page) -> None:
    square = tile(live, "square")
    expect(square.locator(".state")).to_have_attribute("data-state", "live", timeout=60_000)
    expect(square.locator(".covered")).to_have_text("0 % covered", timeout=60_000)


def test_a_camera_that_nobody_reaches_says_so_and_never_where_it_is(live: Page) -> None:
    harbour = tile(live, "harbour")
    expect(harbour.locator(".state")).to_have_text("lost", timeout=60_000)
    assert harbour.locator(".why").inner_text() != ""
    assert "hidden-path" not in live.content()
    assert "127.0.0.1:9" not in live.content()


def test_titles_are_text_and_no_markup(live: Page) -> None:
    assert tile(live, "square").locator("h2").inner_text() == "Market <square>"


def test_a_camera_that_starts_anew_is_seen_again_by_who_watches(visitors: Visitors) -> None:
    page, recordings = visitors.admin(), set[str]()

    def heard(frame: str | bytes) -> None:
        if isinstance(frame, str):
            recordings.add(json.loads(frame)["recording"])

    def listen(socket: WebSocket) -> None:
        if "/gate/live" in socket.url:
            socket.on("framereceived", heard)

    page.on("websocket", listen)
    page.goto("/live")
    wait_until(page, MOVES, "gate")
    request = page.context.request
    token = request.get("/api/v1/session").json()["form_token"]
    request.post("/api/v1/cameras/gate/restart", headers={"X-CSRF-Token": token})
    while len(recordings) < 2:
        page.wait_for_timeout(100)
    at = tile(page, "gate").locator("video").evaluate("video => video.currentTime")
    wait_until(page, "at => document.querySelector('.tile[data-camera=gate] video').currentTime > at + 1", at)


def test_where_a_browser_plays_no_fragments_there_are_still_pictures(visitors: Visitors) -> None:
    page = visitors.admin(locale="en-GB")  # a browser of its own
    page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
    page.goto("/live")
    expect(tile(page, "square")).to_have_attribute("data-playing", "unsupported")
    still = tile(page, "square").locator("img.still")
    wait_until(page, "() => document.querySelector('.tile .still').naturalWidth > 0")
    first = still.get_attribute("src")
    wait_until(page, "first => document.querySelector('.tile .still').src.endsWith(first) === false", first)


def test_the_keyboard_alone_reaches_everything(live: Page) -> None:
    live.evaluate("() => document.activeElement.blur()")
    reached = []
    while (name := _tab(live)) and name not in reached:
        reached.append(name)
    assert reached[0] == "Skip to the content"
    buttons = live.locator("a:visible, button:visible, select:visible").all()
    names = [told(button).split(",")[0] for button in buttons]
    assert set(names) <= set(reached)
    for wanted in ("Enlarge Market <square>", "gate: play back", "gate: full screen", "Your account", "Dark or light"):
        assert any(name.startswith(wanted) for name in reached), wanted
    assert live.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_arrows_go_from_camera_to_camera_and_enter_enlarges(live: Page) -> None:
    tile(live, "square").locator(".enlarge").focus()
    live.keyboard.press("ArrowRight")
    assert focused(live).startswith("Enlarge gate")
    live.keyboard.press("ArrowLeft")
    live.keyboard.press("Enter")
    expect(tile(live, "gate")).to_be_hidden()
    expect(tile(live, "square")).to_be_visible()
    live.keyboard.press("Escape")
    expect(tile(live, "gate")).to_be_visible()
    live.keyboard.press("2")
    expect(tile(live, "square")).to_be_hidden()
    live.keyboard.press("2")
    expect(tile(live, "square")).to_be_visible()


def test_full_screen_is_one_key_away(live: Page) -> None:
    tile(live, "square").locator(".enlarge").focus()
    live.keyboard.press("f")
    wait_until(live, "() => document.fullscreenElement?.dataset.camera === 'square'")


def test_the_wall_takes_no_more_room_than_the_window(live: Page) -> None:
    bottom = live.evaluate(
        "() => Math.max(...[...document.querySelectorAll('.tile')].map((t) => t.getBoundingClientRect().bottom))"
    )
    assert bottom <= 800


def _tab(page: Page) -> str:
    page.keyboard.press("Tab")
    return focused(page).split(",")[0]

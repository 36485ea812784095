"""How pages look: on a phone, in dark and light, and to who reads with more than eyes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visitors

PAGES = ("live", "playback", "map", "cameras", "storage", "accounts", "account")
WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
  // Headings of tables that are only read aloud, and what lies beyond the edge of the map, are cut off on purpose.
  if (element.closest("thead, .leaflet-container *, .q-notifications")) return false;
  return element.getBoundingClientRect().right > innerWidth + 1;
}).map((element) => element.outerHTML.slice(0, 160))"""
UNNAMED = """() => [...document.querySelectorAll("a, button, input, select, canvas")].filter((element) => {
  if (element.type === "hidden" || element.closest("[aria-hidden=true]")) return false;
  const label = element.getAttribute("aria-label") || element.labels?.[0]?.innerText || element.innerText;
  return !label?.trim();
}).map((element) => element.outerHTML.slice(0, 200))"""
PALE = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/^rgba.*, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const worded = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const texts = [...document.querySelectorAll("body *")].filter((each) => worded(each) && each.checkVisibility());
  return texts.map((element) => {
    const [text, ground] = [light(getComputedStyle(element).color), light(behind(element))];
    return [(Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05), element.outerHTML.slice(0, 160)];
  }).filter(([contrast]) => contrast < 4.5);
}"""


def opened(page: Page, path: str) -> Page:
    page.goto(f"/{path}")
    page.wait_for_selector("h1", state="attached")
    return page


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(visitors: Visitors, path: str) -> None:
    page = opened(visitors.admin(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True), path)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    assert page.evaluate(WIDE) == []
    expect(page.locator("nav.places")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_text_stands_out_and_everything_has_a_name(visitors: Visitors, path: str, scheme: str) -> None:
    page = opened(visitors.admin(color_scheme=scheme), path)
    assert page.evaluate(PALE) == []
    assert page.evaluate(UNNAMED) == []
    assert page.locator("h1").count() == 1


def test_dark_and_light_follow_the_system_until_somebody_chooses(visitors: Visitors) -> None:
    page = opened(visitors.admin(color_scheme="dark"), "storage")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-scheme", "light")
    light = page.evaluate(ground)
    assert dark != light
    page.get_by_label("Dark or light").select_option("dark")
    assert page.evaluate(ground) == dark
    opened(page, "accounts")
    assert page.evaluate(ground) == dark
    page.get_by_label("Dark or light").select_option("system")
    assert page.evaluate(ground) == light


def test_a_page_works_without_any_other_host(visitors: Visitors) -> None:
    page = visitors.admin()
    # Whatever is not this server does not exist; that nothing else is asked for is checked after every test.
    page.context.route(lambda url: not url.startswith(visitors.server.address), lambda route: route.abort())
    for path in PAGES:
        opened(page, path).wait_for_load_state("networkidle" if path in ("storage", "account") else "load")
    assert len({url.split("/")[2] for url in visitors.asked if url.startswith("http")}) == 1

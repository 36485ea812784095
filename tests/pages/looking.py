"""What a test looks at on a page."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

MEAN = """video => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const paint = canvas.getContext("2d");
  paint.drawImage(video, 0, 0, 16, 16);
  const values = paint.getImageData(0, 0, 16, 16).data;
  let sum = 0;
  for (let i = 0; i < values.length; i += 4) sum += values[i];
  return sum / (values.length / 4);
}"""

PIXELS = """video => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 64 });
  const paint = canvas.getContext("2d");
  paint.drawImage(video, 0, 0, 96, 64);
  return Array.from(paint.getImageData(0, 0, 96, 64).data);
}"""


def tile(page: Page, camera: str) -> Locator:
    """The tile of a camera, live or in playback."""
    return page.locator(f'.tile[data-camera="{camera}"]')


def wait_until(page: Page, expression: str, argument: Any = None) -> None:
    """Until it is true in the page."""
    page.wait_for_function(expression, arg=argument, polling=100)


TOLD = "element => element.getAttribute('aria-label') ?? element.innerText ?? ''"


def told(element: Locator) -> str:
    """What somebody who cannot see is told of it."""
    return str(element.evaluate(TOLD))


def focused(page: Page) -> str:
    """The same of where the keyboard is."""
    return str(page.evaluate(f"() => ({TOLD})(document.activeElement)"))

"""Nine cameras on one wall: every picture moves, over sockets of a real server that is fed what cameras once sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from passerby.archive import open_archive
from passerby.live import LivePart
from passerby.serve.accounts import Accounts
from passerby.serve.fan_out import FanOut
from passerby.serve.permissions import Role
from passerby.serve.town import CameraSettings, Town
from passerby.web.app import create_app
from passerby.web.sessions import COOKIE
from tests.web.conftest import Browser, People, cheap, serving
from tests.web.town import QuietTown, record

from .looking import wait_until

NAMES = [f"camera-{number}" for number in range(1, 10)]
ALL_MOVED = """seconds => {
  const videos = [...document.querySelectorAll(".tile video")];
  for (const video of videos) if (video.readyState >= 2) video.began ??= video.currentTime;
  const plays = (video) => video.closest(".tile").dataset.playing === "playing";
  return videos.length === 9 && videos.every((video) => plays(video) && video.currentTime - video.began > seconds);
}"""


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[Browser]:
    """Of a town with nine cameras that send."""
    with (
        closing(open_archive(tmp_path / "data")) as archive,
        closing(Accounts(tmp_path / "data", passwords=cheap())) as a,
    ):
        town = QuietTown(
            archive,
            Town(camera=tuple(CameraSettings(name=name, url="demo:") for name in NAMES)),
            {name: FanOut() for name in NAMES},
        )
        app = create_app(town, a)
        with _sending(town, record(archive, NAMES[0])), serving(app, town.town) as address:
            browser = People(address, a, app).browser(Role.VIEWER)
            with closing(browser):
                yield browser


@contextmanager
def _sending(town: QuietTown, parts: Sequence[LivePart]) -> Iterator[None]:
    """Parts of a recording go to all nine, as fast as they were recorded, while the block runs."""
    over = threading.Event()

    def send() -> None:
        for part, after in pairwise(parts):
            for fan_out in town.fan_outs.values():
                fan_out.publish(part)
            if over.wait(after.media_s - part.media_s):
                return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_nine_cameras_move_at_once(chromium: Chromium, viewer: Browser) -> None:
    address = str(viewer.base_url)
    with closing(chromium.new_context(base_url=address, viewport={"width": 1280, "height": 800})) as context:
        context.add_cookies([{"name": COOKIE, "value": viewer.cookies[COOKIE], "url": address}])
        page = context.new_page()
        page.goto("/live")
        expect(page.locator(".tile")).to_have_count(9)
        wait_until(page, ALL_MOVED, 3)
        boxes = [tile.bounding_box() for tile in page.locator(".tile").all()]
        assert all(box is not None and box["y"] + box["height"] <= 800 for box in boxes), (
            "all of them are on the screen"
        )

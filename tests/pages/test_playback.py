"""The playback page: an instant shows the picture of that instant, in all cameras alike, and can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import av
import pytest
from playwright.sync_api import Page, expect

from .conftest import Visitors
from .looking import MEAN, tile, wait_until
from .town import AGAIN, BEGAN, GAP_S, LASTS_S, SHARE, STEP, brightness

# Where it was noon an hour ago, so that nothing here lies across midnight.
_EAST = 12 - BEGAN.hour
ZONE = f"Etc/GMT{-_EAST:+d}"
NEAR = 4
"""By so much a shade of grey may change on its way through the encoder and the screen."""

SHOWS = f"""([camera, grey]) => {{
  const video = document.querySelector(`.tile[data-camera="${{camera}}"][data-track="ready"] video`);
  return Boolean(video) && Math.abs(({MEAN})(video) - grey) < {NEAR};
}}"""


@pytest.fixture
def admin(visitors: Visitors) -> Page:
    return visitors.admin(timezone_id=ZONE, viewport={"width": 1280, "height": 1000})


def open_at(page: Page, at: datetime, cameras: Sequence[str] = ("square",)) -> Page:
    query = "&".join(f"camera={camera}" for camera in cameras)
    page.goto(f"/playback?{query}&at={at:%Y-%m-%dT%H:%M:%S.%fZ}")
    return page


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


@pytest.mark.parametrize("second", [0.5, 9.5, 10.5, 23.5])
def test_an_instant_shows_the_picture_of_that_instant(admin: Page, second: float) -> None:
    open_at(admin, after(second))
    wait_until(admin, SHOWS, ["square", brightness(after(second))])


def test_times_are_those_of_the_browser_and_utc_stands_below(visitors: Visitors) -> None:
    zone = "America/New_York"
    page = open_at(visitors.admin(timezone_id=zone), after(3.5))
    local = after(3.5).astimezone(ZoneInfo(zone))
    expect(page.locator('[data-part="clock"]')).to_have_text(f"{local:%H:%M:%S}")
    expect(page.locator('[data-part="utc"]')).to_have_text(f"{after(3.5):%Y-%m-%d %H:%M:%S} UTC")
    expect(page.locator('[data-part="date"]')).to_have_value(f"{local:%Y-%m-%d}")
    expect(page.locator('[data-part="zone"]')).to_contain_text(zone)


def test_cameras_play_in_step(admin: Page) -> None:
    open_at(admin, after(1.5), ["square", "gate"])
    wait_until(admin, SHOWS, ["gate", brightness(after(1.5))])
    admin.select_option('[data-part="speed"]', "2")
    admin.get_by_role("button", name="Play", exact=True).click()
    wait_until(admin, SHOWS, ["square", brightness(after(14.5))])
    admin.get_by_role("button", name="Pause").click()
    shown = [tile(admin, camera).locator("video").evaluate(MEAN) for camera in ("square", "gate")]
    assert abs(shown[0] - shown[1]) < STEP + NEAR


def test_sixteen_times_as_fast_reaches_the_end_and_jumps_over_what_nobody_recorded(admin: Page) -> None:
    open_at(admin, after(2))
    wait_until(admin, SHOWS, ["square", brightness(after(2))])
    admin.select_option('[data-part="speed"]', "16")
    admin.get_by_role("button", name="Play", exact=True).click()
    reached = f"{AGAIN + timedelta(seconds=2):%Y-%m-%d %H:%M:%S} UTC"
    wait_until(admin, "reached => document.querySelector('[data-part=utc]').textContent > reached", reached)
    wait_until(admin, "() => document.querySelector('.tile').dataset.track === 'ready'")


def test_what_was_not_recorded_is_said_and_shows_no_old_picture(admin: Page) -> None:
    open_at(admin, after(LASTS_S + 20))
    expect(tile(admin, "square").locator(".why")).to_have_text("not recorded")
    expect(tile(admin, "square").locator("video")).to_be_hidden()


def test_the_timeline_is_moved_by_keys_and_says_what_it_shows(admin: Page) -> None:
    open_at(admin, after(3.5))
    wait_until(admin, SHOWS, ["square", brightness(after(3.5))])
    timeline = admin.get_by_role("slider", name="Time of day")
    timeline.focus()
    admin.keyboard.press("ArrowRight")
    wait_until(admin, SHOWS, ["square", brightness(after(13.5))])
    told = timeline.get_attribute("aria-valuetext") or ""
    assert told.endswith(f"Market <square>: {100 * SHARE:.0f} % covered")
    admin.keyboard.press("Shift+ArrowRight")
    expect(timeline).to_have_attribute("aria-valuetext", f"{_clock(after(73.5))}, Market <square>: not recorded")


def test_pointing_at_the_timeline_goes_there(admin: Page) -> None:
    open_at(admin, after(3.5))
    wait_until(admin, SHOWS, ["square", brightness(after(3.5))])
    timeline = admin.get_by_role("slider", name="Time of day")
    for _ in range(9):
        admin.get_by_role("button", name="Look closer").click()
    box = timeline.bounding_box()
    assert box is not None
    # The view is ten minutes wide by now, and the line stands where it stood: as far to the right as the day has gone.
    local = after(3.5).astimezone(ZoneInfo(ZONE))
    gone = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    admin.mouse.click(box["x"] + box["width"] * (gone + 10 / 600), box["y"] + 40)
    wait_until(admin, SHOWS, ["square", brightness(after(13.5))])


def test_a_range_is_taken_away_as_one_file_that_plays(admin: Page) -> None:
    open_at(admin, after(4))
    _choose(admin, after(4), after(14))
    link = admin.locator('[data-part="exports"] a')
    expect(link).to_have_count(1)
    with admin.expect_download() as download:
        link.click()
    grey = _greys(Path(download.value.path()).read_bytes())
    assert download.value.suggested_filename.startswith("square-")
    assert grey[0] <= brightness(after(4)) + NEAR
    assert abs(grey[-1] - brightness(after(13.9))) < NEAR
    assert len(grey) >= 100


def test_a_range_with_a_gap_is_one_file_in_which_it_is_left_out_or_kept(admin: Page) -> None:
    open_at(admin, after(4))
    _choose(admin, after(20), AGAIN + timedelta(seconds=5))
    lasts_s = []
    for gaps in ("leave-out", "keep"):
        admin.get_by_label("Time in which nothing was recorded").select_option(gaps)
        link = admin.locator(f'[data-part="exports"] a[href*="gaps={gaps}"]')
        expect(link).to_have_count(1)
        with admin.expect_download() as download:
            link.click()
        content = Path(download.value.path()).read_bytes()
        assert abs(_greys(content)[-1] - brightness(AGAIN + timedelta(seconds=4.9))) < NEAR
        lasts_s.append(_duration_s(content))
    assert lasts_s[1] - lasts_s[0] == pytest.approx(GAP_S, abs=0.5)


def test_a_range_that_ends_before_it_begins_is_refused(admin: Page) -> None:
    open_at(admin, after(4))
    _choose(admin, after(14), after(4))
    expect(admin.locator('[data-part="range"]')).to_have_text("The range has to end after it begins.")
    expect(admin.locator('[data-part="exports"] a')).to_have_count(0)


def test_another_day_has_its_own_timeline(admin: Page) -> None:
    open_at(admin, after(4))
    wait_until(admin, SHOWS, ["square", brightness(after(4))])
    admin.get_by_role("button", name="The day before").click()
    expect(tile(admin, "square").locator(".why")).to_have_text("not recorded")


@pytest.mark.parametrize(("date", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-23", 24)])
def test_a_day_is_as_long_as_it_is_where_the_browser_stands(visitors: Visitors, date: str, hours: int) -> None:
    page = visitors.admin(timezone_id="Europe/Berlin")
    page.goto("/map")
    lasts = page.evaluate(
        "async d => { const [a, b] = (await import('/static/pages/day.js')).dayOf(d); return b - a; }", date
    )
    assert lasts == hours * 3_600_000


def _choose(page: Page, begin: datetime, end: datetime) -> None:
    for part, at in (("from", begin), ("to", end)):
        page.fill(f'[data-part="{part}"]', f"{at.astimezone(ZoneInfo(ZONE)):%Y-%m-%dT%H:%M:%S}")


def _greys(data: bytes) -> list[float]:
    with av.open(BytesIO(data), "r") as file:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in file.decode(video=0)]


def _duration_s(data: bytes) -> float:
    with av.open(BytesIO(data), "r") as file:
        assert file.duration is not None
        return file.duration / av.time_base


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(ZONE)):%H:%M:%S}"

"""The page of cameras: how they are, and adding, trying, changing and removing one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visitors

SECRET = "hush-7ac1"


@pytest.fixture
def cameras(visitors: Visitors) -> Page:
    page = visitors.admin()
    page.goto("/cameras")
    page.get_by_role("button", name="Add a camera").wait_for()
    return page


def row(page: Page, camera: str) -> str:
    return f'tr[data-camera="{camera}"]'


def fill(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_role("textbox", name=label.replace("_", " ")).first.fill(text)


def test_figures_and_states_are_told(cameras: Page) -> None:
    square = cameras.locator(row(cameras, "square"))
    expect(square.locator(".state")).to_have_text("live", timeout=60_000)
    expect(square.locator('td[data-label="Frames"]')).to_contain_text("fps")
    expect(square.locator('td[data-label="Last recording"]')).to_contain_text("ago", timeout=60_000)
    harbour = cameras.locator(row(cameras, "harbour"))
    expect(harbour.locator(".state")).to_have_text("lost", timeout=60_000)
    expect(harbour.locator('td[data-label="What is wrong"]')).not_to_be_empty()


def test_a_camera_of_the_file_is_restarted_here_and_changed_there(cameras: Page) -> None:
    square = cameras.locator(row(cameras, "square"))
    expect(square.get_by_role("button")).to_have_text(["Restart"])
    expect(square).to_contain_text("set in the file of the town")


def test_a_camera_is_added_changed_and_removed_and_its_secrets_are_never_shown(
    cameras: Page, visitors: Visitors
) -> None:
    cameras.get_by_role("button", name="Add a camera").click()
    fill(cameras, Name="yard", Address="rtsp://127.0.0.1:9/back-door", User=SECRET)
    cameras.get_by_role("textbox", name="Password", exact=True).fill(SECRET)
    cameras.get_by_role("button", name="Save").click()
    yard = cameras.locator(row(cameras, "yard"))
    expect(yard).to_contain_text("yard")
    assert SECRET in (visitors.server.folder / "credentials.toml").read_text()

    yard.get_by_role("button", name="Edit yard").click()
    fields = cameras.locator(".q-dialog input").evaluate_all("inputs => inputs.map((input) => input.value)")
    assert not any("back-door" in value or SECRET in value for value in fields)
    fill(cameras, Title="The yard")
    cameras.get_by_role("button", name="Save").click()
    expect(yard.locator("strong")).to_have_text("The yard")
    assert "back-door" not in cameras.content()
    assert SECRET not in cameras.content()
    # What was left empty stayed as it was.
    assert SECRET in (visitors.server.folder / "credentials.toml").read_text()

    yard.get_by_role("button", name="Remove The yard").click()
    cameras.get_by_role("button", name="Do nothing").click()
    expect(yard).to_be_visible()
    yard.get_by_role("button", name="Remove The yard").click()
    cameras.locator(".q-dialog").get_by_role("button", name="Remove").click()
    expect(yard).to_have_count(0)
    assert SECRET not in (visitors.server.folder / "credentials.toml").read_text()


def test_what_is_wrong_in_the_form_is_said_without_repeating_it(cameras: Page) -> None:
    cameras.get_by_role("button", name="Add a camera").click()
    fill(cameras, Name="Not a name", Address=f"rtsp://anna:{SECRET}@127.0.0.1/x")
    cameras.get_by_role("button", name="Save").click()
    trouble = cameras.locator(".q-dialog .trouble")
    expect(trouble).to_contain_text("name: a to z, 0 to 9 and - are allowed")
    expect(trouble).to_contain_text("url: user and password belong")
    assert SECRET not in trouble.inner_text()
    cameras.get_by_role("button", name="Cancel").click()
    expect(cameras.locator(".q-dialog")).to_have_count(0)


def test_the_built_in_camera_is_tried_before_it_is_added(cameras: Page) -> None:
    cameras.get_by_role("button", name="Add a camera").click()
    fill(cameras, Address="demo:")
    cameras.get_by_role("button", name="Try it").click()
    picture = cameras.get_by_alt_text("One redacted picture")
    picture.wait_for(timeout=120_000)
    assert picture.evaluate("image => image.naturalWidth") > 0
    expect(cameras.get_by_text("h264,")).to_be_visible()


def test_a_trial_that_fails_says_why(cameras: Page) -> None:
    cameras.get_by_role("button", name="Add a camera").click()
    fill(cameras, Address="rtsp://127.0.0.1:9/x")
    cameras.get_by_role("button", name="Try it").click()
    trouble = cameras.locator(".q-dialog .trouble")
    expect(trouble).not_to_be_empty(timeout=120_000)
    assert "127.0.0.1" not in trouble.inner_text()


def test_a_camera_is_restarted_with_a_button(cameras: Page) -> None:
    cameras.locator(row(cameras, "gate")).get_by_role("button", name="Restart gate").click()
    expect(cameras.get_by_text("gate finishes its segment and starts anew")).to_be_visible()

"""Coming in, and who sees what."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Visitors

PAGES = ("/", "/live", "/playback", "/map", "/cameras", "/storage", "/accounts", "/account")


def test_the_link_of_the_terminal_makes_the_first_account_which_opens_on_the_live_page(visitors: Visitors) -> None:
    page = visitors.admin()
    page.goto("/")
    page.wait_for_url("**/live")
    expect(page.locator(".tile")).to_have_count(3)
    assert page.context.request.get(visitors.server.link).text().count("used or has expired")


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_logging_in(visitors: Visitors, path: str) -> None:
    page = visitors.nobody()
    page.goto(path)
    assert "/login" in page.url
    assert "Market" not in page.content()


def test_logging_out_ends_the_session(visitors: Visitors) -> None:
    visitors.admin()
    page = visitors.log_in("anna")
    cookies = page.context.cookies()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[typeddict-item]
    page.goto("/live")
    assert "/login" in page.url


@pytest.mark.parametrize(
    ("role", "places"),
    [
        ("viewer", ["Live", "Playback", "Map"]),
        ("operator", ["Live", "Playback", "Map", "Cameras"]),
        ("auditor", ["Map", "Cameras", "Storage", "Accounts"]),
    ],
)
def test_a_role_is_shown_only_the_pages_that_are_for_it(visitors: Visitors, role: str, places: list[str]) -> None:
    page = visitors.invited(role)
    page.goto("/")
    links = page.locator("nav.places a")
    assert [text.split("\n")[-1] for text in links.all_inner_texts()] == places
    for title in ("Live", "Playback", "Map", "Cameras", "Storage", "Accounts"):
        answer = page.context.request.get(f"/{title.lower()}", max_redirects=0)
        assert answer.status == (200 if title in places else 403), title


def test_a_viewer_finds_no_button_that_changes_anything(visitors: Visitors) -> None:
    page = visitors.invited("viewer")
    page.goto("/playback")
    page.wait_for_selector('[data-part="clock"]')
    assert page.locator('[data-part="exports"]').count() == 0


def test_a_page_that_stays_open_does_nothing_for_who_may_not_any_more(visitors: Visitors) -> None:
    page = visitors.invited("operator")
    page.goto("/cameras")
    restart = page.get_by_role("button", name="Restart gate")
    restart.wait_for()
    request = visitors.admin().context.request
    token = request.get("/api/v1/session").json()["form_token"]
    change = {"role": "viewer", "sites": None}
    request.put("/api/v1/accounts/operator-1", data=change, headers={"X-CSRF-Token": token})
    restart.click()
    expect(page.get_by_text("may not do this any more")).to_be_visible()
    request.put("/api/v1/accounts/operator-1", data={**change, "role": "operator"}, headers={"X-CSRF-Token": token})

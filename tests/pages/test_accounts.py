"""The pages of accounts: inviting, changing and removing somebody, and API tokens that are shown once."""

from __future__ import annotations

import httpx
from playwright.sync_api import Page, expect

from .conftest import PASSWORD, Visitors


def accounts_page(visitors: Visitors) -> Page:
    page = visitors.admin()
    page.goto("/accounts")
    page.get_by_role("button", name="Invite somebody").wait_for()
    return page


def choose(page: Page, label: str, option: str) -> None:
    """In one of Quasar's lists, with the keyboard's eyes."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).click()


def test_somebody_is_invited_changed_and_removed(visitors: Visitors) -> None:
    page = accounts_page(visitors)
    page.get_by_role("button", name="Invite somebody").click()
    choose(page, "Role", "operator")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("[data-secret]").inner_text()
    assert link.startswith(f"{visitors.server.address}/join/")
    page.get_by_role("button", name="I have it").click()
    visitors.join(link, "bruno")

    page.reload()
    bruno = page.locator("tr", has=page.get_by_role("button", name="Change bruno"))
    expect(bruno.locator('td[data-label="Role"]')).to_have_text("operator")
    assert link not in page.content()
    bruno.get_by_role("button", name="Change bruno").click()
    choose(page, "Role", "viewer")
    choose(page, "Sites", "The school")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save").click()
    expect(bruno.locator('td[data-label="Role"]')).to_have_text("viewer")
    expect(bruno.locator('td[data-label="Sites"]')).to_have_text("The school")
    theirs = visitors.log_in("bruno")
    expect(theirs.locator(".tile")).to_have_count(1)

    bruno.get_by_role("button", name="Remove bruno").click()
    page.locator(".q-dialog").get_by_role("button", name="Remove").click()
    expect(bruno).to_have_count(0)
    theirs.wait_for_url("**/login*")  # the page asks how cameras are, is told that nobody is logged in, and leaves
    visitors.complaints[:] = [told for told in visitors.complaints if "401" not in told]
    page.reload()
    expect(page.get_by_label("Log").locator("tr").nth(1)).to_contain_text("removed an account")


def test_the_last_admin_stays(visitors: Visitors) -> None:
    page = accounts_page(visitors)
    page.get_by_role("button", name="Remove anna").click()
    page.locator(".q-dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("nobody would be left who may change accounts")).to_be_visible()


def test_a_token_is_shown_once_works_and_ends(visitors: Visitors) -> None:
    page = visitors.invited("viewer")
    page.goto("/account")
    page.get_by_label("What it is for").fill("the screen in the hall")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("[data-secret]").inner_text()
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("the screen in the hall")).to_be_visible()

    def status() -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(f"{visitors.server.address}/api/v1/cameras", headers=headers, trust_env=False).status_code

    assert status() == 200
    page.reload()
    expect(page.get_by_text("the screen in the hall")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="Remove the token for the screen in the hall").click()
    page.locator(".q-dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("the screen in the hall")).to_have_count(0)
    assert status() == 401


def test_a_password_is_changed_by_who_knows_it(visitors: Visitors) -> None:
    visitors.join(visitors.server.address + visitors.invite("viewer"), "carla")
    page = visitors.log_in("carla")
    page.goto("/account")
    page.get_by_label("The password so far").fill("not the one")
    page.get_by_label("The new one").fill("quite another long sentence")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("the old password is wrong")).to_be_visible()
    page.get_by_label("The password so far").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password was changed")).to_be_visible()


def test_storage_tells_room_and_what_each_camera_keeps(visitors: Visitors) -> None:
    page = visitors.invited("auditor")
    page.goto("/storage")
    expect(page.get_by_text("free", exact=False).first).to_be_visible()
    square = page.get_by_label("Storage by camera").locator("tr", has_text="Market <square>")
    expect(square.locator('td[data-label="Kept for"]')).to_have_text("3 days")
    assert int(square.locator('td[data-label="Files"]').inner_text()) >= 6

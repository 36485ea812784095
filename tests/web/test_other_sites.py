"""Pages of other sites that try to use the cookies of our own."""

from __future__ import annotations

import pytest

from passerby.serve.permissions import Role

from .conftest import PASSWORD, Browser, People
from .routes import CLOSED, RULES

CHANGING = [route for route in CLOSED if route[0] != "GET"]
READING = [route for route in CLOSED if route[0] == "GET"]


@pytest.mark.parametrize("route", CHANGING, ids=" ".join)
@pytest.mark.parametrize(
    "sent",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "of another session"},
        {"X-CSRF-Token": "é"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_site_changes_nothing(admin: Browser, route: tuple[str, str], sent: dict[str, str]) -> None:
    headers = {name: value.encode() for name, value in sent.items()}
    answer = RULES[route].ask(admin, route[0], headers=headers)
    assert answer.status_code == 403, answer.text


@pytest.fixture(scope="module")
def admin(people: People) -> Browser:
    return people.browser(Role.ADMIN)


def test_the_token_of_another_session_does_not_count(people: People) -> None:
    one, other = people.browser(Role.ADMIN), people.browser(Role.ADMIN)
    answer = one.post("/api/v1/tokens", json={"label": "x"}, headers={"X-CSRF-Token": other.form_token})
    assert answer.status_code == 403
    assert one.post("/api/v1/tokens", json={"label": "x"}).status_code == 201


def test_our_own_pages_may(people: People) -> None:
    browser = people.browser(Role.VIEWER)
    own = {"Origin": people.address, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/api/v1/tokens", json={"label": "x"}, headers=own).status_code == 201


@pytest.mark.parametrize("route", READING, ids=" ".join)
def test_another_site_reads_and_starts_nothing(people: People, admin_again: Browser, route: tuple[str, str]) -> None:
    for how in ({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, {"Sec-Fetch-Mode": "cors"}):
        answer = RULES[route].ask(admin_again, route[0], headers={"Sec-Fetch-Site": "cross-site", **how})
        assert answer.status_code == 403


@pytest.fixture(scope="module")
def admin_again(people: People) -> Browser:
    return people.browser(Role.ADMIN)


def test_a_link_from_elsewhere_opens_a_page_and_no_download(people: People) -> None:
    browser = people.browser(Role.ADMIN)
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    export = RULES["GET", "/api/v1/cameras/{name}/export"]
    assert export.ask(browser, "GET", headers=link).status_code == 403
    assert browser.get("/login", headers=link).status_code == 200
    assert browser.get("/public/gate", headers=link).status_code == 200


def test_another_site_logs_nobody_in(people: People) -> None:
    name = people.make(Role.VIEWER)
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = people.nobody().post("/login", data={"name": name, "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    plain = people.nobody().post(
        "/api/v1/login",
        content=f'{{"name": "{name}", "password": "{PASSWORD}"}}',
        headers={"Content-Type": "text/plain"},
    )
    assert plain.status_code == 422

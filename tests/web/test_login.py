"""Logging in over HTTP: cookies, forms, and pages of other sites that try to use them."""

from __future__ import annotations

import pytest

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.web.sessions import COOKIE

from .conftest import PASSWORD, Browser, Clock, People
from .routes import CLOSED, RULES

CHANGING = [route for route in CLOSED if route[0] != "GET"]
READING = [route for route in CLOSED if route[0] == "GET"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(people: People) -> None:
    name = people.make(Role.VIEWER)
    answer = people.nobody().post("/api/v1/login", json={"name": name, "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="):
        assert part in cookie
    assert "Domain" not in cookie


def test_under_tls_the_cookie_is_for_tls_alone(people: People, accounts: Accounts) -> None:
    """As a trusted proxy says so; here the app is asked itself."""
    import asyncio

    import httpx

    async def over_tls() -> httpx.Response:
        transport = httpx.ASGITransport(people.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://town.test") as client:
            answer = await client.post("/api/v1/login", json={"name": name, "password": PASSWORD})
            assert (await client.get("/api/v1/session")).json()["account"] == name
            return answer

    name = people.make(Role.VIEWER)
    answer = asyncio.run(over_tls())
    assert answer.headers["set-cookie"].startswith("__Host-passerby_session=")
    assert "; Secure" in answer.headers["set-cookie"]
    assert "max-age=" in answer.headers["strict-transport-security"]


def test_wrong_name_and_wrong_password_look_alike(people: People) -> None:
    name = people.make(Role.VIEWER)
    wrong = [
        people.nobody().post("/api/v1/login", json={"name": one, "password": "not this one"})
        for one in (name, "nobody")
    ]
    assert [answer.status_code for answer in wrong] == [401, 401]
    assert wrong[0].json() == wrong[1].json()
    assert all("set-cookie" not in answer.headers for answer in wrong)


def test_too_many_tries_are_told_when_to_come_back(people: People) -> None:
    browser, name = people.nobody(), people.make(Role.VIEWER)
    answers = [browser.post("/api/v1/login", json={"name": name, "password": "wrong"}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "2"
    form = browser.post("/login", data={"name": name, "password": PASSWORD})
    assert form.status_code == 429
    assert "Too many tries" in form.text
    assert form.headers["Retry-After"] == "2"


def test_an_address_that_was_made_up_does_not_help_to_guess(people: People, clock: Clock) -> None:
    """Nobody is a trusted proxy here."""
    statuses = [
        people.nobody()
        .post(
            "/api/v1/login",
            json={"name": f"name{number}", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"},
        )
        .status_code
        for number in range(25)
    ]
    assert statuses[-1] == 429
    clock.pass_s(24 * 3600 + 1)  # forgotten; others log in from here too


def test_logging_out_ends_the_session_for_whoever_has_the_cookie(people: People) -> None:
    browser = people.browser(Role.VIEWER)
    secret = browser.cookies[COOKIE]
    answer = browser.post("/api/v1/logout")
    assert answer.status_code == 204
    assert COOKIE not in browser.cookies
    thief = people.nobody()
    thief.cookies.set(COOKIE, secret)
    assert thief.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize("planted", ["chosen-by-an-attacker", "another session"])
def test_a_planted_session_is_not_taken_over(people: People, planted: str) -> None:
    attacker = people.browser(Role.VIEWER)
    secret = attacker.cookies[COOKIE] if planted == "another session" else planted
    name, victim = people.make(Role.ADMIN), people.nobody()
    answer = victim.post("/login", data={"name": name, "password": PASSWORD}, headers={"Cookie": f"{COOKIE}={secret}"})
    assert answer.status_code == 303
    given = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert given not in (secret, "")
    attacker.cookies.clear()
    attacker.cookies.set(COOKIE, secret)
    assert attacker.get("/api/v1/session").status_code == 401


def test_each_login_has_another_secret(people: People) -> None:
    name = people.make(Role.VIEWER)
    secrets = {people.nobody().log_in(name).cookies[COOKIE] for _ in range(3)}
    assert len(secrets) == 3


def test_a_new_secret_comes_with_the_next_answer(people: People, clock: Clock) -> None:
    browser = people.browser(Role.VIEWER)
    old = browser.cookies[COOKIE]
    clock.pass_s(1000)
    assert browser.get("/api/v1/cameras").status_code == 200
    new = browser.cookies[COOKIE]
    assert new != old
    browser.get("/api/v1/cameras")
    clock.pass_s(61)
    assert browser.get("/api/v1/cameras").status_code == 200
    thief = people.nobody()
    thief.cookies.set(COOKIE, old)
    assert thief.get("/api/v1/cameras").status_code == 401


def test_an_idle_session_ends(people: People, clock: Clock) -> None:
    browser = people.browser(Role.VIEWER)
    clock.pass_s(3601)
    assert browser.get("/api/v1/session").status_code == 401


# Pages of other sites


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


# The forms


def test_a_page_leads_to_the_form_and_the_form_leads_back(people: People) -> None:
    browser, name = people.nobody(), people.make(Role.VIEWER)
    turned = browser.get("/playback", headers={"Accept": "text/html"})
    assert (turned.status_code, turned.headers["location"]) == (303, "/login?next=/playback")
    form = browser.get(turned.headers["location"])
    assert 'value="/playback"' in form.text
    wrong = browser.post("/login", data={"name": name, "password": "wrong", "next": "/playback"})
    assert wrong.status_code == 401
    assert "The name or the password is wrong" in wrong.text
    assert 'value="/playback"' in wrong.text
    done = browser.post("/login", data={"name": name, "password": PASSWORD, "next": "/playback"})
    assert (done.status_code, done.headers["location"]) == (303, "/playback")
    assert browser.get("/api/v1/session").json()["account"] == name


@pytest.mark.parametrize(
    "wanted",
    ["//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)", "/\t/evil.test", "", "/ä\r\nX: y"],
)
def test_the_form_leads_nowhere_else(people: People, wanted: str) -> None:
    name = people.make(Role.VIEWER)
    done = people.nobody().post("/login", data={"name": name, "password": PASSWORD, "next": wanted})
    assert (done.status_code, done.headers["location"]) == (303, "/")


def test_what_is_typed_is_escaped(people: People, accounts: Accounts) -> None:
    planted = '"><script>alert(1)</script>'
    assert planted not in people.nobody().get("/login", params={"next": planted}).text
    link = accounts.links.invite(Role.VIEWER, None)
    answer = people.nobody().post(f"/join/{link}", data={"name": planted, "password": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 422
    assert planted not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_a_link_makes_an_account_by_its_form(people: People, accounts: Accounts) -> None:
    link, browser = f"/join/{accounts.links.invite(Role.VIEWER, None)}", people.nobody()
    assert "Make your account" in browser.get(link).text
    differ = browser.post(link, data={"name": "zoe", "password": PASSWORD, "again": "something else"})
    assert differ.status_code == 422
    assert "The two passwords are not the same" in differ.text
    done = browser.post(link, data={"name": "zoe", "password": PASSWORD, "again": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert browser.get(link).status_code == 404
    assert browser.post(link, data={"name": "eve", "password": PASSWORD, "again": PASSWORD}).status_code == 404
    browser.log_in("zoe")


def test_an_admin_invites_and_helps_out_over_the_interface(people: People) -> None:
    admin = people.browser(Role.ADMIN)
    made = admin.post("/api/v1/accounts/invitations", json={"role": "operator", "sites": ["school"]})
    link = made.json()["path"]
    people.nobody().post(link, data={"name": "yve", "password": PASSWORD, "again": PASSWORD})
    listed = admin.get("/api/v1/accounts").json()["accounts"]
    (yve,) = [account for account in listed if account["name"] == "yve"]
    assert (yve["role"], yve["sites"]) == ("operator", ["school"])
    link = admin.post("/api/v1/accounts/yve/password-link").json()["path"]
    assert "Choose a new password for yve" in people.nobody().get(link).text
    again = "quite another password"
    assert people.nobody().post(link, data={"password": again, "again": again}).status_code == 303
    people.nobody().log_in("yve", again)
    changed = admin.put("/api/v1/accounts/yve", json={"role": "auditor"})
    assert changed.json()["role"] == "auditor"
    assert admin.delete("/api/v1/accounts/yve").status_code == 204
    assert admin.delete("/api/v1/accounts/yve").status_code == 404
    done = [entry["action"] for entry in admin.get("/api/v1/log").json()["entries"] if entry["who"] == admin.name]
    assert done[:4] == [
        "removed an account",
        "changed an account",
        "made a link for a new password",
        "invited somebody",
    ]


def test_a_password_is_changed_with_the_old_one(people: People) -> None:
    browser = people.browser(Role.VIEWER)
    wrong = browser.post("/api/v1/password", json={"old": "wrong", "new": "quite another password"})
    assert wrong.status_code == 401
    assert browser.post("/api/v1/password", json={"old": PASSWORD, "new": "short"}).status_code == 422
    done = browser.post("/api/v1/password", json={"old": PASSWORD, "new": "quite another password"})
    assert done.status_code == 204
    people.nobody().log_in(browser.name, "quite another password")


@pytest.mark.parametrize("page", ["/login", "/join/none", "/public/gate", "/public/none"])
def test_pages_without_a_session_run_no_scripts(people: People, page: str) -> None:
    answer = people.nobody().get(page)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in answer.text
    assert "style=" not in answer.text

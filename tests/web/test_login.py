"""Logging in over HTTP: the cookie, wrong passwords, and how a session ends."""

from __future__ import annotations

import pytest

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.web.sessions import COOKIE

from .conftest import PASSWORD, Clock, People


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

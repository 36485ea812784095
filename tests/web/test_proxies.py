"""What a reverse proxy says of who asks is believed only if the settings name that proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.web.app import create_api
from passerby.web.sessions import COOKIE, SECURE_COOKIE

from .conftest import PASSWORD, Clock, People, serving
from .town import QuietTown

FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
Behind = Callable[[tuple[str, ...]], People]


@pytest.fixture
def behind(town: QuietTown, accounts: Accounts, clock: Clock) -> Iterator[Behind]:
    """A server that trusts these proxies; the tests themselves come from 127.0.0.1."""
    opened: list[People] = []
    with ExitStack() as stack:

        def open_server(trusted: tuple[str, ...]) -> People:
            app = create_api(town, accounts)
            with_proxies = town.town.model_copy(update={"trusted_proxies": trusted})
            people = People(stack.enter_context(serving(app, with_proxies)), accounts, app)
            opened.append(people)
            return people

        yield open_server
        for browser in (browser for people in opened for browser in people.browsers):
            browser.close()
    clock.pass_s(24 * 3600 + 1)  # failed logins from here are forgotten


def test_a_trusted_proxy_tells_that_the_browser_came_by_tls(behind: Behind) -> None:
    people = behind(("127.0.0.1",))
    name, browser = people.make(Role.VIEWER), people.nobody()
    answer = browser.post("/login", data={"name": name, "password": PASSWORD}, headers=FORWARDED)
    assert answer.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
    assert "strict-transport-security" in answer.headers
    plain = browser.post("/login", data={"name": name, "password": PASSWORD})
    assert plain.headers["set-cookie"].startswith(f"{COOKIE}=")


@pytest.mark.parametrize("trusted", [(), ("192.0.2.1",), ("192.0.2.0/24", "10.0.0.1")])
def test_nobody_else_is_believed(behind: Behind, trusted: tuple[str, ...]) -> None:
    people = behind(trusted)
    name, browser = people.make(Role.VIEWER), people.nobody()
    answer = browser.post("/login", data={"name": name, "password": PASSWORD}, headers=FORWARDED)
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
    assert "strict-transport-security" not in answer.headers


def guesses(people: People, address: Callable[[int], str], count: int = 25) -> list[int]:
    """Answers to wrong passwords for as many names, from addresses that a proxy tells."""
    asked = [
        ({"name": f"name{number}", "password": "wrong"}, {"X-Forwarded-For": address(number)})
        for number in range(count)
    ]
    return [people.nobody().post("/api/v1/login", json=body, headers=told).status_code for body, told in asked]


def test_who_guesses_is_held_up_by_the_address_that_a_trusted_proxy_tells(behind: Behind) -> None:
    """One that is tried out makes all wait who come from there, and nobody who comes from elsewhere."""
    people = behind(("127.0.0.0/8",))
    assert guesses(people, lambda _: "198.51.100.7")[-1] == 429
    assert guesses(people, lambda _: "198.51.100.8", 1) == [401]


def test_an_address_that_the_browser_made_up_stands_before_that_of_the_proxy_and_does_not_count(
    behind: Behind,
) -> None:
    people = behind(("127.0.0.1",))
    assert guesses(people, lambda number: f"203.0.113.{number}, 198.51.100.9")[-1] == 429


def test_without_a_trusted_proxy_all_come_from_where_they_come(behind: Behind) -> None:
    assert guesses(behind(()), lambda number: f"198.51.100.{number}")[-1] == 429


def test_figures_for_this_machine_are_not_given_to_who_comes_through_a_proxy_on_it(
    behind: Behind, town: QuietTown
) -> None:
    people = behind(("127.0.0.1",))
    before, town.town = town.town, town.town.model_copy(update={"metrics_from_localhost": True})
    try:
        assert people.nobody().get("/metrics").status_code == 200
        assert people.nobody().get("/metrics", headers=FORWARDED).status_code == 401
        assert people.nobody().get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    finally:
        town.town = before

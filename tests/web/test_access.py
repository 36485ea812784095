"""Who gets in: every route, as nobody, in every role, of another site, and with tokens that do not count."""

from __future__ import annotations

import http.client

import pytest
from fastapi import FastAPI

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import PERMISSIONS, TOWN_WIDE, Permission, Role
from passerby.web.asking import permission_of

from .conftest import Browser, Clock, People
from .routes import CLOSED, RULES, SOCKETS, routes_of
from .town import GATE, QuietTown, record

every_closed_route = pytest.mark.parametrize("route", CLOSED, ids=" ".join)


@pytest.fixture(scope="module")
def by_role(people: People) -> dict[Role, Browser]:
    return {role: people.browser(role) for role in Role}


def test_every_route_has_a_rule_here(app: FastAPI) -> None:
    known = set(RULES) | {("WS", path) for path in SOCKETS}
    assert set(routes_of(app)) == known


def test_rules_are_those_of_the_table_of_permissions(app: FastAPI) -> None:
    for route in app.routes:
        path = getattr(route, "path", "")
        permission = permission_of(route)
        for method in getattr(route, "methods", None) or ():
            rule = RULES.get((method, path))
            if permission is not None and rule is not None:
                assert rule.roles == frozenset(role for role in Role if permission in PERMISSIONS[role]), path
                tokens = permission not in (Permission.OWN, Permission.EDIT_ACCOUNTS)
                assert rule.for_tokens == tokens, path


@every_closed_route
def test_nobody_gets_in_without_logging_in(people: People, route: tuple[str, str]) -> None:
    answer = RULES[route].ask(people.nobody(), route[0])
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}
    assert "set-cookie" not in answer.headers


@every_closed_route
@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_the_table_says(
    people: People, by_role: dict[Role, Browser], route: tuple[str, str], role: Role
) -> None:
    browser = people.browser(role) if route[1].endswith("/logout") else by_role[role]
    rule = RULES[route]
    answer = rule.ask(browser, route[0])
    if role in (rule.roles or ()):
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500
    else:
        assert answer.status_code == 403


@every_closed_route
def test_a_camera_of_another_site_does_not_exist(people: People, route: tuple[str, str]) -> None:
    other = _other_admin(people)
    rule = RULES[route]
    answer = rule.ask(other, route[0])
    permission = _permission(people, route)
    if rule.of_camera:
        assert answer.status_code == 404
        missing = people.browser(Role.ADMIN).request(
            route[0], rule.address.replace("gate", "nosuch").replace("/segments/1", "/segments/999"), json=rule.body
        )
        assert missing.status_code == 404
    elif permission in TOWN_WIDE or route == ("POST", "/api/v1/cameras"):
        assert answer.status_code == 403
    else:
        assert "gate" not in answer.text


def _other_admin(people: People) -> Browser:
    return people.browser(Role.ADMIN, frozenset({"square"}))


def _permission(people: People, route: tuple[str, str]) -> Permission | None:
    return next((permission_of(one) for one in people.app.routes if getattr(one, "path", "") == route[1]), None)


@every_closed_route
def test_tokens_that_do_not_count_open_nothing(
    people: People, accounts: Accounts, clock: Clock, route: tuple[str, str]
) -> None:
    owner = people.make(Role.ADMIN)
    made, expired = accounts.tokens.make(owner, "old", Role.ADMIN, 1)
    removed_token, removed = accounts.tokens.make(owner, "removed", Role.ADMIN, 300)
    accounts.tokens.remove(removed_token.id)
    clock.at = made.expires_at
    logged_in = people.browser(Role.ADMIN)
    for secret in (expired, removed, "ppb_made-up", "-", logged_in.cookies["passerby_session"]):
        # A cookie beside it does not help a bad token out.
        answer = RULES[route].ask(logged_in, route[0], headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401, secret


@every_closed_route
@pytest.mark.parametrize("role", Role)
def test_a_token_may_what_its_role_and_its_owner_may(
    people: People, accounts: Accounts, route: tuple[str, str], role: Role
) -> None:
    rule = RULES[route]
    _, secret = accounts.tokens.make(people.make(Role.ADMIN), "for a program", role, 10)
    answer = rule.ask(people.nobody(), route[0], headers={"Authorization": f"Bearer {secret}"})
    if role in (rule.roles or ()) and rule.for_tokens:
        assert answer.status_code not in (401, 403), answer.text
    else:
        assert answer.status_code == 403


def test_a_token_shrinks_with_its_owner(people: People, accounts: Accounts) -> None:
    owner = people.make(Role.ADMIN)
    _, secret = accounts.tokens.make(owner, "for a program", Role.ADMIN, 10)
    accounts.change(owner, role=Role.VIEWER, sites=frozenset({"square"}))
    program = people.nobody()
    program.headers["Authorization"] = f"Bearer {secret}"
    assert program.get("/api/v1/storage").status_code == 403
    assert [camera["name"] for camera in program.get("/api/v1/cameras").json()["cameras"]] == ["market"]
    accounts.remove(owner)
    assert program.get("/api/v1/cameras").status_code == 401


def test_nobody_sees_or_removes_the_tokens_of_others(people: People) -> None:
    anna, otto = people.browser(Role.OPERATOR), people.browser(Role.OPERATOR)
    made = anna.post("/api/v1/tokens", json={"label": "mine"}).json()
    assert made["secret"].startswith("ppb_")
    assert "secret" not in anna.get("/api/v1/tokens").json()["tokens"][0]
    assert otto.get("/api/v1/tokens").json()["tokens"] == []
    assert otto.delete(f"/api/v1/tokens/{made['id']}").status_code == 404
    admin = people.browser(Role.ADMIN)
    assert made["id"] in [token["id"] for token in admin.get("/api/v1/tokens").json()["tokens"]]
    assert admin.delete(f"/api/v1/tokens/{made['id']}").status_code == 204


def test_nobody_makes_a_token_that_may_more(people: People) -> None:
    answer = people.browser(Role.OPERATOR).post("/api/v1/tokens", json={"label": "more", "role": "admin"})
    assert answer.status_code == 422
    assert (
        people.browser(Role.OPERATOR).post("/api/v1/tokens", json={"label": "x", "role": "auditor"}).status_code == 422
    )


def test_a_change_of_role_counts_at_once(people: People, accounts: Accounts) -> None:
    browser = people.browser(Role.ADMIN)
    people.make(Role.ADMIN)
    assert browser.get("/api/v1/storage").status_code == 200
    accounts.change(browser.name, role=Role.VIEWER, sites=None)
    assert browser.get("/api/v1/storage").status_code == 403
    accounts.remove(browser.name)
    assert browser.get("/api/v1/cameras").status_code == 401


def test_an_admin_of_a_site_moves_no_camera_into_or_out_of_it(people: People) -> None:
    other = _other_admin(people)
    moved = GATE.model_copy(update={"name": "market", "site": "school"})
    for body in (moved, GATE.model_copy(update={"name": "new"})):
        sent = {"camera": body.model_dump(mode="json")}
        assert other.put("/api/v1/cameras/market", json=sent).status_code == 403
        assert other.post("/api/v1/cameras", json=sent).status_code == 403


def test_recordings_of_another_site_are_not_had_by_taking_the_name_of_a_camera_that_is_gone(
    people: People, town: QuietTown
) -> None:
    record(town.archive, "cellar")
    sent = {"camera": {"name": "cellar", "site": "square", "url": "demo:"}}
    other = _other_admin(people)
    answer = other.post("/api/v1/cameras", json=sent)
    assert (answer.status_code, "recordings of another camera" in answer.text) == (422, True)
    assert other.get("/api/v1/cameras/cellar").status_code == 404
    assert people.browser(Role.ADMIN).post("/api/v1/cameras", json=sent).status_code == 201


def test_no_answer_holds_the_address_or_the_password_of_a_camera(people: People, town: QuietTown) -> None:
    admin = people.browser(Role.ADMIN)
    sent = {
        "camera": {"name": "yard", "site": "school", "url": "rtsp://10.9.8.7/secretpath"},
        "username": "user-77",
        "password": "hunter-77",
    }
    told = [admin.post("/api/v1/cameras", json=sent)]
    stored = town.stored["yard"]
    assert stored is not None
    assert (stored.username, stored.password) == ("user-77", "hunter-77")
    told += [admin.put("/api/v1/cameras/yard", json={**sent, "password": "hunter-78"})]
    told += [admin.get(path) for path in ("/api/v1/cameras", "/api/v1/cameras/yard", "/metrics", "/api/v1/log")]
    told += [admin.get("/public/yard"), admin.post("/api/v1/cameras", json={**sent, "extra": "hunter-77"})]
    told += [admin.post("/api/v1/camera-trials", json={"url": "rtsp://10.9.8.7/", "password": "hunter-77"})]
    assert [answer.status_code for answer in told] == [201, 200, 200, 200, 200, 200, 200, 422, 422]
    for answer in told:
        for secret in ("10.9.8.7", "secretpath", "user-77", "hunter"):
            assert secret not in answer.text
    assert admin.delete("/api/v1/cameras/yard").status_code == 204


def test_who_leaves_parts_of_a_picture_uncovered_is_written_down(people: People) -> None:
    admin = people.browser(Role.ADMIN)
    camera = {"name": "park", "site": "school", "url": "rtsp://10.9.8.7/park", "keep": ["0,0 0.5,0.5"]}
    assert admin.post("/api/v1/cameras", json={"camera": camera}).status_code == 201
    for only in (["0,0 1,1"], ["0,0 1,1"], []):
        assert admin.put("/api/v1/cameras/park", json={"camera": {**camera, "only": only}}).status_code == 200
    assert admin.put("/api/v1/cameras/park", json={"camera": {**camera, "keep": ["0,0 2,2"]}}).status_code == 422
    lines = [
        line for line in admin.get("/api/v1/log").json()["entries"] if line["action"].startswith("set which parts")
    ]
    notes = [(line["who"], line["subject"], line["note"]) for line in reversed(lines) if line["who"] == admin.name]
    assert notes == [
        (admin.name, "park", "1 kept as they are, 0 covered alone"),
        (admin.name, "park", "1 kept as they are, 1 covered alone"),
        (admin.name, "park", "1 kept as they are, 0 covered alone"),
    ]
    assert admin.delete("/api/v1/cameras/park").status_code == 204


@pytest.mark.parametrize(
    "address",
    [
        "/public/../api/v1/cameras",
        "/public/%2e%2e/api/v1/cameras",
        "/public/..%2fapi%2fv1%2fcameras",
        "/login/../api/v1/cameras",
        "//api/v1/cameras",
        "/api/v1/login/../cameras",
        "/api/v1/cameras/",
        "/API/v1/cameras",
        "/join/x/../../metrics",
        "/healthz/../metrics",
        "/api/v1/segments/..%2f..%2faccounts.sqlite",
        "/_nicegui/../accounts.sqlite",
        "/static/%2e%2e/%2e%2e/credentials.toml",
    ],
)
def test_no_detour_leads_past_the_gate(people: People, address: str) -> None:
    status, content = verbatim(people.address, address)
    assert status in (303, 307, 401, 404), content
    assert b"gate" not in content
    assert b"SQLite" not in content


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "gate%00", "%2e%2e", "gate/../market", "a" * 300]
)
def test_names_lead_nowhere_but_to_cameras(people: People, name: str) -> None:
    cookie = f"passerby_session={people.browser(Role.ADMIN).cookies['passerby_session']}"
    for what in ("", "/still.jpg", "/timeline?begin=2026-11-23T13:30:00Z&end=2026-11-23T14:30:00Z"):
        status, content = verbatim(people.address, f"/api/v1/cameras/{name}{what}", Cookie=cookie)
        assert status == 404
        assert b"root:" not in content


def verbatim(server: str, address: str, **headers: str) -> tuple[int, bytes]:
    """Ask for an address as it is: other clients tidy it up before they send it."""
    connection = http.client.HTTPConnection(server.removeprefix("http://"), timeout=90)
    try:
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()

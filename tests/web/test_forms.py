"""The forms to log in, to join, and to change a password."""

from __future__ import annotations

import pytest

from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role

from .conftest import PASSWORD, People


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

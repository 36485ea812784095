"""The OpenAPI says what the interface takes and answers, and nothing that it allows makes the server fail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from passerby.serve.permissions import Role
from passerby.web.sessions import COOKIE

from .conftest import Browser, People
from .routes import RULES

schemathesis = pytest.importorskip("schemathesis")
from schemathesis import checks  # noqa: E402
from schemathesis.specs.openapi import checks as openapi_checks  # noqa: E402

_DESCRIBED = [route for route in RULES if route[1].startswith("/api/") or route[1] in ("/metrics", "/healthz")]
_DESCRIBED.remove(("GET", "/api/v1/openapi.json"))

_CHECKED = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def admin(people: People) -> Browser:
    return people.browser(Role.ADMIN)


@pytest.fixture(scope="module")
def api(app: FastAPI, people: People) -> Any:
    described = schemathesis.openapi.from_dict(app.openapi())
    described.config.update(base_url=people.address)
    return described


@pytest.mark.parametrize("route", _DESCRIBED, ids=" ".join)
def test_nothing_that_is_described_makes_the_server_fail(api: Any, people: People, route: tuple[str, str]) -> None:
    admin = people.browser(Role.ADMIN)
    # Made-up names are seldom those of a camera; but nothing that other tests need is removed.
    known = [None] if route[0] == "DELETE" else [None, "1" if "segment" in route[1] else "gate"]

    @settings(max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=api[route[1]][route[0]].as_strategy(), known=st.sampled_from(known))
    def holds(case: Any, known: str | None) -> None:
        if known is not None and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, known)
        headers = {"Cookie": f"{COOKIE}={admin.cookies[COOKIE]}", "X-CSRF-Token": admin.form_token}
        case.call_and_validate(headers=headers, checks=_CHECKED)

    holds()


def test_every_route_of_the_interface_is_described(app: FastAPI) -> None:
    described = app.openapi()["paths"]
    for path, operations in described.items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("description"), where
            assert any(status.startswith("2") for status in operation["responses"]), where
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            for answer in answers:
                schemas = [content.get("schema") for content in answer.get("content", {}).values()]
                assert {} not in schemas, f"{where} does not say what it answers"
    assert "/api/v1/login" in described
    assert "/login" not in described


def test_the_description_needs_a_session(people: People, admin: Browser) -> None:
    assert people.nobody().get("/api/v1/openapi.json").status_code == 401
    told = admin.get("/api/v1/openapi.json").json()
    assert told["info"]["title"] == "passerby"
    assert not re.search(r"https?://", str(told["paths"]))

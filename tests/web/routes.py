"""Every route there is, and how to ask for it. A route that is not in here fails the tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from passerby.serve.permissions import Role

from .town import GATE

ALL = frozenset(Role)
_WITH_PICTURES = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
_CHECKING = frozenset({Role.AUDITOR, Role.ADMIN})
_ADMIN = frozenset({Role.ADMIN})
_HOUR = "?begin=2026-11-23T13:30:00Z&end=2026-11-23T14:30:00Z"
_CAMERA = {"camera": GATE.model_dump(mode="json")}


@dataclass(frozen=True)
class Rule:
    """Who may ask for a route, and how one asks.

    Attributes:
        roles: that may; None is everybody, without logging in.
        address: to ask for.
        body: to send.
        of_camera: whether it is about one camera at one site.
        for_tokens: whether API tokens may, too.
    """

    roles: frozenset[Role] | None
    address: str
    body: Any = None
    of_camera: bool = False
    for_tokens: bool = True

    def ask(self, client: httpx.Client, method: str, **how: Any) -> httpx.Response:
        return client.request(method, self.address, json=self.body, **how)


def _camera(roles: frozenset[Role], address: str, body: Any = None) -> Rule:
    return Rule(roles, address, body, of_camera=True)


RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Rule(None, "/healthz"),
    ("GET", "/public/{name}"): Rule(None, "/public/gate"),
    ("GET", "/login"): Rule(None, "/login"),
    ("POST", "/login"): Rule(None, "/login"),
    ("GET", "/join/{secret}"): Rule(None, "/join/none"),
    ("POST", "/join/{secret}"): Rule(None, "/join/none"),
    ("POST", "/api/v1/login"): Rule(None, "/api/v1/login"),
    ("GET", "/api/v1/openapi.json"): Rule(ALL, "/api/v1/openapi.json"),
    ("GET", "/metrics"): Rule(_CHECKING, "/metrics"),
    ("POST", "/api/v1/logout"): Rule(ALL, "/api/v1/logout", for_tokens=False),
    ("GET", "/api/v1/session"): Rule(ALL, "/api/v1/session", for_tokens=False),
    ("POST", "/api/v1/password"): Rule(ALL, "/api/v1/password", for_tokens=False),
    ("GET", "/api/v1/tokens"): Rule(ALL, "/api/v1/tokens", for_tokens=False),
    ("POST", "/api/v1/tokens"): Rule(ALL, "/api/v1/tokens", for_tokens=False),
    ("DELETE", "/api/v1/tokens/{token_id}"): Rule(ALL, "/api/v1/tokens/999", for_tokens=False),
    ("GET", "/api/v1/cameras"): Rule(ALL, "/api/v1/cameras"),
    ("POST", "/api/v1/cameras"): Rule(_ADMIN, "/api/v1/cameras", _CAMERA),
    ("GET", "/api/v1/cameras/{name}"): _camera(ALL, "/api/v1/cameras/gate"),
    ("PUT", "/api/v1/cameras/{name}"): _camera(_ADMIN, "/api/v1/cameras/gate", _CAMERA),
    ("DELETE", "/api/v1/cameras/{name}"): _camera(_ADMIN, "/api/v1/cameras/nosuch"),
    ("POST", "/api/v1/cameras/{name}/restart"): _camera(
        frozenset({Role.OPERATOR, Role.ADMIN}), "/api/v1/cameras/gate/restart"
    ),
    ("GET", "/api/v1/cameras/{name}/still.jpg"): _camera(_WITH_PICTURES, "/api/v1/cameras/gate/still.jpg"),
    ("POST", "/api/v1/camera-trials"): Rule(_ADMIN, "/api/v1/camera-trials", {"url": "rtsp://10.0.0.9/"}),
    ("POST", "/api/v1/camera-searches"): Rule(_ADMIN, "/api/v1/camera-searches"),
    ("POST", "/api/v1/camera-streams"): Rule(_ADMIN, "/api/v1/camera-streams", {"host": "10.0.0.9", "port": 80}),
    ("GET", "/api/v1/cameras/{name}/timeline"): _camera(ALL, f"/api/v1/cameras/gate/timeline{_HOUR}"),
    ("GET", "/api/v1/cameras/{name}/segments"): _camera(_WITH_PICTURES, f"/api/v1/cameras/gate/segments{_HOUR}"),
    ("GET", "/api/v1/segments/{segment_id}"): _camera(_WITH_PICTURES, "/api/v1/segments/1"),
    ("GET", "/api/v1/cameras/{name}/export"): _camera(
        frozenset({Role.OPERATOR, Role.ADMIN}), f"/api/v1/cameras/gate/export{_HOUR}"
    ),
    ("GET", "/api/v1/storage"): Rule(_CHECKING, "/api/v1/storage"),
    ("GET", "/api/v1/erasures"): Rule(_CHECKING, "/api/v1/erasures"),
    ("GET", "/api/v1/accounts"): Rule(_CHECKING, "/api/v1/accounts"),
    ("POST", "/api/v1/accounts/invitations"): Rule(
        _ADMIN, "/api/v1/accounts/invitations", {"role": "viewer"}, for_tokens=False
    ),
    ("POST", "/api/v1/accounts/{name}/password-link"): Rule(
        _ADMIN, "/api/v1/accounts/nosuch/password-link", for_tokens=False
    ),
    ("PUT", "/api/v1/accounts/{name}"): Rule(_ADMIN, "/api/v1/accounts/nosuch", {"role": "viewer"}, for_tokens=False),
    ("DELETE", "/api/v1/accounts/{name}"): Rule(_ADMIN, "/api/v1/accounts/nosuch", for_tokens=False),
    ("GET", "/api/v1/log"): Rule(_CHECKING, "/api/v1/log"),
}
SOCKETS = {"/api/v1/cameras/{name}/live": _WITH_PICTURES}
TOWN_WIDE = {"/api/v1/accounts", "/api/v1/log"}

CLOSED = [route for route, rule in RULES.items() if rule.roles is not None]


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of all of them; a WebSocket's method is WS."""
    for route in app.routes:
        for method in sorted(getattr(route, "methods", None) or {"WS"}):
            if method != "HEAD":
                yield method, getattr(route, "path", "")

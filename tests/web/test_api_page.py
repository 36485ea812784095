"""The page of the interface names every route, what it needs, and what it does, as the code says."""

from __future__ import annotations

import inspect
from pathlib import Path

from fastapi import FastAPI

from passerby.web.asking import API, permission_of
from passerby.web.limits import MOST_ADDRESS_BYTES, MOST_BODY_BYTES, MOST_HEADER_BYTES
from passerby.web.live_socket import SEND_S

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text("utf-8")


def test_every_route_stands_there_with_what_it_needs(app: FastAPI) -> None:
    table = PAGE[PAGE.index("| Route | Needs") :].split("\n\n")[0].splitlines()[2:]
    assert table == [_row(route) for route in app.routes if _is_told(getattr(route, "path", ""))]


def _is_told(path: str) -> bool:
    return path.startswith(API) and not path.endswith("/openapi.json")


def _row(route: object) -> str:
    path: str = route.path.removeprefix(API)  # type: ignore[attr-defined]
    method = next(iter(getattr(route, "methods", None) or ["GET"]))
    permission = permission_of(route)  # type: ignore[arg-type]
    if path.endswith("/live"):
        said = "Live pictures, over a WebSocket: see below."
    else:
        text = inspect.getdoc(route.endpoint) or ""  # type: ignore[attr-defined]
        said = " ".join(text.split("\n\n")[0].split())
    return f"| `{method} {path}` | {permission.value if permission else 'nothing'} | {said} |"


def test_numbers_are_those_of_the_code() -> None:
    assert (MOST_BODY_BYTES, MOST_ADDRESS_BYTES, MOST_HEADER_BYTES, SEND_S) == (64 << 10, 4 << 10, 16 << 10, 10.0)
    for said in ("body (64 KiB), address (4 KiB) or headers (16 KiB)", "after 10 seconds without taking"):
        assert said in PAGE

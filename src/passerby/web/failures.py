"""What is answered when something fails: a sentence and a hint, never what was sent and never a trace."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from passerby.errors import (
    AccountError,
    ArchiveError,
    CameraError,
    LoginPaused,
    LoginRefused,
    ModelError,
    OutputError,
    PasserbyError,
    SearchPaused,
    SettingsError,
)
from passerby.web.refusals import error_body

_log = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[PasserbyError], int], ...] = (
    (LoginPaused, 429),
    (SearchPaused, 429),
    (LoginRefused, 401),
    (AccountError, 422),
    (SettingsError, 422),
    (CameraError, 422),
    (ArchiveError, 503),
    (OutputError, 503),
    (ModelError, 503),
)
"""How an error of the engine is answered; any other one is a fault of passerby."""


def answer_failures(app: FastAPI) -> None:
    """Have every failure of the app's own routes answered like this."""
    app.add_exception_handler(PasserbyError, _of_engine)
    app.add_exception_handler(HTTPException, _of_request)
    app.add_exception_handler(RequestValidationError, _of_values)
    app.add_exception_handler(Exception, _unforeseen)


async def _of_engine(request: Request, error: Exception) -> Response:
    assert isinstance(error, PasserbyError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, LoginPaused | SearchPaused) else {}
    return _answer(status, error.message, error.hint, headers)


async def _of_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, str(error.detail), None, dict(error.headers or {}))


async def _of_values(request: Request, error: Exception) -> Response:
    """Names what is wrong, and never repeats it: it may be a password."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    said = str(first["msg"])
    return _answer(422, f"{where or 'the body'}: {said[:1].lower()}{said[1:]}", None, {})


async def _unforeseen(request: Request, error: Exception) -> Response:
    # The message may hold anything; its kind and the route are enough to find the trace that the server logs.
    _log.error("%s while answering %s", type(error).__name__, request.scope.get("path", "").split("/")[1:4])
    return _answer(500, "passerby has made a mistake; it was noted in the log", "please report it", {})


def _answer(status: int, message: str, hint: str | None, headers: dict[str, str]) -> Response:
    return JSONResponse(error_body(message, hint), status, headers)

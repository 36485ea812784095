"""What routes ask for: the network, the accounts, and a caller who may do that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, cast

from fastapi import Depends, Query
from pydantic import AwareDatetime
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from passerby.errors import SettingsError
from passerby.serve.accounts import Accounts
from passerby.serve.credentials import Credentials
from passerby.serve.network import Network
from passerby.serve.permissions import Caller, Permission
from passerby.serve.town import CameraSettings
from passerby.web.answers import ErrorAnswer
from passerby.web.refusals import POLICY_VIOLATION
from passerby.web.sessions import current_user

LONGEST_RANGE = timedelta(days=31)

API = "/api/v1"
"""Where the interface for programs is."""

ERRORS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorAnswer, "description": said}
    for status, said in {
        400: "the request cannot be read",
        401: "nobody is logged in",
        403: "not allowed, or another site asked for it",
        404: "there is no such thing, or none that the caller may see",
        413: "too large",
        422: "a value is not allowed",
        429: "too many at once, or too many tries; see Retry-After",
        503: "archive, disk or database cannot be used now",
    }.items()
}
"""What any route may answer instead."""


def _network(request: HTTPConnection) -> Network:
    return cast(Network, request.app.state.network)


def _accounts(request: HTTPConnection) -> Accounts:
    return cast(Accounts, request.app.state.accounts)


TheNetwork = Annotated[Network, Depends(_network)]
TheAccounts = Annotated[Accounts, Depends(_accounts)]


class Needs:
    """The caller, if allowed to do that; each route of the interface has one, or is named open."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: HTTPConnection) -> Caller:
        """Raises HTTPException 401 and 403; for a WebSocket, WebSocketException."""
        caller = current_user(request)
        if caller is not None and caller.may(self.permission):
            return caller
        refused = (
            (403, f"{caller.account} may not do this: {self.permission.value}")
            if caller
            else (401, "nobody is logged in")
        )
        if request.scope["type"] == "websocket":
            raise WebSocketException(POLICY_VIOLATION, refused[1][:100])
        raise HTTPException(*refused)


def permission_of(route: BaseRoute) -> Permission | None:
    """What a route asks for; None if it asks for nothing."""
    dependant = getattr(route, "dependant", None)
    calls = [dependency.call for dependency in dependant.dependencies] if dependant else []
    return next((call.permission for call in calls if isinstance(call, Needs)), None)


def camera_for(network: Network, caller: Caller, name: str) -> CameraSettings:
    """The settings of a camera, if it exists for the caller.

    Raises:
        HTTPException: 404; whether there is one at another site is not told.
    """
    for camera in network.town.camera:
        if camera.name == name and caller.sees(camera.site):
            return camera
    raise HTTPException(404, "there is no such camera")


def cameras_for(network: Network, caller: Caller) -> list[CameraSettings]:
    """All cameras that exist for the caller."""
    return [camera for camera in network.town.camera if caller.sees(camera.site)]


def add_camera_for(network: Network, caller: Caller, camera: CameraSettings, credentials: Credentials | None) -> None:
    """Add a camera to a site that the caller sees.

    Recordings outlast their camera, and are found by its name: who is held to some sites may not take one that has
    some, and see them.

    Raises:
        SettingsError: the camera cannot be added, or not under this name.
    """
    if caller.sites is not None and any(used.camera == camera.name for used in network.archive.usage()):
        raise SettingsError(
            f"there are recordings of another camera {camera.name}; nothing was added", hint="Choose another name"
        )
    network.add_camera(camera, credentials)


def checked_range(begin: datetime, end: datetime, longest: timedelta = LONGEST_RANGE) -> tuple[datetime, datetime]:
    """Both in UTC.

    Raises:
        HTTPException: 422, where the end is not after the beginning, or the range too long.
    """
    if not begin < end:
        raise HTTPException(422, "end is not after begin")
    if end - begin > longest:
        raise HTTPException(422, f"from begin to end it is more than {longest / timedelta(hours=1):g} hours")
    try:
        return begin.astimezone(UTC), end.astimezone(UTC)
    except OverflowError:
        raise HTTPException(422, "begin or end is too far away") from None


Begin = Annotated[AwareDatetime, Query(description="From when on: ISO 8601 with an offset or Z.")]
End = Annotated[AwareDatetime, Query(description="Until when, likewise.")]

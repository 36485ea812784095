"""Cameras: how they are, what they show now, and their settings."""

from __future__ import annotations

import base64
import threading
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from passerby.live import CameraStatus
from passerby.serve.credentials import Credentials
from passerby.serve.permissions import Caller, Permission
from passerby.serve.town import CameraSettings
from passerby.web.answers import Camera, CameraList, LookStream, Trial
from passerby.web.area_log import log_areas
from passerby.web.asking import API, ERRORS, Needs, TheAccounts, TheNetwork, add_camera_for, camera_for, cameras_for

router = APIRouter(prefix=API, tags=["cameras"], responses=ERRORS)

_OF_SETTINGS = (
    "name",
    "site",
    "enabled",
    "delay_s",
    "latitude",
    "longitude",
    "heading_deg",
    "angle_deg",
    "reach_m",
)
_OF_STATUS = ("state", "since", "why", "last_segment_at", "width", "height", "codec", "figures")

_trials = threading.BoundedSemaphore(2)
"""Each is a process with a detector of its own."""

_Sees = Annotated[Caller, Depends(Needs(Permission.CAMERAS))]
_Watches = Annotated[Caller, Depends(Needs(Permission.WATCH))]
_Restarts = Annotated[Caller, Depends(Needs(Permission.RESTART))]
_Edits = Annotated[Caller, Depends(Needs(Permission.EDIT_CAMERAS))]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class CameraBody(_Body):
    """A camera to add, or other settings for one; its user and password go in and never come out."""

    camera: CameraSettings
    username: str | None = Field(default=None, max_length=256, description="Null keeps what is stored.")
    password: str | None = Field(default=None, max_length=256, description="Likewise.")
    query: str | None = Field(
        default=None, max_length=1024, description="For cameras that want their secret in the address."
    )

    @property
    def credentials(self) -> Credentials | None:
        """Those to store, or None to keep what is stored."""
        if self.username is None and self.password is None and self.query is None:
            return None
        return Credentials(self.username or "", self.password or "", self.query or "")


class TrialBody(_Body):
    """A camera to try."""

    url: str = Field(max_length=2048, description="Without user and password.")
    username: str = Field(default="", max_length=256)
    password: str = Field(default="", max_length=256)
    transport: Literal["tcp", "udp"] = "tcp"
    look_url: str = Field(default="", max_length=2048, description="Of a smaller stream of it, or empty.")


@router.get("/cameras")
def list_cameras(network: TheNetwork, caller: _Sees) -> CameraList:
    """Cameras that the caller may see."""
    statuses = {status.name: status for status in network.statuses()}
    seen = cameras_for(network, caller)
    return CameraList(cameras=[_camera(one, statuses[one.name]) for one in seen if one.name in statuses])


@router.post("/cameras", status_code=201)
def add_camera(body: CameraBody, network: TheNetwork, accounts: TheAccounts, caller: _Edits) -> Camera:
    """Add a camera and start it."""
    _refuse_other_site(caller, body.camera.site)
    accounts.log.add(caller.account, "added a camera", body.camera.name)
    log_areas(accounts.log, caller.account, None, body.camera)
    add_camera_for(network, caller, body.camera, body.credentials)
    return _camera(body.camera, network.status(body.camera.name))


@router.get("/cameras/{name}")
def get_camera(name: str, network: TheNetwork, caller: _Sees) -> Camera:
    """One camera."""
    return _camera(camera_for(network, caller, name), _status(network, name))


@router.put("/cameras/{name}")
def edit_camera(name: str, body: CameraBody, network: TheNetwork, accounts: TheAccounts, caller: _Edits) -> Camera:
    """Give a camera other settings; its name stays. It starts anew."""
    before = camera_for(network, caller, name)
    _refuse_other_site(caller, body.camera.site)
    accounts.log.add(caller.account, "edited a camera", name)
    log_areas(accounts.log, caller.account, before, body.camera)
    network.edit_camera(name, body.camera, body.credentials)
    return _camera(body.camera, network.status(name))


@router.delete("/cameras/{name}", status_code=204)
def remove_camera(name: str, network: TheNetwork, accounts: TheAccounts, caller: _Edits) -> None:
    """Stop a camera and forget it. Its recordings stay until they are too old."""
    camera_for(network, caller, name)
    accounts.log.add(caller.account, "removed a camera", name)
    network.remove_camera(name)


@router.post("/cameras/{name}/restart", status_code=204)
def restart_camera(name: str, network: TheNetwork, accounts: TheAccounts, caller: _Restarts) -> None:
    """Finish the segment, and start the camera's process anew."""
    camera_for(network, caller, name)
    accounts.log.add(caller.account, "restarted a camera", name)
    network.restart_camera(name)


@router.get("/cameras/{name}/still.jpg", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
def get_still(name: str, network: TheNetwork, caller: _Watches) -> Response:
    """The last redacted picture, about a second old beside the delay; its time is in Last-Modified."""
    camera_for(network, caller, name)
    still = network.still(name)
    if still is None:
        raise HTTPException(404, "there is no picture of this camera yet")
    jpeg, at = still
    headers = {"Last-Modified": at.strftime("%a, %d %b %Y %H:%M:%S GMT"), "X-Picture-At": at.isoformat()}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.post("/camera-trials")
def try_camera(body: TrialBody, network: TheNetwork, accounts: TheAccounts, caller: _Edits) -> Trial:
    """Connect to a camera, look for some seconds, and say what was seen."""
    if not _trials.acquire(blocking=False):
        raise HTTPException(429, "other cameras are being tried; this one was not", headers={"Retry-After": "10"})
    try:
        accounts.log.add(caller.account, "tried a camera")
        trial = network.try_camera(body.url, body.username, body.password, body.transport, body.look_url)
    finally:
        _trials.release()
    return Trial(
        codec=trial.codec,
        width=trial.width,
        height=trial.height,
        rate_fps=trial.rate_fps,
        gop_s=trial.gop_s,
        clock_offset_s=trial.clock_offset_s,
        why_not_copied=trial.why_not_copied,
        covered=list(trial.covered),
        look=LookStream.model_validate(trial.look) if trial.look else None,
        still=base64.b64encode(trial.still).decode(),
    )


def _status(network: TheNetwork, name: str) -> CameraStatus:
    try:
        return network.status(name)
    except KeyError:  # removed meanwhile
        raise HTTPException(404, "there is no such camera") from None


def _refuse_other_site(caller: Caller, site: str) -> None:
    if not caller.sees(site):
        raise HTTPException(403, f"{caller.account} may not change cameras of that site")


def _camera(settings: CameraSettings, status: CameraStatus) -> Camera:
    told = {name: getattr(settings, name) for name in _OF_SETTINGS} | {
        name: getattr(status, name) for name in _OF_STATUS
    }
    return Camera.model_validate({**told, "title": settings.shown})

"""Cameras of the network that speak ONVIF: who answers, and what streams one of them offers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from passerby.serve.permissions import Caller, Permission
from passerby.web.answers import Answer
from passerby.web.asking import API, ERRORS, Needs, TheAccounts, TheNetwork

router = APIRouter(prefix=API, tags=["cameras"], responses=ERRORS)

_Finds = Annotated[Caller, Depends(Needs(Permission.FIND_CAMERAS))]


class StreamsBody(BaseModel):
    """A camera that answered, and how to get in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: str = Field(max_length=253, description="As the answer to a search says.")
    port: int = Field(ge=1, le=65535, description="Likewise.")
    username: str = Field(default="", max_length=256)
    password: str = Field(default="", max_length=256)


class FoundCamera(Answer):
    """A camera of the network that answered by ONVIF."""

    host: str
    port: int
    name: str = Field(description="As it calls itself, or empty.")
    hardware: str = Field(description="Its model as it says, or empty.")


class FoundCameraList(Answer):
    """By address; empty where none answered."""

    cameras: list[FoundCamera]


class OfferedStream(Answer):
    """A stream that a camera offers."""

    url: str = Field(description="Without user and password; to add the camera with.")
    profile: str = Field(description="What the camera calls it.")
    codec: str = Field(description="Empty where the camera does not tell.")
    width: int = Field(description="In pixels, 0 where the camera does not tell.")
    height: int


class OfferedStreamList(Answer):
    """The largest picture first."""

    streams: list[OfferedStream]


@router.post("/camera-searches")
def find_cameras(network: TheNetwork, accounts: TheAccounts, caller: _Finds) -> FoundCameraList:
    """Ask the local network for cameras (ONVIF), and wait some seconds for answers."""
    accounts.log.add(caller.account, "searched for cameras")
    return FoundCameraList(cameras=[FoundCamera.model_validate(camera) for camera in network.finder.find()])


@router.post("/camera-streams")
def list_streams(body: StreamsBody, network: TheNetwork, accounts: TheAccounts, caller: _Finds) -> OfferedStreamList:
    """What streams a camera offers that answered a search within the last quarter of an hour; nobody else is asked."""
    accounts.log.add(caller.account, "asked a camera for its streams")
    streams = network.finder.streams(body.host, body.port, body.username, body.password)
    return OfferedStreamList(streams=[OfferedStream.model_validate(stream) for stream in streams])

"""The disk: what recordings take, and what was erased."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from passerby.serve.permissions import Caller, Permission
from passerby.web.answers import ErasureEntry, ErasureList, Storage, Usage
from passerby.web.asking import API, ERRORS, Needs, TheNetwork, cameras_for

router = APIRouter(prefix=API, tags=["storage"], responses=ERRORS)

_Sees = Annotated[Caller, Depends(Needs(Permission.STORAGE))]


@router.get("/storage")
def get_storage(network: TheNetwork, caller: _Sees) -> Storage:
    """Free disk space, and what each camera's recordings take."""
    usage = [Usage.model_validate(one) for one in network.archive.usage() if _is_seen(network, caller, one.camera)]
    return Storage(
        free_bytes=network.archive.free_bytes(),
        floor_bytes=round(network.town.floor_gb * 1e9),
        trouble=network.erasing_trouble,
        cameras=usage,
    )


@router.get("/erasures")
def list_erasures(network: TheNetwork, caller: _Sees, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> ErasureList:
    """What was erased of late: of the latest `limit` erasures, those of cameras that the caller may see."""
    found = [one for one in network.archive.erasures(limit) if _is_seen(network, caller, one.camera)]
    return ErasureList(erasures=[ErasureEntry.model_validate(one) for one in found])


def _is_seen(network: TheNetwork, caller: Caller, camera: str) -> bool:
    """Cameras that were removed belong to no site any more: whoever sees the whole town sees them."""
    return caller.sites is None or any(known.name == camera for known in cameras_for(network, caller))

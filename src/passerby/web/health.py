"""Whether the server does its work, for who watches over it: yes or no, and nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Response

from passerby.errors import PasserbyError
from passerby.web.answers import Health
from passerby.web.asking import TheAccounts, TheNetwork

router = APIRouter(tags=["figures"])


@router.get("/healthz", responses={503: {"model": Health, "description": "It does not."}})
def get_health(response: Response, network: TheNetwork, accounts: TheAccounts) -> Health:
    """Whether catalogue, disk and accounts answer. A lost camera is not the server's fault; see `/metrics`."""
    try:
        network.statuses()
        network.archive.erasures(1)
        network.archive.free_bytes()
        accounts.everyone()
    except (PasserbyError, OSError):
        response.status_code = 503
        return Health(status="not ok")
    return Health(status="ok")

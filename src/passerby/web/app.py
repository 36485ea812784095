"""The server that people and programs talk to: routes behind the gate, the gate behind the limits."""

from __future__ import annotations

from importlib import import_module

from fastapi import FastAPI

from passerby import __version__
from passerby.serve.accounts import Accounts
from passerby.serve.network import Network
from passerby.web import (
    api_accounts,
    api_cameras,
    api_finding,
    api_login,
    api_recordings,
    api_storage,
    entry_pages,
    health,
    live_socket,
    metrics,
    public_page,
)
from passerby.web.asking import API, permission_of
from passerby.web.exporting import forget_exports
from passerby.web.failures import answer_failures
from passerby.web.guards import OPEN, Gate
from passerby.web.headers import SecurityHeaders
from passerby.web.limits import Limits

_PARTS = (
    api_login,
    api_cameras,
    api_finding,
    api_recordings,
    api_storage,
    api_accounts,
    live_socket,
    metrics,
    health,
    public_page,
    entry_pages,
)
_OPENAPI = f"{API}/openapi.json"


def create_app(network: Network, accounts: Accounts) -> FastAPI:
    """Everything that `passerby serve` answers, pages included.

    One server has one of them: the pages of NiceGUI are there once for each process.
    """
    app = create_api(network, accounts)
    import_module("passerby.web.pages").mount(app, network, accounts)
    return app


def create_api(network: Network, accounts: Accounts) -> FastAPI:
    """The same without pages."""
    app = FastAPI(
        title="passerby",
        version=__version__,
        summary="A camera network in which everyone stays a passer-by.",
        openapi_url=_OPENAPI,
        docs_url=None,  # its scripts would come from elsewhere
        redoc_url=None,
    )
    app.state.network, app.state.accounts, app.state.viewers = network, accounts, set()
    answer_failures(app)
    for part in _PARTS:
        app.router.routes.extend(part.router.routes)
    _refuse_unguarded(app)
    # The last one added is the first that a request meets.
    app.add_middleware(Gate, accounts=accounts, local_metrics=lambda: network.town.metrics_from_localhost)
    app.add_middleware(Limits)
    app.add_middleware(SecurityHeaders, tiles_url=lambda: network.town.tiles_url)
    forget_exports(network.archive.folder)
    return app


def _refuse_unguarded(app: FastAPI) -> None:
    """A route that asks for no permission is a mistake, unless it is one of those that are open."""
    for route in app.routes:
        path = getattr(route, "path", "")
        if permission_of(route) is None and not OPEN.fullmatch(path) and path != _OPENAPI:
            raise RuntimeError(f"{path} asks for no permission")

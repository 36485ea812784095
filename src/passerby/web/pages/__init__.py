"""The pages: NiceGUI on the application of `web.app`, with pictures that go past it in scripts of our own."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from nicegui import core, ui
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from passerby.serve.accounts import Accounts
from passerby.serve.network import Network
from passerby.web.pages import account, cameras, live, playback, storage, town_map
from passerby.web.pages import accounts as all_accounts
from passerby.web.pages.layout import OWN, PLACES, STATIC, add_home, add_page

# Somebody without a face.
_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0b5c4a"/>
<path d="M7 27c0-6 4-9 9-9s9 3 9 9" fill="#fff"/>
<rect x="10" y="6" width="12" height="10" rx="2" fill="#7fd6be"/>
</svg>"""
_BUILT = (live.build, playback.build, town_map.build, cameras.build, storage.build, all_accounts.build)


class _Scripts(StaticFiles):
    """Our scripts and styles. Browsers ask each time whether they have changed, so that no page runs old ones."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount(app: FastAPI, network: Network, accounts: Accounts) -> None:
    """Add the pages to the application, below everything that it has by now.

    NiceGUI is one application in a process: pages that were mounted before make room for these.
    """
    app.mount(STATIC, _Scripts(directory=Path(__file__).parent / "static"), name="pages-static")
    for place, build in zip(PLACES, _BUILT, strict=True):
        add_page(place, build, network, accounts)
    add_page(OWN, account.build, network, accounts)
    add_home(network, accounts)
    core.app.user_middleware.clear()
    core.app.middleware_stack = None
    # No Tailwind: it compiles styles in the browser, and these pages have their own. Dark or light is up to scheme.js.
    ui.run_with(app, title=network.town.title, favicon=_ICON, dark=None, tailwind=False, show_welcome_message=False)

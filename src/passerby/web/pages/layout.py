"""The frame around every page: where one can go, who one is, dark or light."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nicegui import ui
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from passerby.serve.accounts import Accounts
from passerby.serve.network import Network
from passerby.serve.permissions import Permission
from passerby.web.pages.markup import box, icon, words
from passerby.web.pages.visit import ALIVE_S, Visit

STATIC = "/static/pages"
_SCHEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the row of pages.

    Attributes:
        path: of the page.
        title: on it, and of the link to it.
        picture: name of the link's icon.
        needs: who is allowed none of these does not see it.
        pictures: they want all the room, so that the title is only read aloud.
    """

    path: str
    title: str
    picture: str
    needs: tuple[Permission, ...]
    pictures: bool = False

    def open_to(self, visit: Visit) -> bool:
        """Whether the caller may go there."""
        return any(visit.may(permission) for permission in self.needs)


PLACES = (
    Place("/live", "Live", "videocam", (Permission.WATCH,), pictures=True),
    Place("/playback", "Playback", "history", (Permission.PLAY,), pictures=True),
    Place("/map", "Map", "map", (Permission.CAMERAS,)),
    Place("/cameras", "Cameras", "tune", (Permission.RESTART, Permission.EDIT_CAMERAS, Permission.STORAGE)),
    Place("/storage", "Storage", "storage", (Permission.STORAGE,)),
    Place("/accounts", "Accounts", "group", (Permission.ACCOUNTS,)),
)
OWN = Place("/account", "Your account", "person", (Permission.OWN,))


def add_page(place: Place, build: Callable[[Visit], None], network: Network, accounts: Accounts) -> None:
    """Make a place a page: for who is logged in and may see it, and nobody else."""

    @ui.page(place.path)
    def page(request: Request) -> Response | None:
        visit = Visit.of(request, network, accounts)
        if visit is None:
            return RedirectResponse("/login", 303)
        if not place.open_to(visit):
            return HTMLResponse("<!doctype html><title>Not for you</title><p>Your account may not see this page.", 403)
        ui.page_title(f"{place.title} · {network.town.title}")
        with _framed(visit, place):
            build(visit)
        return None


def add_home(network: Network, accounts: Accounts) -> None:
    """`/` is the first place that is open to who comes."""

    @ui.page("/")
    def home(request: Request) -> Response:
        visit = Visit.of(request, network, accounts)
        if visit is None:
            return RedirectResponse("/login", 303)
        return RedirectResponse(next(place.path for place in (*PLACES, OWN) if place.open_to(visit)), 303)


def add_module(name: str) -> None:
    """Load one of the scripts of `static/` on this page."""
    ui.add_body_html(f'<script type="module" src="{STATIC}/{name}"></script>')


@contextmanager
def _framed(visit: Visit, here: Place) -> Iterator[None]:
    ui.add_head_html(f'<script src="{STATIC}/scheme.js"></script>')
    ui.add_head_html(f'<link rel="stylesheet" href="{STATIC}/passerby.css">')
    ui.add_head_html(f'<meta name="form-token" content="{visit.caller.form_token}">')
    add_module("frame.js")
    with ui.header(fixed=False):
        _header(visit, here)
    content = ui.context.client.content
    ui.skip_link("Skip to the content", target=content)
    words("h1", here.title, "unseen" if here.pictures else "")
    yield
    ui.timer(ALIVE_S, lambda: visit.alive() and None)


def _header(visit: Visit, here: Place) -> None:
    words("a", visit.network.town.title, "brand", href="/")
    with box("nav", "places", aria_label="Pages"):
        for place in PLACES:
            if place.open_to(visit):
                _link(place, here)
    with box("div", "person"):
        _scheme_switch()
        name = f"{OWN.title}: {visit.caller.account}"
        with box("a", "plain", href=OWN.path, aria_label=name, title=name):
            icon(OWN.picture)
        with box("button", "plain", type="button", aria_label="Log out", title="Log out", data_log_out=""):
            icon("logout")


def _link(place: Place, here: Place) -> None:
    current = {"aria_current": "page"} if place is here else {}
    with box("a", href=place.path, **current):
        icon(place.picture)
        words("span", place.title)


def _scheme_switch() -> None:
    with box("select", "plain", data_scheme_switch="", aria_label="Dark or light"):
        for value, text in _SCHEMES:
            words("option", text, value=value)

"""Cameras of the network: who answers, what it offers, and which of that goes into the form of a new camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nicegui import run, ui

from passerby.errors import PasserbyError
from passerby.read.onvif import FoundCamera, StreamAddress
from passerby.serve.permissions import Permission
from passerby.web.pages.camera_fields import choice, secret
from passerby.web.pages.camera_form import Given
from passerby.web.pages.dialogs import is_gone, put_away
from passerby.web.pages.markup import box, button, words
from passerby.web.pages.visit import Visit

_NOBODY = (
    "No camera answered. Cameras of other networks do not hear the question, and some want ONVIF switched on first. "
    "Any camera can be added by its address."
)
_LEAST_WIDTH = 640
"""Of a smaller stream in which heads can still be found."""

T = TypeVar("T")


class CameraSearch:
    """One dialog in three steps: who answers; user and password; which streams."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        with ui.dialog().props("persistent") as self._dialog, ui.card():
            words("h2", "Find cameras")
            self._step = box("div", "step")
            self._trouble = words("p", "", "trouble", role="alert")
            self._busy = words("p", "", "quiet", role="status")
            with box("div", "line"):
                button("Cancel", lambda: self._dialog.submit(None))

    async def asked(self) -> Given | None:
        """Show it, and give what was chosen for the form; None for nothing."""
        ui.timer(0, self._search, once=True)
        chosen: Given | None = await self._dialog
        put_away(self._dialog)
        return chosen

    async def _search(self) -> None:
        self._step.clear()
        busy = "Asking the network for cameras, for some seconds ..."
        found = await self._ask("searched for cameras", busy, self._visit.network.finder.find)
        if is_gone(self._dialog):
            return
        self._step.clear()
        with self._step:
            if found is not None:
                words("p", "These answered. Choose one." if found else _NOBODY, role="status")
            for camera in found or ():
                told = " · ".join(part for part in (camera.name, camera.hardware) if part)
                button(f"{camera.host} {told and f'({told})'}".rstrip(), self._chooser(camera))
            with box("div", "line"):
                button("Ask again", self._search)

    def _chooser(self, camera: FoundCamera) -> Callable[[], None]:
        return lambda: self._enter(camera)

    def _enter(self, camera: FoundCamera) -> None:
        self._step.clear()
        self._trouble.set_text("")
        with self._step:
            words(
                "p", f"{camera.host}: who may ask it for its streams? Some cameras have users of their own for ONVIF."
            )
            with box("div", "pair"):
                user, password = secret("User", "", hidden=False), secret("Password", "")

            async def ask() -> None:
                await self._list(camera, str(user.value or "").strip(), str(password.value or ""))

            with box("div", "line"):
                button("Ask for its streams", ask, "main")
                button("Back", self._search)
        user.run_method("focus")

    async def _list(self, camera: FoundCamera, username: str, password: str) -> None:
        finder = self._visit.network.finder

        def streams() -> list[StreamAddress]:
            return finder.streams(camera.host, camera.port, username, password)

        found = await self._ask("asked a camera for its streams", f"Asking {camera.host} ...", streams)
        if found and not is_gone(self._dialog):
            self._choose(found, username, password)

    def _choose(self, streams: list[StreamAddress], username: str, password: str) -> None:
        self._step.clear()
        named = {stream.url: _in_words(stream) for stream in streams}
        with self._step:
            words("p", "Which stream is recorded, and which smaller one may be looked at, to spare this machine?")
            main = choice("Recorded", named, streams[0].url)
            look = choice("Looked at", {"": "the same one", **named}, _smaller(streams))

            def use() -> None:
                second = look.value if look.value != main.value else ""
                self._dialog.submit(Given(main.value, second, username, password))

            with box("div", "line"):
                button("Use these", use, "main")

    async def _ask(self, action: str, busy: str, ask: Callable[[], T]) -> T | None:
        """What was answered; None after saying why there is nothing."""
        if not self._visit.may_now(Permission.FIND_CAMERAS):
            return None
        self._say(busy=busy)

        def logged() -> T:
            self._visit.accounts.log.add(self._visit.caller.account, action)
            return ask()

        try:
            answer = await run.io_bound(logged)
        except PasserbyError as error:
            self._say(f"{error.message}. {error.hint or ''}".strip())
            return None
        self._say()
        return answer

    def _say(self, trouble: str = "", busy: str = "") -> None:
        if not is_gone(self._dialog):
            self._trouble.set_text(trouble)
            self._busy.set_text(busy)


def _in_words(stream: StreamAddress) -> str:
    size = f"{stream.width} x {stream.height}" if stream.width else "size not told"
    return ", ".join(part for part in (stream.profile, size, stream.codec) if part)


def _smaller(streams: list[StreamAddress]) -> str:
    """The smallest that is large enough to look at, of those that are smaller than the first; "" for none."""
    main = streams[0]
    smaller = [stream for stream in streams if 0 < stream.width < main.width and stream.url != main.url]
    fit = [stream for stream in smaller if stream.width >= _LEAST_WIDTH]
    return fit[-1].url if fit else ""

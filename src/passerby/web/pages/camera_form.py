"""The form of one camera. Its stored address and password are never shown; empty fields leave them as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from nicegui import run, ui
from nicegui.elements.mixins.value_element import ValueElement
from pydantic import ValidationError

from passerby.errors import PasserbyError
from passerby.serve.credentials import Credentials
from passerby.serve.network import CameraTrial
from passerby.serve.permissions import Permission
from passerby.serve.town import PLAIN_SITE, CameraSettings
from passerby.settings import Covered
from passerby.web.asking import add_camera_for
from passerby.web.pages.camera_trial import show_trial
from passerby.web.pages.dialogs import put_away
from passerby.web.pages.markup import box, button, told, words
from passerby.web.pages.visit import Visit

_SECRETS = {"username": "User", "password": "Password", "query": "Secret part of the address, after the ?"}
_STYLES = {"fill": "the colour around it", "black": "black", "frost": "a soft look, made of what is around it"}
_KEPT = {
    "delay_s": "Delay in seconds; a head found late is covered in it",
    "segment_s": "Length of stored files in seconds",
    "retention_h": "Kept for so many hours; over 720 needs a reason",
    "quota_gb": "At most so many GB; empty: no limit",
}
_PLACE = {
    "latitude": "Latitude in degrees",
    "longitude": "Longitude in degrees",
    "heading_deg": "Looks towards; 0 is north, 90 east",
    "angle_deg": "Sees how wide, in degrees",
    "reach_m": "Sees how far, in metres",
}
_PUBLIC = {"operator": "Who runs it", "purpose": "What it is for", "contact": "Whom to ask"}
_LOOK = "outlined dense hide-bottom-space"


class CameraForm:
    """One dialog: to add a camera, or to change one."""

    def __init__(self, visit: Visit, camera: CameraSettings | None) -> None:
        self._visit, self._camera = visit, camera
        self._fields: dict[str, ValueElement[Any]] = {}
        with ui.dialog().props("persistent") as self._dialog, ui.card():
            words("h2", f"Edit {camera.shown}" if camera else "Add a camera")
            self._connection()
            self._more(camera or CameraSettings(name="camera", url="demo:"))
            self._trouble = words("p", "", "trouble", role="alert")
            with box("div", "line"):
                button("Save", self._save, "main")
                button("Try it", self._try)
                button("Cancel", lambda: self._dialog.submit(False))

    async def asked(self) -> bool:
        """Show it, and say whether something was saved."""
        saved = bool(await self._dialog)
        put_away(self._dialog)
        return saved

    def _connection(self) -> None:
        camera = self._camera
        with box("div", "pair"):
            if camera is None:
                self._text("name", "Name: a-z, 0-9 and -", "")
            self._text("title", "Title, as people read it", camera.title if camera else "")
            sites = self._sites()
            self._choice("site", "Site", sites, camera.site if camera else sites[0])
            self._choice(
                "transport", "How RTSP carries pictures", ["tcp", "udp"], camera.transport if camera else "tcp"
            )
        kept = "empty: as it is stored" if camera else "rtsp://, rtsps://, http://, /dev/video0 or demo:"
        self._text("url", f"Address without password ({kept})", "")
        with box("div", "pair"):
            for name, label in _SECRETS.items():
                # A browser must neither fill in who uses this page, nor remember what a camera wants to know.
                field = ui.input(label, password=name != "username")
                self._fields[name] = field.props(f'{_LOOK} autocomplete="new-password"')
        if camera:
            words("p", "What is stored is not shown. Leave all three empty to keep it.", "quiet")

    def _more(self, shown: CameraSettings) -> None:
        self._fields["enabled"] = ui.checkbox("Connected and recorded", value=shown.enabled)
        with _folded("What is covered"):
            self._choice("cover", "Covered", list(get_args(Covered)), list(shown.cover), multiple=True)
            self._choice("style", "How it is covered", _STYLES, shown.style)
        with _folded("Recording"):
            self._numbers(_KEPT, shown)
            self._text("retention_reason", "Why it is kept for so long", shown.retention_reason)
        with _folded("Place on the map"):
            self._numbers(_PLACE, shown)
        with _folded("Public page"):
            for name, label in _PUBLIC.items():
                self._text(name, label, getattr(shown, name))

    def _sites(self) -> Sequence[str]:
        """Those of the town that the caller sees; the plain one where it names none."""
        known = dict.fromkeys([*self._visit.network.town.sites, PLAIN_SITE])
        return [site for site in known if self._visit.caller.sees(site)] or [PLAIN_SITE]

    def _text(self, name: str, label: str, value: str) -> None:
        self._fields[name] = ui.input(label, value=value).props(_LOOK)

    def _numbers(self, labels: dict[str, str], shown: CameraSettings) -> None:
        for name, label in labels.items():
            self._fields[name] = ui.number(label, value=getattr(shown, name)).props(_LOOK)

    def _choice(self, name: str, label: str, options: Any, value: Any, *, multiple: bool = False) -> None:
        self._fields[name] = ui.select(options, label=label, value=value, multiple=multiple).props(_LOOK)

    def _typed(self, name: str) -> str:
        return str(self._fields[name].value or "").strip()

    def _settings(self) -> CameraSettings | None:
        """What was typed over what is stored, or None after saying what is wrong with it."""
        typed = {name: field.value for name, field in self._fields.items() if name not in _SECRETS}
        if self._camera and not self._typed("url"):
            del typed["url"]
        stored = self._camera.model_dump() if self._camera else {}
        try:
            return CameraSettings(**{**stored, **typed})
        except ValidationError as error:
            self._trouble.set_text(
                "; ".join(_in_words(each) for each in error.errors(include_input=False, include_url=False))
            )
            return None

    async def _save(self) -> None:
        visit, camera, settings = self._visit, self._camera, self._settings()
        # Whoever is held to some sites may neither take a camera from another one nor give it away.
        sites = {each.site for each in (camera, settings) if each}
        if settings is None or not all(visit.may_now(Permission.EDIT_CAMERAS, site) for site in sites):
            return
        given = Credentials(*(self._typed(name) for name in _SECRETS))
        credentials = given if given != Credentials() else None
        if camera:
            done = await visit.do(
                "edited a camera", camera.name, lambda: visit.network.edit_camera(camera.name, settings, credentials)
            )
        else:
            done = await visit.do(
                "added a camera",
                settings.name,
                lambda: add_camera_for(visit.network, visit.caller, settings, credentials),
            )
        if done:
            told(f"{settings.shown} was saved")
            self._dialog.submit(True)

    async def _try(self) -> None:
        if not self._typed("url"):
            self._trouble.set_text("To try it, write the address; what is stored is not used for that")
            return
        if not self._visit.may_now(Permission.EDIT_CAMERAS):
            return
        self._trouble.set_text("Connecting, and looking for some seconds ...")
        try:
            trial = await run.io_bound(self._tried)
        except PasserbyError as error:
            self._trouble.set_text(f"{error.message}. {error.hint or ''}".strip())
            return
        self._trouble.set_text("")
        if trial is not None:
            await show_trial(trial)

    def _tried(self) -> CameraTrial:
        self._visit.accounts.log.add(self._visit.caller.account, "tried a camera")
        address = (self._typed(name) for name in ("url", "username", "password", "transport"))
        return self._visit.network.try_camera(*address)


def _folded(title: str) -> ui.element:
    with ui.expansion(title).classes("folded"):
        return box("div", "pair")


def _in_words(error: Any) -> str:
    """One sentence of Pydantic, without what was typed: it may hold a password."""
    where = ".".join(str(part) for part in error["loc"])
    allowed = "a to z, 0 to 9 and - are allowed" if error["type"] == "string_pattern_mismatch" else str(error["msg"])
    message = allowed.removeprefix("Value error, ")
    return f"{where}: {message}" if where else message

"""The form of one camera. Its stored address and password are never shown; empty fields leave them as they are."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import run, ui
from pydantic import ValidationError

from passerby.errors import PasserbyError
from passerby.serve.credentials import Credentials
from passerby.serve.network import CameraTrial
from passerby.serve.permissions import Permission
from passerby.serve.town import PLAIN_SITE, CameraSettings
from passerby.web.area_log import log_areas
from passerby.web.pages.camera_areas import AreaFields, still_of
from passerby.web.pages.camera_fields import NO_ADDRESS, Fields, add_folds, choice, note, secret, text, typed_settings
from passerby.web.pages.camera_trial import show_trial
from passerby.web.pages.dialogs import is_gone, put_away
from passerby.web.pages.markup import box, button, told, words
from passerby.web.pages.visit import Visit

_SECRETS = {"username": "User", "password": "Password", "query": "Secret part of the address, after the ?"}
_ADDRESSES = ("url", "look_url")


@dataclass(frozen=True, slots=True)
class Given:
    """What the fields of a new camera hold at first."""

    url: str = ""
    look_url: str = ""
    username: str = ""
    password: str = ""


class CameraForm:
    """One dialog: to add a camera, or to change one."""

    def __init__(self, visit: Visit, camera: CameraSettings | None, given: Given | None = None) -> None:
        self._visit, self._camera = visit, camera
        self._fields: Fields = {}
        shown = camera or CameraSettings(name="camera", url="demo:")
        with ui.dialog().props("persistent") as self._dialog, ui.card():
            words("h2", f"Edit {camera.shown}" if camera else "Add a camera")
            self._connection(given or Given())
            self._fields["enabled"] = ui.checkbox("Connected and recorded", value=shown.enabled)
            add_folds(self._fields, shown)
            self._areas = AreaFields(self._fields, shown, still_of(camera))
            self._trouble = words("p", "", "trouble", role="alert")
            self._busy = words("p", "", "quiet", role="status")
            with box("div", "line"):
                button("Save", self._save, "main")
                button("Try it", self._try)
                button("Cancel", lambda: self._dialog.submit(False))

    async def asked(self) -> bool:
        """Show it, and say whether something was saved."""
        saved = bool(await self._dialog)
        put_away(self._dialog)
        return saved

    def _connection(self, given: Given) -> None:
        camera, fields = self._camera, self._fields
        with box("div", "pair"):
            if camera is None:
                fields["name"] = text("Name: a-z, 0-9 and -", "")
            fields["title"] = text("Title, as people read it", camera.title if camera else "")
            sites = self._sites()
            fields["site"] = choice("Site", sites, camera.site if camera else sites[0])
            way = camera.transport if camera else "tcp"
            fields["transport"] = choice("How RTSP carries pictures", ["tcp", "udp"], way)
        kept = "Empty: as it is stored" if camera else "rtsp://, rtsps://, http://, https://, /dev/video0 or demo:"
        fields["url"] = text("Address without password", given.url, kept)
        fields["look_url"] = text("A second, smaller stream to look at", given.look_url, self._second())
        with box("div", "pair"):
            for name, label in _SECRETS.items():
                fields[name] = secret(label, getattr(given, name, ""), hidden=name != "username")
        if camera:
            note("What is stored is not shown. Leave user, password and secret part empty to keep them.")

    def _second(self) -> str:
        if self._camera and self._camera.look_url:
            return f"Empty: as it is stored; {NO_ADDRESS}: none. Another address above forgets it"
        return "Of the same camera, to spare this machine; empty: none"

    def _sites(self) -> Sequence[str]:
        """Those of the town that the caller sees; the plain one where it names none."""
        known = dict.fromkeys([*self._visit.network.town.sites, PLAIN_SITE])
        return [site for site in known if self._visit.caller.sees(site)] or [PLAIN_SITE]

    def _typed(self, name: str) -> str:
        return str(self._fields[name].value or "").strip()

    def _settings(self) -> CameraSettings | None:
        """What was typed over what is stored, or None after saying what is wrong with it."""
        typed = typed_settings({name: field for name, field in self._fields.items() if name not in _SECRETS})
        typed |= self._areas.typed()
        stored = self._camera.model_dump() if self._camera else {}
        try:
            return CameraSettings(**{**stored, **typed, **self._addresses()})
        except ValidationError as error:
            self._say("; ".join(_in_words(each) for each in error.errors(include_input=False, include_url=False)))
            return None

    def _say(self, trouble: str = "", busy: str = "") -> None:
        if not is_gone(self._dialog):
            self._trouble.set_text(trouble)
            self._busy.set_text(busy)

    def _addresses(self) -> dict[str, str]:
        """A second stream of what was another camera before must not say what is covered in this one."""
        typed = {name: self._typed(name) for name in _ADDRESSES}
        if self._camera and not typed["url"]:
            typed["url"] = self._camera.url
            typed["look_url"] = typed["look_url"] or self._camera.look_url
        return typed | ({"look_url": ""} if typed["look_url"] == NO_ADDRESS else {})

    async def _save(self) -> None:
        visit, camera, settings = self._visit, self._camera, self._settings()
        # Whoever is held to some sites may neither take a camera from another one nor give it away.
        sites = {each.site for each in (camera, settings) if each}
        if settings is None or not all(visit.may_now(Permission.EDIT_CAMERAS, site) for site in sites):
            return
        given = Credentials(*(self._typed(name) for name in _SECRETS))
        credentials = given if given != Credentials() else None

        def save() -> None:
            log_areas(visit.accounts.log, visit.caller.account, camera, settings)
            if camera:
                visit.network.edit_camera(camera.name, settings, credentials)
            else:
                visit.network.add_camera(settings, credentials)

        self._say(busy="Saving; a camera that runs finishes its file first ..." if camera else "Saving ...")
        done = await visit.do("edited a camera" if camera else "added a camera", settings.name, save)
        self._say()
        if done:
            told(f"{settings.shown} was saved")
            self._dialog.submit(True)

    async def _try(self) -> None:
        if not self._typed("url"):
            self._say("To try it, write the address; what is stored is not used for that")
            return
        if not self._visit.may_now(Permission.EDIT_CAMERAS):
            return
        self._say(busy="Connecting, and looking for some seconds ...")
        try:
            trial = await run.io_bound(self._tried)
        except PasserbyError as error:
            self._say(f"{error.message}. {error.hint or ''}".strip())
            return
        self._say()
        if trial is not None and not is_gone(self._dialog):
            self._areas.show(f"data:image/jpeg;base64,{b64encode(trial.still).decode()}")
            await show_trial(trial)

    def _tried(self) -> CameraTrial:
        self._visit.accounts.log.add(self._visit.caller.account, "tried a camera")
        url, username, password, transport = map(self._typed, ("url", "username", "password", "transport"))
        look_url = self._addresses()["look_url"]
        return self._visit.network.try_camera(url, username, password, transport, look_url)


def _in_words(error: Any) -> str:
    """One sentence of Pydantic, without what was typed: it may hold a password."""
    where = ".".join(str(part) for part in error["loc"])
    allowed = "a to z, 0 to 9 and - are allowed" if error["type"] == "string_pattern_mismatch" else str(error["msg"])
    message = allowed.removeprefix("Value error, ")
    return f"{where}: {message}" if where else message

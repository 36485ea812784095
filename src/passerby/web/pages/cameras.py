"""Cameras: how each is, in words and figures, and what may be done about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from nicegui import ui

from passerby.live import CameraState, CameraStatus
from passerby.serve.permissions import Permission
from passerby.serve.town import CameraSettings
from passerby.web.pages.amounts import ago, seconds, share
from passerby.web.pages.camera_form import CameraForm
from passerby.web.pages.camera_search import CameraSearch
from passerby.web.pages.dialogs import ask_first
from passerby.web.pages.layout import add_module
from passerby.web.pages.markup import Words, box, button, cell, panel, table, told, words
from passerby.web.pages.visit import Visit

POLL_S = 2.0
_HEADINGS = ("Camera", "State", "Frames", "Delay", "Covered", "Last recording", "What is wrong", "To do")


class CameraRow:
    """One camera in the table. Its texts change in place, so that nobody loses the button under the finger."""

    def __init__(self, visit: Visit, camera: CameraSettings, changed: Callable[[], object]) -> None:
        self._visit, self._camera, self._changed = visit, camera, changed
        with box("tr", data_camera=camera.name):
            self._name()
            with cell("State"):
                self._state = words("span", "", "state")
            self._figures = {heading: cell(heading, classes="number") for heading in _HEADINGS[2:5]}
            self._last = cell("Last recording")
            self._why = cell("What is wrong")
            with cell("To do"), box("div", "line deeds"):
                self._buttons()

    def show(self, status: CameraStatus) -> None:
        """The latest figures."""
        figures, moving = status.figures, status.state in (CameraState.LIVE, CameraState.DEGRADED)
        _set(self._state, str(status.state))
        self._state.props["data-state"] = str(status.state)
        texts = (f"{figures.fps:.1f} fps", seconds(figures.delay_s), share(figures.covered_share))
        for word, text in zip(self._figures.values(), texts, strict=True):
            _set(word, text if moving else "–")
        _set(self._last, ago(status.last_segment_at, datetime.now(UTC)) if status.last_segment_at else "none yet")
        _set(self._why, status.why)

    def _name(self) -> None:
        with cell("Camera"), box("div"):
            title = self._camera.shown
            words("strong", title)
            site = self._visit.network.town.site_title(self._camera.site)
            words("div", f"{self._camera.name} · {site}", "quiet")
            words("a", "Its public page", href=f"/public/{self._camera.name}", aria_label=f"{title}: its public page")

    def _buttons(self) -> None:
        visit, camera = self._visit, self._camera
        if visit.may(Permission.RESTART, camera.site):
            button("Restart", self._restart, aria_label=f"Restart {camera.shown}")
        if not visit.may(Permission.EDIT_CAMERAS, camera.site):
            return
        if visit.network.is_fixed(camera.name):
            words("span", "set in the file of the town", "quiet")
            return
        button("Edit", self._edit, aria_label=f"Edit {camera.shown}")
        button("Remove", self._remove, "danger", aria_label=f"Remove {camera.shown}")

    async def _restart(self) -> None:
        visit, name = self._visit, self._camera.name
        if not visit.may_now(Permission.RESTART, self._camera.site):
            return
        if await visit.do("restarted a camera", name, lambda: visit.network.restart_camera(name)):
            told(f"{self._camera.shown} finishes its segment and starts anew")

    async def _edit(self) -> None:
        if await CameraForm(self._visit, self._camera).asked():
            self._changed()

    async def _remove(self) -> None:
        visit, camera = self._visit, self._camera
        question = f"Remove {camera.shown}? Its recordings stay until their time is over."
        if not await ask_first(question, "Remove") or not visit.may_now(Permission.EDIT_CAMERAS, camera.site):
            return
        if await visit.do("removed a camera", camera.name, lambda: visit.network.remove_camera(camera.name)):
            told(f"{camera.shown} was removed")
            self._changed()


def build(visit: Visit) -> None:
    """The table, and the button to add a camera."""
    rows: dict[str, CameraRow] = {}

    @ui.refreshable
    def listed() -> None:
        rows.clear()
        if not visit.cameras():
            words("p", "There is none yet.", "quiet")
        with table("Cameras", _HEADINGS):
            rows.update({camera.name: CameraRow(visit, camera, listed.refresh) for camera in visit.cameras()})
        refresh()

    def refresh() -> None:
        for name, status in visit.statuses().items():
            if name in rows:
                rows[name].show(status)

    async def add() -> None:
        if await CameraForm(visit, None).asked():
            listed.refresh()

    async def find() -> None:
        given = await CameraSearch(visit).asked()
        if given and await CameraForm(visit, None, given).asked():
            listed.refresh()

    if visit.may(Permission.EDIT_CAMERAS):
        with box("div", "line"):
            button("Add a camera", add, "main")
            if visit.may(Permission.FIND_CAMERAS):
                button("Find cameras", find)
        add_module("areas.js")
    with panel("All cameras"):
        listed()
    ui.timer(POLL_S, refresh)


def _set(word: Words, text: str) -> None:
    if word.text != text:
        word.set_text(text)

"""The real program in a process of its own, and Chromium in front of it.

What must be true on every page is asked after every test: no request went to another host, and no script failed.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.serve.clips import make_clip

from .town import TOWN, record

PASSWORD = "tall bridges hum at noon"
PATIENCE_MS = 60_000
"""Far more than anything takes on a machine that is busy with other things."""
_EXPECTED = re.compile(r"still\.jpg|WebSocket connection")
"""What browsers complain of and pages live with: no picture yet, and a camera that is being restarted."""


@dataclass
class Server:
    """`passerby serve`, running."""

    address: str
    link: str
    folder: Path
    logins: dict[str, StorageState] = field(default_factory=dict)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("town")
    clip = make_clip(folder / "clip.mp4")
    (folder / "town.toml").write_text(TOWN.format(clip=clip))
    record(folder / "data", ["square", "gate"])
    program = [sys.executable, "-c", "from passerby.cli import main; main()", "serve", str(folder / "town.toml")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [*program, "--folder", str(folder / "data"), "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield _greeted(process, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    complaints = [line for line in (folder / "log").read_text().splitlines() if "Traceback" in line]
    assert not complaints, (folder / "log").read_text()


def _greeted(process: subprocess.Popen[str], folder: Path) -> Server:
    assert process.stdout is not None
    for line in process.stdout:
        if link := re.search(r"(http://[^/]+)/join/\S+", line):
            return Server(link[1], link[0], folder / "data")
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        # Its sandbox wants rights that root and containers do not have; it opens only pages of our own here.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Visitors:
    """Opens browsers, and remembers what they asked for and complained of.

    A browser is kept from test to test for who comes again, because it has the scripts by then.
    """

    chromium: Browser
    server: Server
    kept: dict[str, BrowserContext] = field(default_factory=dict)
    fresh: list[BrowserContext] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def nobody(self, **how: Any) -> Page:
        """A browser in which nobody is logged in."""
        self.fresh.append(self._context(**how))
        return self._page(self.fresh[-1])

    def _context(self, **how: Any) -> BrowserContext:
        context = self.chromium.new_context(**{"base_url": self.server.address, **how})
        context.set_default_timeout(PATIENCE_MS)
        return context

    def _known(self, who: str, **how: Any) -> Page:
        key = f"{who} {sorted(how.items())}"
        if key not in self.kept:
            self.kept[key] = self._context(storage_state=self.server.logins[who], **how)
        return self._page(self.kept[key])

    def _page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)
        return page

    def admin(self, **how: Any) -> Page:
        """A browser of the first account, which is made by the link of the terminal if need be."""
        if "admin" not in self.server.logins:
            self.join(self.server.link, "anna")
            self.server.logins["admin"] = self.log_in("anna").context.storage_state()
        return self._known("admin", **how)

    def invited(self, role: str, **how: Any) -> Page:
        """A browser of an account of that role."""
        if role not in self.server.logins:
            self.join(self.server.address + self.invite(role), f"{role}-1")
            self.server.logins[role] = self.log_in(f"{role}-1").context.storage_state()
        return self._known(role, **how)

    def invite(self, role: str) -> str:
        """The path of a one-time link."""
        request = self.admin().context.request
        token = request.get("/api/v1/session").json()["form_token"]
        answer = request.post("/api/v1/accounts/invitations", data={"role": role}, headers={"X-CSRF-Token": token})
        assert answer.status == 201, answer.text()
        return str(answer.json()["path"])

    def join(self, link: str, name: str) -> Page:
        """Make an account by its one-time link."""
        page = self.nobody()
        page.goto(link)
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", PASSWORD)
        page.fill("input[name=again]", PASSWORD)
        page.click("button")
        page.wait_for_url("**/login")
        return page

    def log_in(self, name: str, **how: Any) -> Page:
        """A browser in which somebody has just logged in."""
        page = self.nobody(**how)
        page.goto("/login")
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", PASSWORD)
        page.click("button")
        page.wait_for_selector("nav.places")
        return page

    def _console(self, message: Any) -> None:
        told = f"{message.text} ({message.location.get('url', '')})"
        if message.type == "error" and not _EXPECTED.search(told):
            self.complaints.append(told)


@pytest.fixture(scope="package")
def all_visitors(chromium: Browser, server: Server) -> Visitors:
    return Visitors(chromium, server)


@pytest.fixture
def visitors(all_visitors: Visitors, server: Server) -> Iterator[Visitors]:
    visitors = all_visitors
    visitors.asked.clear()
    visitors.complaints.clear()
    yield visitors
    for context in visitors.fresh:
        context.close()
    visitors.fresh.clear()
    for page in [page for context in visitors.kept.values() for page in context.pages]:
        page.close()
    hosts = {urlsplit(url).netloc for url in visitors.asked if not url.startswith(("data:", "blob:"))}
    assert hosts <= {urlsplit(server.address).netloc}
    assert visitors.complaints == []

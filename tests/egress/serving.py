"""The real `passerby serve` in a process of its own, and somebody who is logged in."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect

from tests.flow.commands import PROGRAM

_WORKER = "passerby.serve.worker"
PATIENCE_S = 90.0
"""A machine may be slow; nothing is ever judged by its speed."""


@dataclass(frozen=True)
class Places:
    """Folders of one walk, each for something else.

    Attributes:
        data: of the town.
        temporary: `TMPDIR` of all processes.
        home: the home and current folder of all processes.
        logs: what they say, one file for each start.
    """

    data: Path
    temporary: Path
    home: Path
    logs: Path

    @classmethod
    def under(cls, folder: Path) -> Places:
        places = cls(*(folder / name for name in ("data", "temporary", "home", "logs")))
        for place in (places.temporary, places.home, places.logs):
            place.mkdir(parents=True)
        return places


class Served:
    """A running town; a context manager, which stops it as a service manager would.

    Args:
        town: its settings.
        places: where everything goes.
        environment: more of it.
    """

    def __init__(self, town: Path, places: Places, environment: Mapping[str, str] | None = None) -> None:
        self.places = places
        self._log = places.logs / f"serve-{len(list(places.logs.iterdir()))}.txt"
        self._process = self._start(town, dict(environment or {}))
        self.address = self._said(r"pages at (\S+)")

    def _start(self, town: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        places = self.places
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "PYTEST", "NICEGUI"))}
        kept |= {"TMPDIR": str(places.temporary), "HOME": str(places.home)} | environment
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [*PROGRAM, "serve", str(town), "--folder", str(places.data), "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=places.home,
                env=kept,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> int:
        """As `systemctl stop` does; the exit code."""
        self._process.terminate()
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """Without a chance to do anything; its cameras' processes end by themselves."""
        workers = [self.worker(name) for name in self.workers()]
        self._process.kill()
        self._process.wait()
        psutil.wait_procs(workers, timeout=PATIENCE_S)

    def workers(self) -> dict[str, int]:
        """Processes of cameras, by name."""
        found = {}
        for process in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.Error):
                command = process.cmdline()
                if _WORKER in command:
                    found[command[-1]] = process.pid
        return found

    def worker(self, camera: str) -> psutil.Process:
        """The process of one camera, as soon as it runs."""
        wait_until(f"{camera} has a process", lambda: camera in self.workers())
        return psutil.Process(self.workers()[camera])

    def link(self) -> str:
        """The one-time link for the first account."""
        return self._said(r"(http\S+/join/\S+)")

    def _said(self, pattern: str) -> str:
        """What the program says on its output, as soon as it does."""

        def look() -> re.Match[str] | None:
            assert self._process.poll() is None, self._log.read_text()
            return re.search(pattern, self._log.read_text())

        found = wait_until(f"the program says {pattern}", look)
        assert isinstance(found, re.Match)
        return str(found[1])


class Administrator:
    """Somebody with an account that may do everything, and with an API token."""

    def __init__(self) -> None:
        self.name, self.password = "walker", secrets.token_urlsafe(16)
        self.token = ""

    def join(self, served: Served) -> None:
        """Through the one-time link, as a person would; then make a token."""
        with httpx.Client(base_url=served.address, trust_env=False, timeout=PATIENCE_S) as browser:
            assert browser.get(served.link()).status_code == 200
            form = {"name": self.name, "password": self.password, "again": self.password}
            assert browser.post(served.link(), data=form).status_code == 303
            session = browser.post("/api/v1/login", json={"name": self.name, "password": self.password})
            headers = {"X-CSRF-Token": session.json()["form_token"]}
            made = browser.post("/api/v1/tokens", json={"label": "walk", "role": "admin"}, headers=headers)
            assert made.status_code == 201, made.text
            self.token = made.json()["secret"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @contextmanager
    def program(self, served: Served) -> Iterator[httpx.Client]:
        """With the token."""
        with httpx.Client(
            base_url=served.address, headers=self.headers, trust_env=False, timeout=PATIENCE_S
        ) as program:
            yield program

    @contextmanager
    def browser(self, served: Served) -> Iterator[httpx.Client]:
        """With the cookie of a session."""
        with httpx.Client(base_url=served.address, trust_env=False, timeout=PATIENCE_S) as browser:
            logged_in = browser.post("/api/v1/login", json={"name": self.name, "password": self.password})
            assert logged_in.status_code == 200, logged_in.text
            yield browser

    def watch(self, served: Served, camera: str) -> ClientConnection:
        """The live socket of a camera."""
        address = served.address.replace("http", "ws", 1)
        return connect(
            f"{address}/api/v1/cameras/{camera}/live",
            additional_headers=self.headers,
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE_S,
        )


def wait_until(what: str, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What the condition gives, as soon as it gives something."""
    until_s = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < until_s, f"in vain: {what}"
        time.sleep(0.05)
    return found


def held_up(pids: list[int], *, stopped_s: float, running_s: float, times: int) -> None:
    """Give processes less of the machine than they need, for a while."""
    try:
        for _ in range(times):
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(stopped_s)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            time.sleep(running_s)
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

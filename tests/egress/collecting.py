"""Everything that leaves a town: what is sent, what is said, and what stands on any disk, even for a moment."""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.exceptions import WebSocketException

from tests.egress.search import Given
from tests.egress.serving import Administrator, Served

_STILL_EVERY_S = 0.4


class Viewers:
    """Watches all cameras while it runs: the live sockets and the stills. A context manager.

    Attributes:
        given: what came.
    """

    def __init__(self, served: Served, who: Administrator, cameras: list[str]) -> None:
        self.given: list[Given] = []
        self._served, self._who, self._ending = served, who, threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(name,)) for name in cameras]
        self._threads += [threading.Thread(target=self._poll, args=(cameras,))]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, camera: str) -> None:
        while not self._ending.wait(0.2):
            with suppress(OSError, WebSocketException, TimeoutError), self._who.watch(self._served, camera) as socket:
                self._receive(camera, socket)

    def _receive(self, camera: str, socket: Any) -> None:
        """Whatever comes, so that what is cut off by a kill is kept, too: each init begins a video."""
        video = bytearray()
        try:
            while not self._ending.is_set():
                with suppress(TimeoutError):
                    message = socket.recv(0.5)
                    if isinstance(message, str):
                        self.given.append(Given(f"text on the live socket of {camera}", message.encode()))
                        continue
                    if message[4:8] == b"ftyp":
                        self._keep(camera, video)
                        video = bytearray()
                    video += message
        finally:
            self._keep(camera, video)

    def _keep(self, camera: str, video: bytearray) -> None:
        if video:
            self.given.append(Given(f"live video of {camera}", bytes(video)))

    def _poll(self, cameras: list[str]) -> None:
        with self._who.program(self._served) as program:
            while not self._ending.wait(_STILL_EVERY_S):
                for camera in cameras:
                    with suppress(httpx.TransportError):
                        answer = program.get(f"/api/v1/cameras/{camera}/still.jpg")
                        self.given.append(Given(f"still of {camera}", answer.content))


class MadeFiles:
    """Notices files that are made in a folder, even those that are gone at once (inotify). A context manager.

    Attributes:
        names: of all that was made there.
    """

    _CREATE_OR_MOVED_TO = 0x100 | 0x80

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = []
        self._folder = folder

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        watch = libc.inotify_add_watch(self._descriptor, os.fsencode(self._folder), self._CREATE_OR_MOVED_TO)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        assert watch >= 0, os.strerror(ctypes.get_errno())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BlockingIOError):
            while events := os.read(self._descriptor, 1 << 16):
                self.names += _names_in(events)
        os.close(self._descriptor)


def _names_in(events: bytes) -> Iterator[str]:
    at = 0
    while at < len(events):
        length = int.from_bytes(events[at + 12 : at + 16], "little")
        yield events[at + 16 : at + 16 + length].rstrip(b"\0").decode()
        at += 16 + length


def files_in(folder: Path, when: str) -> list[Given]:
    """All files as they stand there now; one that goes meanwhile is left out."""
    given = []
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):
            if path.is_file():
                given.append(Given(f"{path.relative_to(folder)} {when}", path.read_bytes()))
    return given


def asked_of_api(
    program: httpx.Client, cameras: list[str], known: frozenset[str] = frozenset()
) -> tuple[list[Given], frozenset[str]]:
    """The answer of every route that is read, for every camera; and the routes that answered well.

    `known` are routes that are not asked.
    """
    given, well = [], set[str]()
    description = program.get("/api/v1/openapi.json")
    given.append(Given("the description of the API", description.content))
    for path in sorted({route for route, ways in description.json()["paths"].items() if "get" in ways} - known):
        for address, query in _filled_in(program, path, cameras):
            answer = program.get(address, params=query)
            given.append(Given(f"answer of {address}", answer.content))
            given.append(Given(f"headers of {address}", repr(answer.headers.raw).encode()))
            if answer.status_code == 200:
                well.add(path)
    return given, frozenset(well)


def _filled_in(program: httpx.Client, path: str, cameras: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Addresses that a route has, with what it may be asked."""
    now = datetime.now(UTC)
    hour = {"begin": (now - timedelta(hours=1)).isoformat(), "end": now.isoformat()}
    for camera in cameras if "{name}" in path else cameras[:1]:
        known = path.replace("{name}", camera)
        if "{segment_id}" not in known:
            yield known, hour
            continue
        for name in cameras:
            for one in program.get(f"/api/v1/cameras/{name}/segments", params=hour).json()["segments"]:
                yield known.replace("{segment_id}", str(one["id"])), {}


def shown_in_browser(browser: httpx.Client, cameras: list[str]) -> list[Given]:
    """The HTML of every page that the others lead to, and the public pages."""
    given, waiting, known = [], ["/", *(f"/public/{camera}" for camera in cameras), "/login"], set[str]()
    while waiting:
        address = waiting.pop()
        if address in known:
            continue
        known.add(address)
        answer = browser.get(address, headers={"Accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, (address, answer.status_code)
        given.append(Given(f"page {address}", answer.content))
        links = re.findall(r'(?:href=|"href":\s*)"(/[a-z0-9/-]*)"', answer.text)
        waiting += [link for link in links if not link.startswith(("/api", "/_nicegui"))]
    return given


def open_for_writing(pid: int) -> list[str]:
    """Paths of the files that a process has open to write, those without a name any more among them.

    Who is not root may not ask that of a process that keeps its memory private, and learns of none.
    """
    paths = []
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                flags = re.search(r"flags:\s*(\d+)", Path(f"/proc/{pid}/fdinfo/{link.name}").read_text())
                if flags and int(flags[1], 8) & (os.O_WRONLY | os.O_RDWR):
                    paths.append(str(link.readlink()))
    except PermissionError:
        return []
    return paths


def core_limit(pid: int) -> str:
    """What the kernel says of a process: how large its core dump may be."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return " ".join(next(line for line in lines if line.startswith("Max core file size")).split()[4:6])

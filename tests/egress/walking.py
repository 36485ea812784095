"""What happens to a town on the egress walk, and what is kept of all that leaves it meanwhile."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from tests.cameras.rtsp import rtsp_server
from tests.egress import scene
from tests.egress.collecting import (
    Viewers,
    asked_of_api,
    core_limit,
    files_in,
    open_for_writing,
    shown_in_browser,
)
from tests.egress.search import Given
from tests.egress.serving import Administrator, Places, Served, held_up, wait_until
from tests.flow.commands import passerby_process

USER, PASSWORD = "gatekeeper-5521", "moorhen-4711-quagmire"
FRONT, YARD = "front", "yard"
CAMERAS = [FRONT, YARD]


class RtspCamera:
    """Plays a clip at an address that stays the same when it is switched off and on. A context manager."""

    def __init__(self, clip: Path) -> None:
        self._clip, self._running = clip, ExitStack()
        self.port, self.url = 0, ""
        self.switch_on()

    def switch_on(self) -> None:
        server = self._running.enter_context(rtsp_server(self._clip, USER, PASSWORD, port=self.port))
        self.port, self.url = server.port, server.url

    def switch_off(self) -> None:
        self._running.close()

    @property
    def secrets(self) -> dict[str, str]:
        return {"user": USER, "password": PASSWORD, "address": self.url, "host": f"127.0.0.1:{self.port}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.switch_off()


@dataclass
class Walk:
    """A walk, and all that was seen on the way.

    Attributes:
        places: where the town keeps everything.
        rtsp: the camera "front".
        town: the settings; the camera "yard" stands there.
        who: logged in.
        given: everything that left.
        limits: how large core dumps may be, for each process that ran.
        opened: what they had open to write.
        commands: their command lines.
        routes: those of the API that answered well.
        figures: of each camera, at several times.
    """

    places: Places
    rtsp: RtspCamera
    town: Path
    who: Administrator = field(default_factory=Administrator)
    given: list[Given] = field(default_factory=list)
    limits: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    routes: frozenset[str] = frozenset()
    figures: list[dict[str, Any]] = field(default_factory=list)

    def run_until_killed(self) -> None:
        """The first run: a camera is cut off, one killed, both held up, and in the end the town is killed."""
        with Served(self.town, self.places) as served, ExitStack() as stack:
            self.who.join(served)
            program = stack.enter_context(self.who.program(served))
            self._add_front(program)
            viewers = stack.enter_context(Viewers(served, self.who, CAMERAS))
            for camera in CAMERAS:
                self._wait_until_it_shows(program, camera)
            self._keep(served, "in the first seconds")
            self._cut_off(program)
            self._kill_workers(served, program)
            self._hold_up(served)
            self._try_out(program)
            self._ask_for_everything(served, program)
            self._keep(served, "while it runs")
            served.kill()
        self.given += viewers.given
        self._keep_files("after it was killed")

    def run_until_stopped(self) -> int:
        """The second: it takes up what the first left, and ends as it should. The exit code."""
        with Served(self.town, self.places) as served, ExitStack() as stack:
            program = stack.enter_context(self.who.program(served))
            viewers = stack.enter_context(Viewers(served, self.who, CAMERAS))
            for camera in CAMERAS:
                self._wait_until_it_shows(program, camera)
            time.sleep(0.4 * scene.FRAMES / scene.RATE)
            self._ask_for_everything(served, program)
            self._keep(served, "in the second run")
            code = served.end()
        self.given += viewers.given
        self._keep_files("at the end")
        for folder in (self.places.temporary, self.places.home, self.places.logs):
            self.given += files_in(folder, f"in {folder.name} at the end")
        return code

    def _add_front(self, program: httpx.Client) -> None:
        camera = {"name": FRONT, "url": self.rtsp.url, "segment_s": 10, "timeout_s": 2}
        answer = program.post("/api/v1/cameras", json={"camera": camera, "username": USER, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        self.given.append(Given("answer to a camera that is added", answer.content))

    def _cut_off(self, program: httpx.Client) -> None:
        """The camera goes, and comes back at its address."""
        self.rtsp.switch_off()
        self._wait_for_state(program, FRONT, "lost")
        self.rtsp.switch_on()
        self._wait_until_it_shows(program, FRONT)

    def _kill_workers(self, served: Served, program: httpx.Client) -> None:
        """What is written then lies there as it is, until other processes begin and put it in order."""
        workers = [served.worker(camera) for camera in CAMERAS]
        for worker in workers:
            worker.kill()
        self._keep_files("just when its process was killed")
        psutil.wait_procs(workers)
        for camera in CAMERAS:
            self._wait_until_it_shows(program, camera)

    def _hold_up(self, served: Served) -> None:
        """Less of the machine than it takes, then for longer than the delay nothing of it."""
        pids = list(served.workers().values())
        held_up(pids, stopped_s=0.35, running_s=0.1, times=8)
        self._keep(served, "while it was held up")
        held_up(pids, stopped_s=3.5, running_s=0.5, times=1)

    def _try_out(self, program: httpx.Client) -> None:
        """What a camera sends, asked for on the page and in the terminal, with the right and with a wrong password."""
        for password in (PASSWORD, "wrong"):
            body = {"url": self.rtsp.url, "username": USER, "password": password}
            answer = program.post("/api/v1/camera-trials", json=body)
            assert (answer.status_code == 200) == (password == PASSWORD), answer.text
            self.given.append(Given(f"trial on the page, password {password == PASSWORD}", answer.content))
        picture = self.places.home / "tried.jpg"
        environment = {"PASSERBY_CAMERA_PASSWORD": PASSWORD, "TMPDIR": str(self.places.temporary)}
        arguments = ("camera", "try", self.rtsp.url, "--username", USER, "--picture", str(picture))
        said = passerby_process(*arguments, env=environment)
        assert said.code == 0, said.err
        self.given.append(Given("trial in the terminal", (said.out + said.err).encode()))
        self.given.append(Given("picture of a trial", picture.read_bytes()))

    def _ask_for_everything(self, served: Served, program: httpx.Client) -> None:
        given, well = asked_of_api(program, CAMERAS)
        self.given += given
        with self.who.browser(served) as browser:
            given, only_for_people = asked_of_api(browser, CAMERAS, well)
            self.given, self.routes = self.given + given, well | only_for_people
            self.given += shown_in_browser(browser, CAMERAS)
        self.given.append(Given("/metrics", program.get("/metrics").content))
        self.given.append(Given("/healthz", program.get("/healthz").content))
        self.figures.append({camera: self._camera(program, camera)["figures"] for camera in CAMERAS})

    def _keep(self, served: Served, when: str) -> None:
        self._keep_files(when)
        for pid in (served.pid, *served.workers().values()):
            self.limits.add(core_limit(pid))
            self.opened |= set(open_for_writing(pid))
            self.commands.append(Path(f"/proc/{pid}/cmdline").read_text())

    def _keep_files(self, when: str) -> None:
        self.given += files_in(self.places.data, when)

    def _wait_until_it_shows(self, program: httpx.Client, camera: str) -> None:
        """Until it is known again what its pictures show, so that they are not covered whole any more."""
        self._wait_for_state(program, camera, "live")

    def _wait_for_state(self, program: httpx.Client, camera: str, state: str) -> None:
        wait_until(f"{camera} is {state}", lambda: self._camera(program, camera)["state"] == state)

    def _camera(self, program: httpx.Client, camera: str) -> dict[str, Any]:
        answer = program.get(f"/api/v1/cameras/{camera}")
        self.given.append(Given(f"state of {camera}", answer.content))
        told: dict[str, Any] = answer.json()
        return told

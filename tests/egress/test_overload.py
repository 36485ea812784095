"""More cameras than the machine can follow, at 60 pictures a second: late or never, but nobody is seen."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from passerby.errors import CameraLost
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, open_camera
from passerby.settings import Settings
from tests.cameras.rtsp import packets_of
from tests.cameras.scripted import Script, scripted_camera, steadily
from tests.egress import scene
from tests.egress.search import Given, Search
from tests.stream.scenes import Outlet

CAMERAS, FPS, ROUNDS = 4, 60, 2


@contextmanager
def busy_machine(processes: int = 4) -> Iterator[None]:
    """Others want the processors, too."""
    with ExitStack() as stack:
        for _ in range(processes):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(busy.kill)
        yield


def watched(url: str, name: str, folder: Path, outlets: dict[str, Outlet]) -> None:
    """Redacts one camera until it ends; what fails in another way is missing in `outlets`."""
    outlet = Outlet()
    options = StreamOptions(Settings(cover=("head", "plate")), delay_s=0.5)
    try:
        with open_camera(CameraAddress.parse(name, url, timeout_s=60)) as camera:
            redact_stream(camera, folder, options, outlet, camera_name=name, stop=threading.Event())
    except CameraLost:
        outlets[name] = outlet


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.make_clip(tmp_path_factory.mktemp("clip") / "street.mp4")


def test_cameras_that_are_too_many_show_nobody(clip: Path, tmp_path: Path) -> None:
    sent = [packet.data for packet in packets_of(clip)[1]] * ROUNDS
    outlets: dict[str, Outlet] = {}
    with ExitStack() as stack:
        stack.enter_context(busy_machine())
        threads = []
        for name in (f"camera-{number}" for number in range(CAMERAS)):
            url = stack.enter_context(scripted_camera(Script(steadily(sent, fps=FPS, wait_s=1 / FPS))))
            threads.append(threading.Thread(target=watched, args=(url, name, tmp_path, outlets)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(outlets) == CAMERAS
    given = [Given(path.name, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    for name, outlet in outlets.items():
        given.append(Given(f"live video of {name}", b"".join(part.data for part in outlet.parts)))
        given += [Given(f"still {number} of {name}", jpeg) for number, jpeg in enumerate(outlet.stills)]
    findings = Search(clip).through(given)
    assert not findings.leaks
    assert findings.pictures > 0
    stored = sum(info.frames for outlet in outlets.values() for info, _ in outlet.segments)
    dropped = sum(outlet.told[-1].dropped for outlet in outlets.values())
    assert stored + dropped == CAMERAS * len(sent), "each picture was stored or counted as dropped"

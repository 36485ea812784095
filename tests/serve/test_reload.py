"""The file of a town that is read again by the running program: what changed counts, the rest goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from .clips import make_clip
from .waiting import wait_for

CAMERA = '[[camera]]\nname = "{name}"\nurl = "clip.mp4"\nsegment_s = 10\n'
TOWN = CAMERA.format(name="square") + CAMERA.format(name="gate")


@dataclass
class Running:
    """`passerby serve`, and what it says."""

    process: subprocess.Popen[bytes]
    folder: Path
    town: str = TOWN

    @property
    def log(self) -> list[str]:
        return (self.folder / "log").read_text("utf-8").splitlines()

    def reread(self, town: str) -> str:
        """What the log says of a file like that."""
        before, self.town = len(self.log), town
        (self.folder / "town.toml").write_text(town)
        self.process.send_signal(signal.SIGHUP)
        return wait_for(lambda: next((line for line in self.log[before:] if "town.toml" in line), None))

    def processes(self) -> dict[str, int]:
        """Those of the cameras, by name."""
        children = psutil.Process(self.process.pid).children()
        lines = {child.pid: child.cmdline() for child in children}
        return {line[-1]: pid for pid, line in lines.items() if "passerby.serve.worker" in line}

    def recorded(self, camera: str) -> bool:
        return any((self.folder / "data" / camera).rglob("*.mp4*"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("town")
    make_clip(folder / "clip.mp4")
    (folder / "town.toml").write_text(TOWN)
    words = ["serve", str(folder / "town.toml"), "--folder", str(folder / "data"), "--port", "0"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "passerby.cli", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        ) as process,
    ):
        running = Running(process, folder)
        wait_for(lambda: len(running.processes()) == 2)
        try:
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(90) == 0


def test_only_a_camera_whose_settings_changed_starts_anew(running: Running) -> None:
    before = running.processes()
    said = running.reread(TOWN.replace('name = "gate"', 'name = "gate"\ndelay_s = 0.5'))
    assert said.endswith("town.toml: was read again: cameras that changed: gate")
    after = wait_for(lambda: found if len(found := running.processes()) == 2 else None)
    assert after["square"] == before["square"]
    assert after["gate"] != before["gate"]


def test_what_is_only_shown_disturbs_no_camera(running: Running) -> None:
    before = wait_for(lambda: found if len(found := running.processes()) == 2 else None)
    said = running.reread('title = "Little Town"\nport = 9\nhost = "::1"\n' + running.town + "retention_h = 5\n")
    # The port was set on the command line, which counts before the file.
    assert said.endswith("no camera has to know of what changed; counts from the next start on: host")
    assert running.processes() == before


@pytest.mark.parametrize(
    ("town", "why"),
    [
        (TOWN + "dely_s = 1\n", "camera gate: there is no setting dely_s; did you mean delay_s?"),
        ("[[camera]\n", "is not TOML"),
        ('tls_cert = "no.pem"\ntls_key = "no.pem"\n', "tls_cert: no.pem cannot be read: no such file or directory"),
        ('[[account]]\nname = "anna"\npassword_hash = "$argon2id$none"\n', "password_hash"),
    ],
    ids=["setting", "no TOML", "certificate", "account"],
)
def test_a_file_with_mistakes_changes_nothing(running: Running, town: str, why: str) -> None:
    before = running.processes()
    (running.folder / "town.toml").write_text(town)
    logged = len(running.log)
    running.process.send_signal(signal.SIGHUP)
    said = wait_for(lambda: next((line for line in running.log[logged:] if "stay as they were" in line), None))
    assert why in said
    assert re.match(r"WARNING: .*; the settings stay as they were$", said)
    assert running.processes() == before


def test_cameras_come_and_go_with_the_file(running: Running) -> None:
    said = running.reread(CAMERA.format(name="square") + CAMERA.format(name="harbour"))
    assert said.endswith("cameras that changed: gate, harbour")
    wait_for(lambda: set(running.processes()) == {"square", "harbour"})
    wait_for(lambda: running.recorded("harbour"))

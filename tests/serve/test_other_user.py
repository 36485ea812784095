"""The program as another user than root, who has one folder and nothing else to write to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil
import pytest

from passerby.archive import check_archive

from .clips import make_clip
from .waiting import wait_for

NOBODY = 65534
READS_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""Where Python lies in root's home: the user may then read everything, and write no more than before."""
_STARTS_ANOTHER = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import passerby'], check=True)"
PROGRAM = [sys.executable, "-m", "passerby.cli", "serve", "--port", "0"]


@cache
def as_other() -> tuple[str, ...]:
    """What to put before a command."""
    if os.getuid() != 0:
        return ()
    for more in ((), READS_ALL):
        command = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *more)
        tried = [*command, sys.executable, "-c", _STARTS_ANOTHER]
        if shutil.which("setpriv") and subprocess.run(tried, capture_output=True, cwd="/").returncode == 0:
            return command
    pytest.skip("no other user may run this Python")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="passerby-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def own(path: Path) -> Path:
    """It belongs to the user of the test."""
    if os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    return path


def test_it_needs_a_folder_of_its_own_and_nothing_else(place: Path) -> None:
    """Its home is nowhere, and where it stands it may not write."""
    data, log = place / "data", place / "log"
    data.mkdir(0o700)
    own(data)
    clip = make_clip(place / "clip.mp4")
    town = place / "town.toml"
    town.write_text(f'[[camera]]\nname = "square"\nurl = "{clip}"\nsegment_s = 10\ndelay_s = 0.5\n')
    command = [*as_other(), *PROGRAM, str(town), "--folder", str(data)]
    environment = {**os.environ, "HOME": "/nonexistent"}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=place, env=environment) as process,
    ):
        try:
            wait_for(lambda: "/join/" in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            wait_for(lambda: list(data.rglob("*.part")))
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            assert os.getuid() != 0 or {uid for one in family for uid in one.uids()} == {NOBODY}
            process.send_signal(signal.SIGTERM)
            assert process.wait(90) == 0
        finally:
            process.kill()
    assert list((data / "square").rglob("*.mp4"))
    assert check_archive(data).problems == ()
    assert {path.name for path in place.iterdir()} == {"data", "log", "clip.mp4", "town.toml"}


def refused(folder: Path) -> str:
    """What the program says of a folder that it cannot use; one sentence and a hint."""
    said = subprocess.run(
        [*as_other(), *PROGRAM, "--folder", str(folder)], capture_output=True, text=True, cwd="/", timeout=600
    )
    assert said.returncode != 0
    lines = said.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "hint"], said.stderr
    assert "--folder" in lines[1]
    return lines[0]


def test_a_folder_that_it_may_not_write_to_is_told_in_one_sentence(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(0o555)
    assert re.search(r"closed: nothing can be kept there: permission denied; nothing was started$", refused(closed))
    below = closed / "data"
    assert re.search(r"data: nothing can be kept there: permission denied; nothing was started$", refused(below))
    assert not list(closed.iterdir())


def test_a_file_in_the_place_of_the_folder_is_told_in_one_sentence(place: Path) -> None:
    file = place / "data"
    file.write_text("somebody's notes")
    assert "data: nothing can be kept there: it is a file" in refused(file)
    assert "more: nothing can be kept there: it is a file" in refused(file / "more")
    assert file.read_text() == "somebody's notes"

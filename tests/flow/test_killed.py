"""`kill -9` at any moment: nothing under the final name, and the same command does it all over."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from passerby.pending import SUFFIX

from .commands import PROGRAM, files_in, passerby
from .conftest import Getter
from .scenes import decoded, still_shown

STAGES = ("look", "write", "check")
MOMENTS = ("first", "middle", "last")

KILLED = """
import os, signal, sys
from pathlib import Path

import passerby.pipeline.files
from passerby.account.progress import FileProgress

source, folder = Path(sys.argv[1]), Path(sys.argv[2])
real = FileProgress.advance


def die_at(stage, frame):
    def advance(self, at, frames):
        real(self, at, frames)
        if at == stage and self._done[at] >= frame:
            os.kill(os.getpid(), signal.SIGKILL)
    return advance


# Forked before anything that has threads of its own is loaded.
for stage in ("look", "write", "check"):
    for moment, frame in (("first", 1), ("middle", 12), ("last", 24)):
        child = os.fork()
        if not child:
            FileProgress.advance = die_at(stage, frame)
            passerby.pipeline.files.redact_file(source, folder / f"{stage}-{moment}" / "out.mp4", threads=1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), (stage, moment, status)
"""


@pytest.fixture(scope="module")
def killed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each stage and moment, as a run leaves it that was killed then."""
    folder = tmp_path_factory.mktemp("killed")
    script = folder / "killed.py"
    script.write_text(KILLED)
    subprocess.run([sys.executable, script, made / "portrait.mp4", folder], check=True, timeout=600)
    return folder


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_is_killed_leaves_no_copy_and_the_same_command_makes_one(
    made: Path, killed: Path, stage: str, moment: str
) -> None:
    folder = killed / f"{stage}-{moment}"
    left = files_in(folder) if folder.exists() else set()
    assert left <= {f".out.mp4{SUFFIX}"}
    assert bool(left) == (stage != "look")
    if stage == "check":
        # What a killed run leaves is redacted already.
        seen, original = decoded(folder / f".out.mp4{SUFFIX}"), decoded(made / "portrait.mp4")
        assert still_shown(original.pictures[0], seen.pictures[0]) == ""
    said = passerby("redact", made / "portrait.mp4", "-o", folder / "out.mp4")
    assert said.code == 0, said
    assert files_in(folder) == {"out.mp4"}
    assert len(decoded(folder / "out.mp4").times) == 24


SLOWLY = ["--speed", "thorough", "--quality", "near-lossless"]


def _send_while_writing(
    signal_number: int, running: subprocess.Popen[str] | subprocess.Popen[bytes], part: Path
) -> None:
    while not part.exists():
        assert running.poll() is None, "it ended before it wrote anything"
        time.sleep(0.02)
    running.send_signal(signal_number)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says in /proc what a process may do")
def test_a_run_that_crashes_leaves_no_dump_of_its_memory(take: Getter, tmp_path: Path) -> None:
    def dump_all() -> None:
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (most, most))

    command = [*PROGRAM, "redact", str(take("long.mp4")), *SLOWLY]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, preexec_fn=dump_all) as running:
        part = tmp_path / f".long.redacted.mp4{SUFFIX}"
        _send_while_writing(signal.SIGSTOP, running, part)
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits)
        running.send_signal(signal.SIGABRT)
        running.send_signal(signal.SIGCONT)
    assert running.returncode == -signal.SIGABRT
    assert files_in(tmp_path) == {"long.mp4", part.name}


def test_a_batch_that_is_killed_is_resumed_by_the_same_command(made: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    shutil.copy(made / "face.jpg", source / "a.jpg")
    shutil.copy(made / "long.mp4", source / "b.mp4")
    command = ["redact", str(source), "-o", str(target), *SLOWLY]
    with subprocess.Popen([*PROGRAM, *command], stdout=subprocess.DEVNULL, text=True) as running:
        _send_while_writing(signal.SIGKILL, running, target / f".b.mp4{SUFFIX}")
    assert running.returncode == -signal.SIGKILL
    assert files_in(target) == {"a.jpg", f".b.mp4{SUFFIX}"}
    said = passerby(*command)
    assert said.code == 0, said
    assert "a.jpg: finished already" in said.out
    assert "2 files: 1 skipped, 1 done" in said.out
    assert files_in(target) == {"a.jpg", "b.mp4"}


def test_an_interrupted_run_ends_with_130_and_leaves_nothing(take: Getter, tmp_path: Path) -> None:
    command = [*PROGRAM, "redact", str(take("long.mp4")), *SLOWLY]
    # Whoever runs the tests in the background may have told them to ignore it, and children inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as running:
        _send_while_writing(signal.SIGINT, running, tmp_path / f".long.redacted.mp4{SUFFIX}")
        _, errors = running.communicate(timeout=600)
    assert running.returncode == 130, errors
    assert errors == "error: interrupted; nothing unfinished was left under a final name\n"
    assert files_in(tmp_path) == {"long.mp4"}

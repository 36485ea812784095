"""passerby as a user runs it: in this process where nothing else matters, in one of its own where it does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from passerby.cli import app

PROGRAM = [sys.executable, "-m", "passerby.cli"]


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


def passerby(*arguments: str | Path) -> Said:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def passerby_process(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    before: Callable[[], Any] | None = None,
    under: Sequence[str] = (),
) -> Said:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [*under, *PROGRAM, *map(str, arguments)],
        env=_environment() | dict(env or {}),
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def _environment() -> dict[str, str]:
    """That of a user: nothing in it that keeps libraries quiet in tests, or that this process has set for itself."""
    return {
        name: value for name, value in os.environ.items() if name != "CI" and not name.startswith(("ORT_", "PYTEST"))
    }


def files_in(folder: Path) -> set[str]:
    """Every file below a folder, hidden ones too, without the reports that passerby keeps for later runs."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if ".passerby" not in path.parts}


def sentence(said: Said, *names: str) -> str:
    """The one error of a command: a sentence on standard error that names these files, and no traceback."""
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, said.err
    assert all(line.startswith(("error: ", "hint: ")) or not line for line in said.err.splitlines()), said.err
    assert not errors[0].endswith("."), errors
    for name in names:
        assert name in errors[0], errors
    return errors[0]

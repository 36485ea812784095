"""The pages of the docs, and what stands in their blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *(REPOSITORY / "train").glob("*.md")])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT_CODE = "echo $?"


@dataclass
class Command:
    """A line after a dollar sign; what is shown beneath it, and the exit code that the docs give, 0 if none."""

    line: str
    shown: list[str] = field(default_factory=list)
    exit_code: int = 0


def name_of(page: Path) -> str:
    """Its path in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def blocks_of(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of every block of code."""
    yield from _BLOCK.findall(page.read_text("utf-8"))


def without_blocks(page: Path) -> str:
    """The page without its blocks of code."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def commands_in(block: str) -> list[Command]:
    """The commands of a block of language `console`."""
    commands: list[Command] = []
    exit_code_follows = False
    for line in block.replace("\\\n", "").splitlines():
        if line == f"$ {_EXIT_CODE}":
            exit_code_follows = True
        elif line.startswith("$ "):
            commands.append(Command(line.removeprefix("$ ").split("  #")[0].strip()))
        elif exit_code_follows:
            commands[-1].exit_code, exit_code_follows = int(line), False
        else:
            commands[-1].shown.append(line)
    return commands

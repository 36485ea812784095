"""What the docs say is tried: commands run, code runs, links lead somewhere, generated pages are those of the code."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import passerby
from passerby import errors
from passerby.check.second_look import SecondLookOptions
from passerby.cli import app
from passerby.detect.photo import VIEWS
from passerby.nal import DISPLAY_MESSAGES
from passerby.read.photo import PHOTO_SUFFIXES
from passerby.read.video import VIDEO_SUFFIXES
from passerby.track.smoother import TrackOptions
from passerby.write.codecs import _CRF, _PRESETS

from .examples import make_examples
from .pages import PAGES, REPOSITORY, Command, blocks_of, commands_in, name_of, without_blocks

REFERENCE = REPOSITORY / "docs" / "reference"
_NOT_RUN = ("pip install ", "make ", "python3.11 -m venv ", "python -m train.", "python tools/", ". ")
"""Commands that are not tried here: they install things, or run this very test."""
_TREE = {"src", "tests", "docs", "tools", "bench", "train", ".ci"}
_PACKAGE = {path.name for path in (REPOSITORY / "src" / "passerby").iterdir() if path.is_dir()}

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)
pages_with_code = pytest.mark.parametrize(
    "page", [p for p in PAGES if {"console", "python"} & {kind for kind, _ in blocks_of(p)}], ids=name_of
)


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    make_examples(folder)
    return folder


@pages_with_code
def test_what_a_page_shows_is_what_happens(
    page: Path, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(examples, tmp_path / "examples")
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    for kind, block in blocks_of(page):
        if kind == "python":
            exec(compile(block, name_of(page), "exec"), names)
        elif kind == "console":
            for command in commands_in(block):
                _run(command)


def _run(command: Command) -> None:
    words = shlex.split(command.line)
    if words[0] == "cp":
        shutil.copy(words[1], words[2])
    elif words[:2] == ["passerby", "serve"]:
        _serve(command, words[2:])
    elif words[0] == "passerby":
        result = CliRunner().invoke(app, words[1:], prog_name="passerby")
        assert result.exit_code == command.exit_code, f"{command.line}\n{result.output}"
        _assert_shown(command, result.output)
    else:
        assert command.line.startswith(_NOT_RUN), f"nobody tries {command.line!r}"


def _serve(command: Command, words: list[str]) -> None:
    """It runs until it is told to end; the port of the docs may be somebody else's here."""
    program = [sys.executable, "-m", "passerby.cli", "serve", *words, "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in filter(None, command.shown)]
        process.send_signal(signal.SIGTERM)
        _assert_shown(command, "".join([*shown, process.stdout.read()]))
    assert process.returncode == command.exit_code


def _assert_shown(command: Command, output: str) -> None:
    """Every line of the page stands in the output, in this order; three dots stand for anything."""
    lines = iter(output.splitlines())
    for shown in filter(None, command.shown):
        pattern = re.compile(re.escape(shown).replace(re.escape("..."), ".*"))
        assert any(pattern.fullmatch(line.rstrip()) for line in lines), f"{command.line}: no {shown!r} in\n{output}"


@every_page
def test_blocks_of_code_are_of_kinds_that_are_tried(page: Path) -> None:
    kinds = {kind for kind, _ in blocks_of(page)}
    assert kinds <= {"console", "python", "json", "text"}
    assert not re.search(r"^[ \t]+```", page.read_text("utf-8"), re.MULTILINE), "an indented block is not found"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page)):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)} links to {link}"
        assert not anchor or anchor in _anchors(target), f"{name_of(page)} links to {link}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_paths_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`([\w./*-]+)`", without_blocks(page)):
        first, *rest = name.split("/")
        in_tree, in_package = first in _TREE and rest, first in _PACKAGE and rest
        if in_tree or in_package or name.endswith(".py"):
            roots = (REPOSITORY, REPOSITORY / "src" / "passerby")
            assert any(any(root.glob(name.rstrip("/"))) for root in roots), f"{name_of(page)} names {name}"


def test_the_tree_in_the_architecture_names_files_that_exist() -> None:
    tree = next(block for _, block in blocks_of(REPOSITORY / "ARCHITECTURE.md") if block.startswith("src/passerby/"))
    folder = REPOSITORY / "src" / "passerby"
    here = folder
    named = set()
    for line in tree.splitlines()[1:]:
        if found := re.match(r"    (\w+)/ ", line):
            here = folder / found[1]
            named.add(here)
        elif line.startswith("    ") and line[4] != " ":
            here = folder
        for name in re.findall(r"\w+\.py\b", line):
            assert (here / name).exists(), f"there is no {name} in {here.name}"
    assert named == {path.parent for path in folder.glob("*/__init__.py")}


def test_the_layers_in_the_architecture_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    blocks = [block.splitlines() for _, block in blocks_of(REPOSITORY / "ARCHITECTURE.md")]
    assert [layer.replace("passerby.", "") for layer in layers] in blocks


def test_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:^\$ |`)make ([\w-]+)", page.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= targets, name_of(page)


@pytest.mark.parametrize(("page", "text"), [("cli.md", "commands_text"), ("settings.md", "settings_text")])
def test_the_reference_of_the_commands_is_current(page: str, text: str) -> None:
    made = runpy.run_path(str(REPOSITORY / "tools" / "write_command_reference.py"))[text]()
    assert (REFERENCE / page).read_text("utf-8") == made, "run tools/write_command_reference.py"


def test_the_tree_of_errors_is_the_one_of_the_code() -> None:
    tree = (errors.__doc__ or "").split("\n\n")[1]
    assert tree in (REFERENCE / "errors.md").read_text("utf-8")


@pytest.mark.parametrize("suffix", sorted(PHOTO_SUFFIXES | VIDEO_SUFFIXES))
def test_every_suffix_is_in_the_table_of_formats(suffix: str) -> None:
    assert f"`{suffix}`" in (REFERENCE / "formats.md").read_text("utf-8")


@every_page
def test_no_page_is_left_out_of_the_index(page: Path) -> None:
    if (REPOSITORY / "docs") in page.parents and page.name != "README.md":
        assert f"]({page.relative_to(REPOSITORY / 'docs').as_posix()})" in (REPOSITORY / "docs/README.md").read_text()


@pytest.mark.parametrize("name", passerby.__all__)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"\b{name}\b", (REFERENCE / "python.md").read_text("utf-8"))


def _rows(page: Path, heading: str) -> dict[str, list[str]]:
    """The table whose first line begins with that heading: cells by their first one."""
    text = page.read_text("utf-8")
    lines = text[text.index(f"| {heading} |") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_quality_and_speed_are_those_of_the_encoders() -> None:
    codecs = ("h264", "hevc", "av1")
    for heading, table in (("`--quality`", _CRF), ("`--speed`", _PRESETS)):
        expected = {word: [str(table[codec][word]) for codec in codecs] for word in table["h264"]}  # type: ignore[index]
        assert _rows(REFERENCE / "formats.md", heading) == expected


def test_messages_that_stay_are_those_of_the_writer() -> None:
    rows = _rows(REPOSITORY / "docs" / "concepts" / "what-is-copied.md", "SEI payload type")
    assert {int(kind): int(longest.split()[0]) for kind, (_, longest) in rows.items()} == dict(DISPLAY_MESSAGES)


def test_views_and_times_are_those_of_the_code() -> None:
    page = (REPOSITORY / "docs" / "concepts" / "how-redaction-works.md").read_text("utf-8")
    options = TrackOptions()
    assert (len(VIEWS), options.gap_s, options.grow_s, options.start_threshold) == (6, 2.0, 0.5, 0.35)
    assert SecondLookOptions().scale == 0.75
    for words in ("in six ways", "up to two seconds", "half a second", "at least 0.35", "three quarters"):
        assert words in page

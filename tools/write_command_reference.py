"""Writes docs/reference/cli.md from the commands, and docs/reference/settings.md from the settings.

Usage: python tools/write_command_reference.py [FOLDER]   (default: docs/reference beside this folder)
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from enum import EnumMeta
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from passerby.cli import app
from passerby.settings import Settings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

COMMANDS = """# The commands

`passerby --help` and `passerby COMMAND --help` print the same in the terminal. `passerby --version` prints the version.

Data goes to standard output, errors and progress to standard error. Colours are left out where nobody looks, and where
`NO_COLOR` is set. The exit code is 0 when everything was done, 1 when something failed or was withheld, 2 when the
command line or a setting is wrong; see [Errors](errors.md).

This page is made from the code by `tools/write_command_reference.py`.
"""

SETTINGS = """# The settings

What a user may set for one run: in Python as `passerby.Settings(...)`, on the command line as options of
`passerby redact`. Unknown keys and values that are not allowed are refused before any work. No setting turns the check
of the finished file off.

This page is made from the code by `tools/write_command_reference.py`.

| Setting | Values | Default | Option | Meaning |
|---|---|---|---|---|
"""

FINGERPRINT = """
All of them stand in the report. A finished copy is skipped by a later run when its input and its settings are the same;
{others} do not count for that, because they do not change what is written.
"""


def commands_text() -> str:
    return "\n".join([COMMANDS, *("\n".join(_command(name, function)) for name, function in _commands())])


def _commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Commands, then those of groups ("camera try")."""
    groups = [(f"{group.name} ", group.typer_instance) for group in app.registered_groups]
    for prefix, typer_of in [("", app), *groups]:
        for command in typer_of.registered_commands if typer_of else ():
            if command.callback is not None:
                yield f"{prefix}{command.name or command.callback.__name__}", command.callback


def _command(name_of_command: str, function: Callable[..., Any]) -> Iterator[str]:
    hints = get_type_hints(function, include_extras=True)
    rows, usage = [], [f"passerby {name_of_command}"]
    options = False
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = hints[name].__origin__, hints[name].__metadata__[0]
        if type(info).__name__ == "ArgumentInfo":
            usage.append(_placeholder(name, kind, info))
            rows.append(f"| `{usage[-1]}` |  | {info.help} |")
        else:
            options = True
            spelling = ", ".join(f"`{text}`" for text in _spellings(name, info))
            value = f" `{_values(kind, info)}`" if kind is not bool else ""
            rows.append(f"| {spelling}{value} | {_default(parameter.default)} | {_cell(info.help)} |")
    usage += ["[OPTIONS]"] if options else []
    yield from (f"## {usage[0]}", "", inspect.getdoc(function) or "", "", f"    {' '.join(usage)}", "")
    yield from ("| Option | Default | Meaning |", "|---|---|---|", *rows, "")


def _placeholder(name: str, kind: Any, info: Any) -> str:
    return info.metavar or (f"{name.upper()}..." if get_origin(kind) is list else name.upper())


def _spellings(name: str, info: Any) -> list[str]:
    # Typer takes the first spelling for the default where the default stands in the signature.
    given = [text for text in (info.default, *(info.param_decls or ())) if isinstance(text, str)]
    long = [text for text in given if text.startswith("--")] or [f"--{name.replace('_', '-')}"]
    return long + [text for text in given if not text.startswith("--")]


def _values(kind: Any, info: Any) -> str:
    if isinstance(kind, EnumMeta):
        return r"\|".join(str(member.value) for member in list[Any](kind))
    if info.metavar:
        return str(info.metavar)
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return {str: "TEXT", float: "NUMBER", int: "N"}.get(kinds[0], "TEXT")


def _default(value: Any) -> str:
    return "" if value is None or isinstance(value, bool) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def settings_text() -> str:
    schema = Settings.model_json_schema()
    options = {name: _spellings(name, info)[0] for name, info in _redact_options()}
    rows = []
    for name, part in schema["properties"].items():
        default = Settings.model_fields[name].get_default(call_default_factory=True)
        option = f"`{options[name]}`" if name in options else ""
        rows.append(f"| `{name}` | {_kind(part)} | {_python(default)} | {option} | {part['description']} |\n")
    left_out = sorted(set(Settings.model_fields) - set(Settings().fingerprinted()))
    names = ", ".join(f"`{name}`" for name in left_out[:-1]) + f" and `{left_out[-1]}`"
    return SETTINGS + "".join(rows) + FINGERPRINT.format(others=names)


def _redact_options() -> Iterator[tuple[str, Any]]:
    redact = next(c.callback for c in app.registered_commands if c.callback and c.callback.__name__ == "redact")
    hints = get_type_hints(redact, include_extras=True)
    for name in inspect.signature(redact).parameters:
        yield name, hints[name].__metadata__[0]


def _kind(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_kind(kind) for kind in part["anyOf"])
    if "enum" in part or "const" in part:
        return ", ".join(f'`"{choice}"`' for choice in part.get("enum", [part.get("const")]))
    if part["type"] == "array":
        items = part.get("items", {})
        polygons = items.get("type") == "array"
        return "polygons: lists of points `(x, y)`, each from 0 to 1" if polygons else f"list of {_kind(items)}"
    if part["type"] == "object":
        return f"{_kind(part['additionalProperties'])}, or a dictionary of such by what is covered"
    if part["type"] in ("number", "integer"):
        return f"{part['type']}{_range(part)}"
    return {"string": "string", "boolean": "`True`, `False`", "null": "`None`"}[part["type"]]


def _range(part: dict[str, Any]) -> str:
    if "minimum" in part and "maximum" in part:
        return f" from {part['minimum']:g} to {part['maximum']:g}"
    return f" over {part['exclusiveMinimum']:g}" if "exclusiveMinimum" in part else ""


def _python(value: Any) -> str:
    return '`"' + value + '"`' if isinstance(value, str) else f"`{value!r}`".replace("'", '"')


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cli.md").write_text(commands_text(), encoding="utf-8")
    (folder / "settings.md").write_text(settings_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""How a command ends: what went wrong goes to standard error, and the exit code says it, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NoReturn

import typer

from passerby.errors import PasserbyError, SettingsError
from passerby.telemetry import printable


def exit_with(run: Callable[[], int], *, as_json: bool = False) -> NoReturn:
    """Run a command and end with its exit code, or with that of what it raised."""
    try:
        code = run()
    except PasserbyError as error:
        code = complain(error, as_json=as_json)
    except KeyboardInterrupt:
        typer.echo("error: interrupted; nothing unfinished was left under a final name", err=True)
        code = 130
    raise typer.Exit(code)


def complain(error: PasserbyError, *, as_json: bool) -> int:
    """Say what went wrong, and give the exit code for it."""
    if as_json:
        typer.echo(json.dumps({"error": error.message, "hint": error.hint}))
    typer.echo(printable(f"error: {error.message}"), err=True)
    if error.hint:
        typer.echo(printable(f"hint: {error.hint}"), err=True)
    return 2 if isinstance(error, SettingsError) else 1

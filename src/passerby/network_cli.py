"""The commands for live cameras: parse, call, print, exit code."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.errors import SettingsError
from passerby.exits import exit_with
from passerby.telemetry import printable

if TYPE_CHECKING:
    from passerby.serve.network import CameraTrial, LookTrial

_NEEDED = ("alembic", "argon2", "fastapi", "nicegui", "prometheus_client", "psutil", "sqlalchemy", "tomli_w", "uvicorn")

config = typer.Typer(help="The file of a town.", no_args_is_help=True)
camera = typer.Typer(help="One camera.", no_args_is_help=True)
archive = typer.Typer(help="What was recorded.", no_args_is_help=True)


class Transport(StrEnum):
    """How RTSP carries pictures."""

    tcp = "tcp"
    udp = "udp"


def add_commands(app: typer.Typer) -> None:
    """Give the program the commands of this file."""
    app.command()(serve)
    app.add_typer(config, name="config")
    app.add_typer(camera, name="camera")
    app.add_typer(archive, name="archive")


def serve(
    town: Annotated[Path | None, typer.Argument(help="Cameras, places and accounts, TOML.", metavar="[TOWN]")] = None,
    folder: Annotated[
        Path, typer.Option(help="Recordings, catalogue, credentials, accounts.", metavar="FOLDER")
    ] = Path("passerby-data"),
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of the file's.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port, in place of the file's; 0 takes a free one.", metavar="N")
    ] = None,
) -> None:
    """Redact and record live cameras, and show them in a web page."""

    def run() -> int:
        _need_extra()
        from passerby.web.running import run_town

        return run_town(town, folder, host=host, port=port)

    exit_with(run)


@config.command("check")
def config_check(
    town: Annotated[Path, typer.Argument(help="A file of settings for `passerby serve`, TOML.")],
) -> None:
    """Say all that is wrong in the file of a town; nothing is started."""

    def run() -> int:
        _need_extra()
        from passerby.serve.town_file import check_town, load_town

        problems = check_town(town)
        for problem in problems:
            typer.echo(printable(f"{town.name}: {problem}"), err=True)
        if not problems:
            counts = load_town(town)
            typer.echo(f"{printable(town.name)}: {_many(len(counts.camera), 'camera')}, nothing is wrong")
        return 2 if problems else 0

    exit_with(run)


@camera.command("try")
def camera_try(
    url: Annotated[str, typer.Argument(help="rtsp://, rtsps://, http://, https://, /dev/video0, a file, or demo:")],
    username: Annotated[
        str | None,
        typer.Option(help="The password is asked for, or taken from PASSERBY_CAMERA_PASSWORD.", metavar="NAME"),
    ] = None,
    transport: Annotated[Transport, typer.Option(help="How RTSP carries pictures.")] = Transport.tcp,
    look_url: Annotated[
        str, typer.Option(help="A second, smaller stream of it, to be looked at; as for URL.", metavar="URL")
    ] = "",
    picture: Annotated[
        Path | None, typer.Option(help="Write one redacted picture there, JPEG.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Connect to a camera, and say what it sends; nothing is recorded."""

    def run() -> int:
        _need_extra()
        from passerby.pending import write_durably
        from passerby.serve.trying import try_url

        password = _password() if username else ""
        trial = try_url(url, username or "", password, transport.value, look_url)
        if picture is not None:
            write_durably(picture, trial.still)
        if as_json:
            typer.echo(json.dumps({name: value for name, value in asdict(trial).items() if name != "still"}))
        else:
            _show_trial(trial, picture)
        return 0

    exit_with(run, as_json=as_json)


@camera.command("find")
def camera_find(
    host: Annotated[
        str | None, typer.Argument(help="A camera that was found, HOST or HOST:PORT; without it all are asked.")
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(help="The password is asked for, or taken from PASSERBY_CAMERA_PASSWORD.", metavar="NAME"),
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds in which cameras may answer.", min=0.1, max=60)] = 3.0,
) -> None:
    """Ask the local network for cameras (ONVIF), or one of them for the addresses of its streams."""

    def run() -> int:
        _need_extra()
        found = _cameras(wait) if host is None else _streams(host, username)
        for line in found:
            typer.echo(printable(line))
        if not found:
            typer.echo("no camera answered by ONVIF", err=True)
        return 0 if found else 1

    exit_with(run)


@archive.command("check")
def archive_check(
    folder: Annotated[Path, typer.Argument(help="The data folder of `passerby serve`.")],
    database: Annotated[
        str | None, typer.Option(help="Of the catalogue, where it is not in the folder.", metavar="URL")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Compare recordings with their catalogue: sizes, contents, nothing missing, nothing left over."""

    def run() -> int:
        _need_extra()
        from passerby.archive import check_archive

        report = check_archive(folder, database)
        if as_json:
            typer.echo(json.dumps(asdict(report)))
        else:
            for problem in report.problems:
                typer.echo(printable(f"wrong: {problem}"))
            typer.echo(f"{_many(report.segments, 'segment')} checked, {_many(len(report.problems), 'problem')}")
        return 1 if report.problems else 0

    exit_with(run, as_json=as_json)


def _need_extra() -> None:
    if os.name != "posix":
        raise SettingsError("live cameras need Linux or macOS; nothing was started")
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"live cameras need packages that are not installed ({', '.join(missing)}); nothing was started",
            hint="pip install 'passerby[serve]'",
        )


def _cameras(wait_s: float) -> list[str]:
    """A line for each camera that answers."""
    from passerby.read.onvif import discover

    found = discover(wait_s)
    return [f"{camera.host}:{camera.port} {camera.name} {camera.hardware}".rstrip() for camera in found]


def _streams(host: str, username: str | None) -> list[str]:
    """A line for each stream that a camera offers, the largest first."""
    from passerby.read.onvif import stream_addresses

    name, _, port = host.rpartition(":") if host.count(":") == 1 else (host, "", "80")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"{host} is no host with a port; nobody was asked", hint="Write it like 192.0.2.7:80")
    streams = stream_addresses(name, int(port), username or "", _password() if username else "")
    return [f"{stream.url} ({stream.codec}, {stream.width}x{stream.height})" for stream in streams]


def _password() -> str:
    """Never from the command line, which everybody on this machine can read."""
    given = os.environ.get("PASSERBY_CAMERA_PASSWORD")
    return given if given is not None else str(typer.prompt("Password", hide_input=True, err=True))


def _show_trial(trial: CameraTrial, picture: Path | None) -> None:
    offset = trial.clock_offset_s
    clock = (
        "unknown" if offset is None else f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} this machine's"
    )
    lines = {
        "sends": f"{trial.codec}, {trial.width}x{trial.height}, {trial.rate_fps:.1f} fps",
        "keyframes": "unknown" if trial.gop_s is None else f"every {trial.gop_s:.1f} s",
        "clock": clock,
        "clear stretches": f"encoded anew: {trial.why_not_copied}" if trial.why_not_copied else "stored as they come",
        "covered in one picture": ", ".join(trial.covered) or "nothing was found to cover",
        **({"smaller stream": _looked_at(trial.look)} if trial.look else {}),
        "that picture": "not kept; --picture FILE writes it" if picture is None else str(picture),
    }
    for what, value in lines.items():
        typer.echo(printable(f"{what}: {value}"))


def _looked_at(look: LookTrial) -> str:
    shows = {"same": "the same picture", "other": "another picture", "unknown": "too little to be compared"}[look.shows]
    return f"{look.width}x{look.height}, {look.rate_fps:.1f} fps, shows {shows}"


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")

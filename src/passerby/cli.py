"""The commands: parse, call, print, exit code. No logic of redaction lives here.

Exit codes: 0 everything done; 1 something failed or was withheld; 2 wrong usage or settings.
"""

from __future__ import annotations

import io
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerby.errors import PasserbyError, SettingsError
from passerby.exits import complain, exit_with
from passerby.network_cli import add_commands

if TYPE_CHECKING:
    from passerby.account import Artefacts
    from passerby.console import Listener
    from passerby.settings import Settings

app = typer.Typer(
    name="passerby",
    help="Footage goes in, a copy in which everyone is a passer-by comes out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class Style(StrEnum):
    """How a face is covered."""

    fill = "fill"
    black = "black"
    frost = "frost"


class Audio(StrEnum):
    """What happens to the sound."""

    drop = "drop"
    keep = "keep"


class Codec(StrEnum):
    """Of what is encoded."""

    auto = "auto"
    h264 = "h264"
    hevc = "hevc"
    av1 = "av1"


class Quality(StrEnum):
    """Of what is encoded."""

    small = "small"
    good = "good"
    high = "high"
    near_lossless = "near-lossless"


class Speed(StrEnum):
    """Of the encoder."""

    fastest = "fastest"
    fast = "fast"
    balanced = "balanced"
    thorough = "thorough"


class Provider(StrEnum):
    """What the detector runs on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    coreml = "coreml"
    directml = "directml"
    openvino = "openvino"


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per file on standard output.")]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.", is_eager=True)] = False,
) -> None:
    if version:
        from passerby import __version__

        typer.echo(f"passerby {__version__}")
        raise typer.Exit


@app.command()
def redact(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders and patterns.", metavar="INPUTS...")],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="A file for one file, a folder for anything.", metavar="PATH")
    ] = None,
    cover: Annotated[
        str, typer.Option(help="What is covered, with commas between: head, face, plate, person, text, motion.")
    ] = "head,plate",
    style: Annotated[Style, typer.Option(help="fill: one colour from around it; frost: soft, from around it.")] = (
        Style.fill
    ),
    margin: Annotated[
        str | None,
        typer.Option(help="How much a box grows on every side, as a share of it: 0.2, or head=0.2,plate=0.3."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(help='Leave what lies wholly in this polygon: "x,y x,y x,y", 0 to 1.', metavar="REGION"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Cover only what touches this polygon.", metavar="REGION")
    ] = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Look at every frame at full size.")] = False,
    audio: Annotated[Audio, typer.Option(help="Sound identifies people: it goes, unless kept.")] = Audio.drop,
    codec: Annotated[Codec, typer.Option(help="Of videos; auto is H.264, HEVC for 10 bits.")] = Codec.auto,
    quality: Annotated[Quality, typer.Option(help="Of what is encoded.")] = Quality.good,
    speed: Annotated[Speed, typer.Option(help="Of the encoder; slower ones make smaller files.")] = Speed.fast,
    hardware: Annotated[
        str | None, typer.Option(help="Encode on it: nvenc, qsv, vaapi, videotoolbox, amf.", metavar="NAME")
    ] = None,
    no_copy: Annotated[
        bool, typer.Option("--no-copy", help="Encode clear GOPs too, instead of copying their packets.")
    ] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Write what can be read of a damaged or cut-off file.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write what was found and done, as JSON.", metavar="FILE")] = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="Write the plan, or paint from it if it is there already.", metavar="FILE"),
    ] = None,
    contact_sheet: Annotated[
        bool, typer.Option("--contact-sheet", help="Write a PNG of covered frames beside the copy.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Files at the same time.", metavar="N")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Do finished files again, and replace outputs.")] = False,
    provider: Annotated[Provider, typer.Option(help="What the detector runs on.")] = Provider.auto,
    max_megapixels: Annotated[
        float | None,
        typer.Option(help="Refuse larger pictures: 200 for photos, 50 for videos unless set.", metavar="N"),
    ] = None,
    max_frames: Annotated[int, typer.Option(help="Refuse longer animations.", metavar="N")] = 10_000,
    max_hours: Annotated[float, typer.Option(help="Refuse longer videos.", metavar="N")] = 6,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log details for developers on standard error.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write copies of photos and videos in which heads and licence plates are covered, or what --cover says."""

    def run() -> int:
        from passerby.account import Artefacts
        from passerby.console import Listener
        from passerby.redact.polygons import parse_polygon
        from passerby.settings import Settings
        from passerby.telemetry import log_to_stderr

        if verbose:
            log_to_stderr()
        settings = Settings.of(
            cover=tuple(part.strip() for part in cover.split(",")),
            style=style.value,
            margin=margin if margin is not None else {},
            keep=tuple(parse_polygon(text).points for text in keep or ()),
            only=tuple(parse_polygon(text).points for text in only or ()),
            thorough=thorough,
            audio=audio.value,
            codec=codec.value,
            quality=quality.value,
            speed=speed.value,
            hardware=hardware,
            copy_clear=not no_copy,
            salvage=salvage,
            provider=provider.value,
            max_megapixels=max_megapixels,
            max_frames=max_frames,
            max_hours=max_hours,
        )
        artefacts = Artefacts(report, plan, contact_sheet)
        listener = Listener(quiet=quiet, as_json=as_json)
        return _redact_all(inputs, output, settings, artefacts, listener, jobs=jobs, force=force)

    exit_with(run, as_json=as_json)


def _redact_all(
    inputs: list[str],
    output: str | None,
    settings: Settings,
    artefacts: Artefacts,
    listener: Listener,
    *,
    jobs: int,
    force: bool,
) -> int:
    from passerby.batch.finished import finished_jobs, is_finished_copy, report_again
    from passerby.batch.planning import plan_batch
    from passerby.batch.running import ended, run_batch

    folder = output is not None and output.endswith(("/", "\\"))
    target = Path(output) if output is not None else None
    batch = plan_batch(inputs, target, one_folder=folder, is_copy=is_finished_copy)
    if len(batch.jobs) > 1 and (artefacts.report or artefacts.plan):
        raise SettingsError("--report and --plan name one file, and there are several inputs; nothing was started")
    finished = {} if force else finished_jobs(batch.jobs, settings, artefacts)
    for job, report in finished.items():
        report_again(job, report, artefacts)
        listener.ended(ended(job, report, settings, before=True))
    todo = [job for job in batch.jobs if job not in finished]
    with listener.watching(batch) as on_progress:
        for outcome in run_batch(todo, settings, artefacts, workers=jobs, replace=force, on_progress=on_progress):
            listener.ended(outcome)
    return listener.summary()


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A finished copy.")],
    original: Annotated[Path | None, typer.Option(help="What it was made from.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Read a finished file back, and look at it a second time."""

    def run() -> int:
        from passerby.console import show_findings
        from passerby.inspection import check_file

        return show_findings(check_file(file, original), as_json=as_json)

    exit_with(run, as_json=as_json)


@app.command()
def probe(
    files: Annotated[list[Path], typer.Argument(help="Photos and videos.")],
    as_json: AsJson = False,
) -> None:
    """Say what is in a file: streams, GOPs, timing, and the metadata that would go."""

    def run() -> int:
        from passerby.console import show_contents
        from passerby.inspection import contents_of

        code = 0
        for file in files:
            try:
                show_contents(contents_of(file), as_json=as_json)
            except PasserbyError as error:
                code = complain(error, as_json=as_json)
        return code

    exit_with(run, as_json=as_json)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models: what each finds, its licence, its hash, where it runs here."""

    def run() -> int:
        from passerby.console import show_models
        from passerby.inspection import models_here

        return show_models(models_here(), as_json=as_json)

    exit_with(run, as_json=as_json)


@app.command()
def accuracy(
    boxes: Annotated[
        list[Path], typer.Argument(help="Labelled material: boxes.json files, or folders with one.", metavar="BOXES...")
    ],
    label: Annotated[
        list[str] | None,
        typer.Option(help="What a label in it means: helmet=head, or bicycle=ignore.", metavar="THEIRS=OURS"),
    ] = None,
    cover: Annotated[
        str | None,
        typer.Option(help="What is looked for and counts; unset, the default of redact, and heads, faces, plates."),
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(
            help="Look with these models alone, too, once, at full size; with commas between, or all.", metavar="NAMES"
        ),
    ] = None,
    no_redact: Annotated[bool, typer.Option("--no-redact", help="Look with the models alone only.")] = False,
    pictures: Annotated[
        list[str] | None, typer.Option(help="Only files whose names match, such as images/000001*.", metavar="PATTERN")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many files of each set, evenly chosen.", metavar="N")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Files at the same time.", metavar="N")] = 1,
    provider: Annotated[Provider, typer.Option(help="What the detector runs on.")] = Provider.auto,
    plots: Annotated[Path | None, typer.Option(help="Write plots there, as PNG.", metavar="FOLDER")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables, as Markdown.", metavar="FILE")] = None,
    misses: Annotated[
        Path | None,
        typer.Option(help="Write a PNG of what stays exposed. It shows people: keep it to yourself.", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per set and way of looking.")] = False,
) -> None:
    """Measure on labelled pictures and clips what stays exposed, what is painted for nothing, and what it costs."""

    def run() -> int:
        from passerby.measure import command

        wanted = command.Wanted(
            cover, models or "", not no_redact, provider.value, jobs, plots=plots, markdown=markdown, misses=misses
        )
        sets = command.chosen_sets(boxes, label or (), pictures or (), limit)
        return command.run(sets, wanted, as_json=as_json)

    exit_with(run, as_json=as_json)


add_commands(app)


def main() -> None:
    """The program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show ends no batch
    app()


if __name__ == "__main__":
    main()

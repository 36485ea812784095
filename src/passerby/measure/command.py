"""One run of `passerby accuracy`: what was asked for, measured, shown, and written."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from passerby.detect.zoo import entry_of, zoo
from passerby.errors import SettingsError
from passerby.measure.material import IGNORED, LabelledSet, read_set
from passerby.measure.misses import write_misses
from passerby.measure.plots import require_matplotlib, write_plots
from passerby.measure.running import OnFile, counted_for, measure
from passerby.measure.summary import Summary
from passerby.measure.tables import markdown_of, print_tables
from passerby.measure.ways import AsRedact, ModelAlone, Way
from passerby.pending import write_durably
from passerby.regions import LABELS
from passerby.settings import Settings

_PIPE_WIDTH = 200  # characters: a table that nobody looks at is not to be folded


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for besides the sets.

    Attributes:
        cover: what is looked for and what counts, with commas between; None for the default.
        models: names of models to look with alone, with commas between, or "all".
        redact: look as `passerby redact` does, too.
        provider: what models run on, "auto" for the best.
        jobs: files at the same time.
        plots: folder for PNG plots.
        markdown: file for the tables.
        misses: file for crops of what stays exposed.
    """

    cover: str | None = None
    models: str = ""
    redact: bool = True
    provider: str = "auto"
    jobs: int = 1
    plots: Path | None = None
    markdown: Path | None = None
    misses: Path | None = None


def chosen_sets(
    paths: Sequence[Path], labels: Sequence[str], pictures: Sequence[str], most: int | None
) -> list[LabelledSet]:
    """Read the files of boxes, and choose from them.

    Raises:
        SettingsError: a file is missing, a label unknown, or two sets have the same name.
        SourceUnreadable: a file holds no boxes.
    """
    meanings = dict(_meaning(text) for text in labels)
    sets = [read_set(path, meanings) for path in paths]
    names = [labelled.name for labelled in sets]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{name}: two sets are called so; nothing was measured")
    sets = [labelled.matching(pictures) for labelled in sets]
    return sets if most is None else [labelled.thinned(most) for labelled in sets]


def _meaning(text: str) -> tuple[str, str]:
    theirs, _, ours = text.rpartition("=")
    if ours not in (*LABELS, IGNORED) or "=" not in text:
        raise SettingsError(
            f"--label {text}: is not their label, =, and one of {', '.join((*LABELS, IGNORED))}; nothing was measured"
        )
    return theirs, ours


def run(sets: Sequence[LabelledSet], wanted: Wanted, *, as_json: bool) -> int:
    """Measure, show, write; the exit code is 1 where a file came to no copy.

    Raises:
        PasserbyError: see `running.measure`, `plots.write_plots` and `misses.write_misses`.
    """
    if wanted.plots is not None:
        require_matplotlib()
    ways, cover = _ways(wanted), _cover(wanted)
    summaries = []
    with _progress(sum(len(labelled.files) for labelled in sets) * len(ways), as_json=as_json) as on_file:
        for summary in measure(sets, ways, counted=counted_for(cover), jobs=wanted.jobs, on_file=on_file):
            summaries.append(summary)
            if as_json:
                print(summary.model_dump_json(), flush=True)
    if not as_json:
        console = Console(highlight=False)
        console.width = console.width if console.is_terminal else _PIPE_WIDTH
        print_tables(summaries, console)
    _write(summaries, sets, wanted)
    return 1 if any(summary.refused for summary in summaries) else 0


def _write(summaries: Sequence[Summary], sets: Sequence[LabelledSet], wanted: Wanted) -> None:
    if wanted.markdown is not None:
        write_durably(wanted.markdown, markdown_of(summaries).encode())
    if wanted.plots is not None:
        write_plots(summaries, wanted.plots)
    if wanted.misses is not None:
        write_misses(summaries, sets, wanted.misses)


def _cover(wanted: Wanted) -> tuple[str, ...] | None:
    return None if wanted.cover is None else tuple(part.strip() for part in wanted.cover.split(","))


def _ways(wanted: Wanted) -> list[Way]:
    cover = _cover(wanted)
    chosen = {"provider": wanted.provider} | ({"cover": cover} if cover is not None else {})
    ways: list[Way] = [AsRedact(Settings.of(**chosen))] if wanted.redact else []
    names = [entry.name for entry in zoo()] if wanted.models == "all" else wanted.models.split(",")
    provider = None if wanted.provider == "auto" else wanted.provider
    ways += [ModelAlone(entry_of(name.strip()).name, provider) for name in names if name.strip()]
    if not ways:
        raise SettingsError("nothing looks: --no-redact leaves only what --models names; nothing was measured")
    return ways


@contextmanager
def _progress(files: int, *, as_json: bool) -> Generator[OnFile, None, None]:
    """A bar on standard error, if a person looks."""
    console = Console(stderr=True, highlight=False)
    if as_json or not console.is_terminal:
        yield lambda set_name, way: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("looking", total=files)
        yield lambda set_name, way: progress.update(task, advance=1, description=f"{set_name}: {way}")

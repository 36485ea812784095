"""What a person sees: progress, a line for each file, a summary. Data goes to standard output, errors to the other."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from passerby.batch.planning import Batch
from passerby.batch.running import Outcome
from passerby.check.report import Report
from passerby.telemetry import OnProgress, printable, unheard
from passerby.telemetry import Progress as Word

if TYPE_CHECKING:
    from passerby.inspection import Findings

_STAGES = {"look": "looking", "write": "writing", "check": "checking"}
_SHOWN_FILES = 5


class Listener:
    """Tells a person, or a program, how a batch goes.

    Nobody looks when standard error is no terminal: then there is no moving progress, one line for each file.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)
        self._outcomes: list[Outcome] = []
        self._aside: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @contextmanager
    def watching(self, batch: Batch) -> Generator[OnProgress, None, None]:
        """Show progress while the block runs, if a person looks."""
        self._aside = (batch.left_out, batch.copies)
        if self._quiet or self._as_json or not self._errors.is_terminal:
            yield unheard
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[fps]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._errors, transient=True) as progress:
            yield _Bars(progress).hear

    def ended(self, outcome: Outcome) -> None:
        """One file has ended."""
        self._outcomes.append(outcome)
        if self._as_json:
            print(json.dumps(as_object(outcome)), flush=True)
        elif outcome.ok and not self._quiet:
            print(printable(_line(outcome)), flush=True)
        if not outcome.ok:
            self._errors.print(printable(f"error: {outcome.message}"), markup=False)
            if outcome.hint:
                self._errors.print(printable(f"hint: {outcome.hint}"), markup=False)

    def summary(self) -> int:
        """Say what was covered, dropped and withheld, and give the exit code."""
        if not self._quiet and not self._as_json:
            for line in _summary(self._outcomes, *self._aside):
                print(printable(line))
        if all(outcome.ok for outcome in self._outcomes):
            return 0
        return 2 if all(outcome.wrong_settings for outcome in self._outcomes) else 1


class _Bars:
    """One bar, of the file and the stage that were heard of last."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._key: tuple[str, str] | None = None
        self._task: TaskID | None = None

    def hear(self, word: Word) -> None:
        """Move the bar."""
        with self._lock:
            if self._key != (word.name, word.stage) or self._task is None:
                if self._task is not None:
                    self._progress.remove_task(self._task)
                self._key = (word.name, word.stage)
                description = printable(f"{word.name}: {_STAGES[word.stage]}")
                self._task = self._progress.add_task(description, total=word.frames, fps="")
            task = self._progress.tasks[self._progress.task_ids.index(self._task)]
            fps = f"{task.speed:.1f} fps" if task.speed else ""
            self._progress.update(self._task, completed=word.frame, total=word.frames, fps=fps)


def as_object(outcome: Outcome) -> dict[str, Any]:
    """One file as a JSON object: how it ended, and its report."""
    return {
        "input": outcome.job.name,
        "output": str(outcome.job.target) if outcome.status in ("done", "skipped", "damaged") else None,
        "status": outcome.status,
        "message": outcome.message,
        "hint": outcome.hint,
        "report": outcome.report.model_dump(mode="json") if outcome.report is not None else None,
    }


def _line(outcome: Outcome) -> str:
    target = outcome.job.target.name
    if outcome.status == "skipped":
        return f"{outcome.job.name}: finished already, {target} is of the same input and settings; skipped"
    return f"{outcome.job.name}: {target}, {_covered(outcome.report)}" if outcome.report else outcome.job.name


def _covered(report: Report) -> str:
    if not report.frames_covered:
        return "nothing was found to cover"
    if report.input.kind == "photo" and report.frames == 1:
        return f"{_listed(report.regions_by_label)} covered"
    # A plan that somebody gave names no tracks, and nor do frames that nobody could look at.
    tracks = Counter(f"{track.label} track" for track in report.tracks)
    who = f"{_listed(tracks)} covered" if tracks else "covered"
    words = f"{who} in {report.frames_covered} of {report.frames} frames"
    return words + (f", {report.frames_covered_whole} of them whole" if report.frames_covered_whole else "")


def _listed(counts: Mapping[str, int]) -> str:
    """Things and how many of each, as a sentence has them."""
    several = [_count(number, what) for what, number in counts.items()]
    return " and ".join(filter(None, (", ".join(several[:-1]), *several[-1:])))


def _summary(outcomes: list[Outcome], left_out: tuple[str, ...], copies: tuple[str, ...]) -> Iterable[str]:
    counts = Counter(outcome.status for outcome in outcomes)
    yield ""
    yield _count(len(outcomes), "file") + ": " + ", ".join(f"{number} {status}" for status, number in counts.items())
    dropped = _by_what({o.job.name: o.report.dropped for o in outcomes if o.report and o.ok})
    if dropped:
        yield "Not in the copies: " + "; ".join(dropped)
    for what in _by_what({o.job.name: o.report.stated for o in outcomes if o.report}):
        yield f"Mind: {what}"
    for outcome in outcomes:
        yield from _warnings(outcome)
    if copies:
        yield f"Redacted copies themselves, left alone: {_few(copies)}"
    if left_out:
        yield f"Neither photos nor videos by their names, not copied: {_few(left_out)}"


def _warnings(outcome: Outcome) -> Iterable[str]:
    report, name = outcome.report, outcome.job.name
    if report is None or report.output is None:
        return
    standing = report.second_look.standing if report.second_look else ()
    if standing:
        times = ", ".join(dict.fromkeys(f"{moment.time_s:.1f} s" for moment in standing))
        where = "" if report.input.kind == "photo" else f", at {times}"
        yield f"Look at {name}: the second look found {_count(len(standing), 'place')} like a face or a plate{where}"
    if report.damage:
        yield f"Damaged: {name}: {_few(report.damage)}"
    if report.moments and report.input.kind == "video":
        yield f"{name}: {_count(len(report.moments), 'moment')} worth a look, listed in the report"


def _by_what(parts: Mapping[str, Iterable[str]]) -> list[str]:
    """Each thing once, with the files that it is said of."""
    files: dict[str, list[str]] = {}
    for name, things in parts.items():
        for thing in things:
            files.setdefault(thing, []).append(name)
    everywhere = len(parts)
    return [thing if len(names) == everywhere else f"{thing} ({_few(names)})" for thing, names in files.items()]


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _SHOWN_FILES} more" if len(listed) > _SHOWN_FILES else ""
    return ", ".join(listed[:_SHOWN_FILES]) + more


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def show_findings(found: Findings, *, as_json: bool) -> int:
    """Say what reading a copy back showed; the exit code is 1 if there is anything to complain of."""
    if as_json:
        print(json.dumps(asdict(found) | {"sound": found.sound}))
        return 0 if found.sound else 1
    against = f" against {found.compared_with}" if found.compared_with else ", without its original"
    print(f"{printable(found.name)}: {_count(found.frames, 'frame')} read back{against}, {found.looked_at} looked at")
    for problem in found.problems:
        print(f"  wrong: {problem}")
    for place in found.standing:
        box = ", ".join(f"{edge:.0f}" for edge in place.box)
        print(f"  like a face or a plate: at {place.time_s:.2f} s, box {box}, score {place.score:.2f}")
    print("  sound" if found.sound else "  look at it before you publish it")
    return 0 if found.sound else 1


def show_contents(facts: dict[str, Any], *, as_json: bool) -> None:
    """Say what is in a file."""
    if as_json:
        print(json.dumps(facts))
        return
    print(printable(f"{facts['file']}:"))
    for key, value in facts.items():
        if key != "file":
            print(printable(f"  {key}: {_in_words(value)}"))


def show_models(models: list[dict[str, Any]], *, as_json: bool) -> int:
    """List models."""
    for model in models:
        if as_json:
            print(json.dumps(model))
        else:
            print(f"{model['name']}: finds {model['finds']}, {model['licence']}, runs on {', '.join(model['runs on'])}")
            print(f"  SHA-256 {model['sha256']}")
    return 0


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in value.items())
    if isinstance(value, list):
        return "; ".join(value) if value else "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not said" if value is None else str(value)

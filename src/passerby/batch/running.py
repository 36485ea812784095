"""Who does the work: this process for one file after the other, or several processes at once."""

from __future__ import annotations

import logging
import multiprocessing
import os
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from passerby.account import Artefacts
from passerby.batch.planning import Job
from passerby.check.report import Report
from passerby.errors import PasserbyError, RedactionIncomplete, SettingsError, SourceError
from passerby.hardening import keep_memory_private
from passerby.pipeline.files import redact_file
from passerby.settings import Settings
from passerby.telemetry import OnProgress, unheard

_log = logging.getLogger("passerby")
_PACKAGE = Path(__file__).parents[1]

Status = Literal["done", "skipped", "damaged", "withheld", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job ended.

    Attributes:
        job: which.
        status: "done"; "skipped": a finished copy was there already; "damaged": written, with frames that could not be
            decoded painted whole; "withheld": looked at and not written; "refused": the input cannot be used;
            "failed": anything else.
        report: what was found and done, where it came to a report.
        message: what went wrong, in one sentence, or "".
        hint: what to do about it, or None.
        wrong_settings: it did not even start, because the settings do not fit it.
    """

    job: Job
    status: Status
    report: Report | None = None
    message: str = ""
    hint: str | None = None
    wrong_settings: bool = False

    @property
    def ok(self) -> bool:
        """Whether the user has what was asked for."""
        return self.status in ("done", "skipped")


def run_batch(
    jobs: Sequence[Job],
    settings: Settings,
    artefacts: Artefacts,
    *,
    workers: int = 1,
    replace: bool = False,
    on_progress: OnProgress = unheard,
) -> Iterator[Outcome]:
    """Redact every job, and say how each ended as soon as it has. One bad file never stops the others.

    With several workers each file goes to a process of a pool, and `on_progress` stays silent.
    """
    workers = min(workers, len(jobs))
    threads = max(1, (os.cpu_count() or 1) // max(1, workers))
    work = partial(_redact_one, settings=settings, artefacts=artefacts, replace=replace, threads=threads)
    if workers > 1:
        yield from _in_pool(jobs, work, workers)
    else:
        yield from (work(job, on_progress=on_progress) for job in jobs)


def ended(job: Job, report: Report, settings: Settings, *, before: bool = False) -> Outcome:
    """How a job ended, now or in an earlier run, that came to a copy."""
    if report.complete or settings.salvage:
        return Outcome(job, "skipped" if before else "done", report)
    return Outcome(job, "damaged", report, report.incomplete_because, "--salvage accepts what could be read")


def _in_pool(jobs: Sequence[Job], work: partial[Outcome], workers: int) -> Iterator[Outcome]:
    context = multiprocessing.get_context("spawn")
    suspects: list[Job] = []
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures: dict[Future[Outcome], Job] = {pool.submit(work, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    suspects.append(futures[future])
        finally:
            # After an interruption nothing new is begun. Where all is done, a pool that nobody waits for may still be
            # closing when Python ends, and complain.
            pool.shutdown(wait=all(future.done() for future in futures), cancel_futures=True)
    # One process died and took the pool with it: whoever was innocent succeeds alone.
    for job in suspects:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            try:
                yield pool.submit(work, job).result()
            except BrokenProcessPool:
                message = f"{job.name}: its process was killed, perhaps for want of memory; nothing was written"
                yield Outcome(job, "failed", message=message, hint="use fewer --jobs")


def _redact_one(
    job: Job,
    *,
    settings: Settings,
    artefacts: Artefacts,
    replace: bool,
    threads: int,
    on_progress: OnProgress = unheard,
) -> Outcome:
    keep_memory_private()
    try:
        result = redact_file(
            job.source,
            job.target,
            settings,
            name=job.name,
            artefacts=artefacts.kept_at(job.state),
            replace=replace,
            threads=threads,
            on_progress=on_progress,
        )
    except PasserbyError as error:
        return _unfinished(job, error)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "the operating system refused"
        return Outcome(job, "failed", message=f"{job.name}: {reason}; nothing was written")
    except MemoryError:
        return Outcome(job, "failed", message=f"{job.name}: not enough memory; nothing was written")
    except Exception as error:
        # A mistake of ours, or of a library: the other files must not suffer for it. What it says may hold anything.
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.debug("%s: %s\n%s", job.name, type(error).__name__, where)
        what = f"an unexpected {type(error).__name__} in {_innermost(error)}"
        return Outcome(job, "failed", message=f"{job.name}: {what}; nothing was written")
    return ended(job, result.report, settings)


def _innermost(error: Exception) -> str:
    """The last place of this package that the error came through: file and line."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(_PACKAGE)]
    return f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}"


def _unfinished(job: Job, error: PasserbyError) -> Outcome:
    status: Status = "failed"
    if isinstance(error, RedactionIncomplete):
        status = "withheld"
    elif isinstance(error, SourceError):
        status = "refused"
    wrong = isinstance(error, SettingsError)
    return Outcome(job, status, error.report, error.message, error.hint, wrong_settings=wrong)

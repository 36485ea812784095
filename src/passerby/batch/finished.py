"""What is finished already, by the reports that earlier runs left beside their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from passerby.account import Artefacts
from passerby.batch.planning import STATE_FOLDER, Job
from passerby.check.report import Report, settings_fingerprint, sha256_of
from passerby.errors import SettingsError
from passerby.settings import Settings


def finished_jobs(jobs: Sequence[Job], settings: Settings, artefacts: Artefacts) -> dict[Job, Report]:
    """The jobs whose outputs are there, made from the same input with the same settings; the bytes are compared.

    Raises:
        SettingsError: an output exists that is not such a one.
    """
    finished = {}
    fingerprint = settings_fingerprint(settings.fingerprinted())
    for job in jobs:
        if not job.target.exists():
            continue
        report = _report_of(job)
        if report is None or not _is_this(report, job, fingerprint) or not _same_plan(report, artefacts):
            raise SettingsError(
                f"{job.target.name} exists and is not a finished copy of {job.name} with these settings; "
                "nothing was started",
                hint="--force replaces it, -o chooses another name",
            )
        finished[job] = report
    return finished


def report_again(job: Job, report: Report, artefacts: Artefacts) -> None:
    """Write the report of a finished job where it was asked for this time.

    Raises:
        SettingsError: something else has that name.
        OutputError: it cannot be written.
    """
    if artefacts.report is not None:
        artefacts.refuse_meetings(job.source, job.target)
        report.save(artefacts.report)


def is_finished_copy(file: Path) -> bool:
    """Whether a file is a copy that an earlier run finished."""
    state = file.parent / STATE_FOLDER / f"{file.name}.json"
    if not state.exists():
        return False
    with suppress(SettingsError):
        report = Report.load(state)
        return report.output is not None and report.output.sha256 == sha256_of(file)
    return False


def _report_of(job: Job) -> Report | None:
    try:
        return Report.load(job.state) if job.state.exists() else None
    except SettingsError:
        return None


def _is_this(report: Report, job: Job, fingerprint: str) -> bool:
    if report.output is None or report.settings_sha256 != fingerprint:
        return False
    if report.output.size_bytes != job.target.stat().st_size:
        return False
    return report.input.sha256 == sha256_of(job.source) and report.output.sha256 == sha256_of(job.target)


def _same_plan(report: Report, artefacts: Artefacts) -> bool:
    """Whether the plan that was asked for or given is the one that the copy was painted from."""
    if artefacts.plan is None:
        return True
    return artefacts.plan.exists() and report.plan_sha256 == sha256_of(artefacts.plan)

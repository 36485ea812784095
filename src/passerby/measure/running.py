"""Every way of looking over every set, file by file, in one process or in several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from passerby.errors import PasserbyError, RedactionIncomplete, SettingsError, SourceError
from passerby.measure.judging import judge
from passerby.measure.material import LabelledFile, LabelledSet, check_against_pictures
from passerby.measure.summary import FileResult, Summary, summarise
from passerby.measure.ways import Cost, Way

COUNTED = frozenset({"head", "face", "plate"})
"""What counts where nobody says what is covered: what the default is for."""

OnFile = Callable[[str, str], None]
"""Told the set and the way after each file."""


def counted_for(cover: Iterable[str] | None) -> frozenset[str]:
    """Labels that count when this is covered; a face is covered as part of its head."""
    if cover is None:
        return COUNTED
    wanted = frozenset(cover)
    return wanted | {"face"} if "head" in wanted else wanted


@dataclass(frozen=True, slots=True)
class _Work:
    """One file and one way of looking: what a process is sent."""

    way: Way
    file: LabelledFile
    counted: frozenset[str]
    faces_labelled: bool

    def __call__(self) -> FileResult:
        cost = Cost()
        try:
            judged = tuple(
                judge(pair, self.file.frames[pair.frame], self.counted, faces_labelled=self.faces_labelled)
                for pair in self.way.pairs(self.file, cost)
            )
        except (SourceError, RedactionIncomplete) as error:
            return FileResult(self.file.name, (), cost, error.message)
        return FileResult(self.file.name, judged, cost)


def measure(
    sets: Sequence[LabelledSet],
    ways: Sequence[Way],
    *,
    counted: frozenset[str] = COUNTED,
    jobs: int = 1,
    on_file: OnFile = lambda set_name, way: None,
) -> Iterator[Summary]:
    """Look at every set in every way that may cover what is labelled in it; a summary as soon as each is done.

    Args:
        sets: labelled material.
        ways: of looking.
        counted: labels that count.
        jobs: files at the same time, each in a process of its own; processor time is measured in each by itself.
        on_file: told after each file.

    Raises:
        SettingsError: nothing in a set counts.
        SourceError: labels do not belong to their pictures.
        ModelError: a model cannot run here.
        PasserbyError: a process was killed.
    """
    for labelled in sets:
        _refuse_uncounted(labelled, counted)
        check_against_pictures(labelled)
    with _Workers(jobs) as workers:
        for labelled in sets:
            for way in ways:
                if labelled.labels and not any(way.may_cover(label) for label in labelled.labels & counted):
                    continue
                results = []
                for result in workers.each(_work(labelled, way, counted)):
                    results.append(result)
                    on_file(labelled.name, way.name)
                yield summarise(labelled.name, way.name, labelled.labels & counted, results)


def _work(labelled: LabelledSet, way: Way, counted: frozenset[str]) -> list[_Work]:
    both = {"head", "face"} <= labelled.labels
    return [_Work(way, file, counted, both) for file in labelled.files]


def _refuse_uncounted(labelled: LabelledSet, counted: frozenset[str]) -> None:
    if not labelled.files:
        raise SettingsError(f"{labelled.name}: no picture of it was chosen; nothing was measured")
    if labelled.labels and not labelled.labels & counted:
        raise SettingsError(
            f"{labelled.name}: only {', '.join(sorted(labelled.labels))} is labelled in it, and what counts is "
            f"{', '.join(sorted(counted))}; nothing was measured",
            hint="--cover says what is looked for, --label what a label means",
        )


class _Workers:
    """Does work here, or in several processes; results come in order."""

    def __init__(self, jobs: int) -> None:
        self._pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) if jobs > 1 else None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def each(self, work: Sequence[_Work]) -> Iterator[FileResult]:
        """What comes of each, in order."""
        if self._pool is None:
            yield from (one() for one in work)
            return
        try:
            yield from self._pool.map(_done, work)
        except BrokenProcessPool as error:
            raise PasserbyError(
                "a process that looked at pictures was killed, perhaps for want of memory; the measurement was given "
                "up",
                hint="use fewer --jobs",
            ) from error


def _done(work: _Work) -> FileResult:
    return work()

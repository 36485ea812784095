"""What happened to one file: kept while it happens, and told in a report at the end, whatever the end is."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from passerby.account.artefacts import Artefacts, sheet_of
from passerby.account.damage import damage_in_words, is_cut_off, what_can_be_read, what_was_painted_whole, what_was_read
from passerby.account.facts import Facts, facts_of_check, facts_of_input, facts_of_looking
from passerby.account.progress import FileProgress
from passerby.check.contact_sheet import ContactSheet
from passerby.check.report import (
    InputFile,
    Model,
    OutputFile,
    Report,
    Verdict,
    library_versions,
    settings_fingerprint,
    sha256_of,
)
from passerby.check.second_look import SecondLook
from passerby.errors import PasserbyError, RedactionIncomplete, SettingsError, SourceError
from passerby.media import PhotoInfo, VideoInfo
from passerby.redact.plan import Plan
from passerby.regions import Look, Track
from passerby.settings import Settings
from passerby.telemetry import OnProgress, Stage, Timings, printable

if TYPE_CHECKING:
    from passerby.read.damage import Damage
    from passerby.write.video import Written

__all__ = ["Account", "Artefacts", "Result"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one file.

    Attributes:
        target: the finished copy.
        report: what was found and done.
        plan: what was painted.
    """

    target: Path
    report: Report
    plan: Plan


class Account:
    """One file on its way. A context manager: leaving it by an error writes the report of the failure."""

    def __init__(
        self,
        source: Path,
        target: Path,
        settings: Settings,
        name: str,
        artefacts: Artefacts,
        *,
        replace: bool,
        threads: int,
        on_progress: OnProgress,
    ) -> None:
        self.source, self.target, self.settings, self.replace = source, target, settings, replace
        self.name = printable(name)
        self.threads = threads
        self._artefacts = artefacts
        self._timings = Timings()
        self._facts: Facts = {}
        self._kind: str = "unknown"
        self._progress = FileProgress(name, on_progress)
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="hash")
        self._sha256 = self._hashing.submit(sha256_of, source)
        self._sheet: ContactSheet | None = None
        self._plan_sha256: str | None = None
        self._result: Result | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PasserbyError):
            self._tell_failure(error)
        self._hashing.shutdown(cancel_futures=True)

    @property
    def source_sha256(self) -> str:
        """SHA-256 of the input; it was being read for that since the beginning."""
        return self._sha256.result()

    @property
    def result(self) -> Result:
        """What came of it, when it is finished."""
        if self._result is None:
            raise RuntimeError("finish() comes first")
        return self._result

    # Progress

    @contextmanager
    def stage(self, stage: str) -> Generator[None, None, None]:
        """Add the time that the block takes to a stage."""
        with self._timings.measure(stage):
            yield

    def counted(self, items: Iterable[T], stage: Stage, frames: int | None) -> Iterator[T]:
        """Pass frames on, and tell how many have come."""
        self._progress.expected = frames
        for item in items:
            yield item
            self.advance(stage, 1)

    def advance(self, stage: Stage, frames: int) -> None:
        """So many frames more have come through this stage."""
        self._progress.advance(stage, frames)

    # What is known, as it becomes known

    def begin(self, info: VideoInfo | PhotoInfo, stated: Sequence[str | None]) -> None:
        """The input is open."""
        self._kind = "video" if isinstance(info, VideoInfo) else "photo"
        self._facts |= facts_of_input(info, stated, audio_kept=self.settings.audio == "keep")

    def given_plan(self, size: tuple[int, int]) -> Plan | None:
        """The plan that somebody made or corrected, if there is one.

        Raises:
            SettingsError: it is not a plan, or one of another file.
        """
        path = self._artefacts.plan
        if path is None or not path.exists():
            return None
        plan = Plan.load(path)
        if not plan.matches(self.source_sha256, size):
            raise SettingsError(
                f"{path.name}: is a plan for another file than {self.name}; nothing was written",
                hint="a plan belongs to the very bytes that it was made from; choose another name to make a new one",
            )
        self._plan_sha256 = sha256_of(path)
        self._facts["stated"] = (*self._facts["stated"], "painted from a given plan; nothing was looked for")
        return plan

    def looked_through(self, plan: Plan, looks: Sequence[Look], tracks: Sequence[Track], damage: Damage | None) -> None:
        """Looking is over, and the plan stands.

        Raises:
            RedactionIncomplete: the input is cut off or damaged so that the copy is withheld.
        """
        self._progress.expected = len(looks)
        self._facts |= facts_of_looking(plan, looks, tracks, given=self._plan_sha256 is not None)
        if damage is not None:
            self._note_damage(damage, len(looks))

    def _note_damage(self, damage: Damage, frames: int) -> None:
        self._facts["damage"] = tuple(damage_in_words(damage))
        if is_cut_off(damage):
            if not self.settings.salvage:
                raise RedactionIncomplete(
                    f"{self.name}: is cut off, {what_can_be_read(damage, frames)}; the copy was withheld",
                    hint="--salvage writes the part that can be read",
                )
            self._facts["stated"] = (*self._facts["stated"], f"cut off: {what_was_read(damage)}")
            self._facts["incomplete_because"] = f"{self.name}: is cut off, {what_was_read(damage)}"
        elif damage.frames_damaged:
            self._facts["incomplete_because"] = f"{self.name}: {what_was_painted_whole(damage, frames)}"

    def written(self, written: Written) -> None:
        """The copy is written and not checked yet."""
        self._facts |= {"gops_copied": written.gops_copied, "gops_encoded": written.gops_encoded}
        self._facts["output"] = {"codec": written.codec, "encoder": written.encoder if written.gops_encoded else ""}

    def contact_sheet(self) -> ContactSheet | None:
        """Where covered frames go, if somebody wants to look at them."""
        if self._artefacts.contact_sheet:
            self._sheet = ContactSheet(sheet_of(self.target))
        return self._sheet

    def checked(self, problems: Sequence[str], second: SecondLook) -> None:
        """The copy was read back.

        Raises:
            RedactionIncomplete: it is not what was planned.
        """
        self._facts |= facts_of_check(problems, second)
        if any(place.through for place in second.standing):
            raise RedactionIncomplete(
                f"{self.name}: something like a face or plate shows where the copy should be painted; it was withheld",
                hint="--style black leaves nothing that could be taken for one; --report says where",
            )
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise RedactionIncomplete(
                f"{self.name}: the finished copy is not what was planned: {problems[0]}{more}; it was withheld",
                hint="--report writes all of what was found",
            )

    def looked_with(self, models: Iterable[tuple[str, str, str]]) -> None:
        """Models look: name, SHA-256 and provider of each."""
        known = [Model(name=name, sha256=sha256, provider=provider) for name, sha256, provider in models]
        self._facts["models"] = tuple(dict.fromkeys([*self._facts.get("models", ()), *known]))

    # The end

    def finish(self, part: Path, plan: Plan) -> None:
        """Everything is checked: write what belongs beside the copy. The copy gets its name next.

        The report for later runs comes before the name: a copy without one would look like somebody else's file.
        """
        if self._artefacts.plan is not None and self._plan_sha256 is None:
            plan.save(self._artefacts.plan)
            self._plan_sha256 = sha256_of(self._artefacts.plan)
        if self._sheet is not None:
            self._sheet.write()
        output = OutputFile(
            name=printable(self.target.name),
            sha256=sha256_of(part),
            size_bytes=part.stat().st_size,
            container=self.target.suffix.lstrip(".").lower(),
            **self._facts.pop("output", {}),
        )
        wants_a_look = self._facts.get("damage") or self._facts.get("incomplete_because")
        wants_a_look = wants_a_look or self._facts["second_look"].standing
        report = self._report("done-with-warnings" if wants_a_look else "done", output=output)
        for path in filter(None, (self._artefacts.state, self._artefacts.report)):
            report.save(path)
        self._result = Result(self.target, report, plan)

    def _tell_failure(self, error: PasserbyError) -> None:
        verdict: Verdict = "failed"
        if isinstance(error, RedactionIncomplete):
            verdict = "withheld"
        elif isinstance(error, SourceError):
            verdict = "refused"
        self._facts.pop("output", None)
        error.report = self._report(verdict, reason=printable(error.message))
        if self._artefacts.report is not None:
            with suppress(PasserbyError):  # the first error is the one that counts
                error.report.save(self._artefacts.report)

    def _report(self, verdict: Verdict, **more: Any) -> Report:
        settings = self.settings.model_dump(mode="json")
        return Report(
            passerby=version("passerby"),
            verdict=verdict,
            input=self._input(),
            settings=settings,
            settings_sha256=settings_fingerprint(self.settings.fingerprinted()),
            plan_sha256=self._plan_sha256,
            libraries=library_versions(),
            timings_s={stage: round(seconds, 3) for stage, seconds in self._timings.seconds.items()},
            **self._facts,
            **more,
        )

    def _input(self) -> InputFile:
        sha256 = size_bytes = None
        with suppress(OSError):
            size_bytes, sha256 = self.source.stat().st_size, self.source_sha256
        return InputFile.model_validate(
            {"name": printable(self.source.name), "sha256": sha256, "size_bytes": size_bytes, "kind": self._kind}
        )

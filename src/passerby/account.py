"""What happened to one file: kept while it happens, and told in a report at the end, whatever the end is."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from passerby.check.contact_sheet import ContactSheet
from passerby.check.report import (
    InputFile,
    Model,
    OutputFile,
    Report,
    SecondLookResult,
    Verdict,
    library_versions,
    settings_fingerprint,
    sha256_of,
)
from passerby.check.second_look import SecondLook
from passerby.check.summary import count_looks, gaps_filled, low_confidence, moments_standing, summarise_tracks
from passerby.errors import PasserbyError, RedactionIncomplete, SettingsError, SourceError
from passerby.media import PhotoInfo, VideoInfo
from passerby.redact.plan import Plan
from passerby.regions import Look, Track
from passerby.settings import Settings
from passerby.telemetry import OnProgress, Progress, Stage, Timings

if TYPE_CHECKING:
    from passerby.read.damage import Damage
    from passerby.write.video import Written

T = TypeVar("T")

_PROGRESS_EVERY = 5
"""Frames between two words of progress."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What is written beside the copy.

    Attributes:
        report: the report, for the user.
        plan: the plan; one that is there already is painted from instead.
        contact_sheet: a PNG of covered frames beside the copy.
        state: the report once more, by which a later run knows that this file is finished.
    """

    report: Path | None = None
    plan: Path | None = None
    contact_sheet: bool = False
    state: Path | None = None

    def kept_at(self, state: Path) -> Artefacts:
        """The same, with the place of the report for later runs."""
        return replace(self, state=state)

    def refuse_meetings(self, source: Path, target: Path) -> None:
        """See to it that none of these files takes the place of the input, of the copy, or of something of the user's.

        Raises:
            SettingsError: one would.
        """
        others = {source.resolve(): "the input", target.resolve(): "the copy"}
        sheet = sheet_of(target) if self.contact_sheet else None
        for path, what in ((self.plan, "the plan"), (self.report, "the report"), (sheet, "the contact sheet")):
            if path is None:
                continue
            other = others.setdefault(path.resolve(), what)
            if path.exists() and source.exists() and path.samefile(source):
                other = "the input"
            if other != what:
                raise SettingsError(f"{path.name}: {what} would be written over {other}; nothing was written")
        if self.report is not None and self.report.exists():
            _refuse_unless_report(self.report)


def sheet_of(target: Path) -> Path:
    """Where the contact sheet of a copy goes."""
    return target.with_name(f"{target.name}.contact-sheet.png")


def _refuse_unless_report(path: Path) -> None:
    try:
        Report.load(path)
    except SettingsError as error:
        raise SettingsError(
            f"{path.name} exists and is not a report; nothing was written", hint="choose another name for --report"
        ) from error


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
        self.source, self.target, self.settings, self.name, self.replace = source, target, settings, name, replace
        self.threads = threads
        self._artefacts, self._on_progress = artefacts, on_progress
        self._timings = Timings()
        self._facts: dict[str, Any] = {}
        self._kind: str = "unknown"
        self._container = ""
        self._done: dict[Stage, int] = {}
        self._expected: int | None = None
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
        self._expected = frames
        for item in items:
            yield item
            self.advance(stage, 1)

    def advance(self, stage: Stage, frames: int) -> None:
        """So many frames more have come through this stage."""
        before = self._done.get(stage, 0)
        self._done[stage] = before + frames
        if before // _PROGRESS_EVERY != (before + frames) // _PROGRESS_EVERY:
            self._on_progress(Progress(self.name, stage, before + frames, self._expected))

    # What is known, as it becomes known

    def begin(self, info: VideoInfo | PhotoInfo, stated: Sequence[str | None]) -> None:
        """The input is open."""
        self._kind = "video" if isinstance(info, VideoInfo) else "photo"
        dropped = list(info.dropped)
        if self.settings.audio == "keep":
            dropped = [what for what in dropped if not what.startswith("audio")]
        if info.metadata:
            tags = "1 tag" if len(info.metadata) == 1 else f"{len(info.metadata)} tags"
            dropped.append(f"metadata ({tags}: {_few(info.metadata)})")
        self._facts |= {"dropped": tuple(dropped), "stated": tuple(filter(None, stated))}

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
        moments = low_confidence(tracks, looks, plan.time_base)
        covered = plan.is_covered
        self._expected = len(plan)
        self._facts |= {
            "frames": len(plan),
            "frames_covered": int(covered.sum()),
            "frames_covered_whole": int(plan.whole.sum()),
            "regions": len(plan.boxes),
            "looks": count_looks(looks),
            "tracks": summarise_tracks(tracks, plan.time_base),
            "gaps": gaps_filled(tracks, plan.time_base),
            "moments": moments.listed,
            "moments_found": moments.found,
        }
        if damage is not None:
            self._note_damage(damage, len(plan))

    def _note_damage(self, damage: Damage, frames: int) -> None:
        self._facts["damage"] = tuple(_damage_in_words(damage))
        readable = f"{damage.readable_s:.1f} s"
        if damage.announced_s:
            readable += f" of {damage.announced_s:.1f} s"
        if damage.truncated or damage.missing_frames:
            missing = f", {damage.missing_frames} frames are missing" if damage.missing_frames else ""
            if not self.settings.salvage:
                raise RedactionIncomplete(
                    f"{self.name}: is cut off, only {readable} ({frames} frames) can be read{missing}; "
                    "the copy was withheld",
                    hint="--salvage writes the part that can be read",
                )
            self._facts["stated"] = (*self._facts["stated"], f"cut off: only {readable} could be read{missing}")
            self._facts["incomplete_because"] = f"{self.name}: is cut off, only {readable} could be read{missing}"
        elif damage.frames_damaged:
            self._facts["incomplete_because"] = (
                f"{self.name}: {damage.frames_damaged} of {frames} frames could not be decoded without errors "
                "and were painted whole"
            )

    def written(self, written: Written) -> None:
        """The copy is written and not checked yet."""
        self._container = self.target.suffix.lstrip(".").lower()
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
        self._facts["problems"] = tuple(problems)
        self._facts["second_look"] = SecondLookResult(
            looked_at=second.looked_at,
            scale=second.options.scale,
            mirrored=second.options.mirrored,
            threshold=second.options.threshold,
            standing=moments_standing(second.standing),
        )
        if any(place.through for place in second.standing):
            raise RedactionIncomplete(
                f"{self.name}: something like a face shows where the copy should be painted; it was withheld",
                hint="--style black leaves nothing that could be taken for a face; --report says where",
            )
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise RedactionIncomplete(
                f"{self.name}: the finished copy is not what was planned: {problems[0]}{more}; it was withheld",
                hint="--report writes all of what was found",
            )

    def looked_with(self, name: str, sha256: str, provider: str) -> None:
        """A model looked."""
        self._facts["models"] = (Model(name=name, sha256=sha256, provider=provider),)

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
            name=self.target.name,
            sha256=sha256_of(part),
            size_bytes=part.stat().st_size,
            container=self._container or self.target.suffix.lstrip(".").lower(),
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
        error.report = self._report(verdict, reason=error.message)
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
            {"name": self.source.name, "sha256": sha256, "size_bytes": size_bytes, "kind": self._kind}
        )


def _damage_in_words(damage: Damage) -> Iterator[str]:
    if damage.truncated:
        yield "the file ends before its content does"
    for stretch in damage.stretches:
        yield f"frames at PTS {stretch.pts_from} to {stretch.pts_to}: {stretch.reason}"
    yield from damage.notes


def _few(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

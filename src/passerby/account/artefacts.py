"""The files beside a copy: which are written, and that none takes the place of another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from passerby.check.report import Report
from passerby.errors import SettingsError


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

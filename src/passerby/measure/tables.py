"""The figures as tables: for a terminal and for a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from passerby.measure.summary import ASPECTS, Summary, Tally

SHOWN_MISSES = 10


@dataclass(frozen=True, slots=True)
class Table:
    """A heading and rows of cells, all of the same length as `columns`."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a Markdown table under its heading."""
        lines = [f"### {self.heading}", "", _line(self.columns), "|" + "---|" * len(self.columns)]
        return "\n".join([*lines, *map(_line, self.rows), ""])

    def rich(self) -> RichTable:
        """For a terminal."""
        shown = RichTable(title=self.heading, title_justify="left", box=None, pad_edge=False)
        for index, column in enumerate(self.columns):
            shown.add_column(column, overflow="fold", justify="left" if index < 2 else "right")
        for row in self.rows:
            shown.add_row(*map(Text, row))
        return shown


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def tables_of(summaries: Sequence[Summary]) -> list[Table]:
    """Everything that was measured: over all, then by size, light, contrast and side for each label."""
    tables = [_overall(summaries), _cost(summaries)]
    labels = sorted({label for summary in summaries for label in summary.labels})
    for label in labels:
        for aspect in ASPECTS:
            table = _by(aspect, label, summaries)
            if table.rows:
                tables.append(table)
    misses = _misses(summaries)
    return [*tables, misses] if misses.rows else tables


def _overall(summaries: Sequence[Summary]) -> Table:
    rows = tuple(
        (s.set, s.way, label, str(tally.boxes), str(tally.exposed), percent(tally.share), interval(tally))
        for s in summaries
        for label, tally in s.labels.items()
    )
    return Table("Exposed", ("Set", "Way", "Label", "Boxes", "Exposed", "Share", "95 % interval"), rows)


def _cost(summaries: Sequence[Summary]) -> Table:
    columns = ("Set", "Way", "Pictures", "Painted", "Painted elsewhere", "Painted where nobody is", "Refused")
    return Table(
        "False cover and cost", (*columns, "CPU s per picture", "CPU s per Mpx"), tuple(map(_cost_row, summaries))
    )


def _cost_row(summary: Summary) -> tuple[str, ...]:
    painted = summary.painted
    shares = (painted.overall, painted.elsewhere, painted.where_nobody_is) if painted else (None, None, None)
    return (
        summary.set,
        summary.way,
        str(summary.pictures),
        *map(percent, shares),
        str(len(summary.refused)),
        seconds(summary.cpu_s_per_picture),
        seconds(summary.cpu_s_per_megapixel),
    )


def _by(aspect: str, label: str, summaries: Sequence[Summary]) -> Table:
    rows = []
    for summary in summaries:
        tallies = {part.group: part.tally for part in summary.parts if (part.aspect, part.label) == (aspect, label)}
        if tallies:
            cells = (fraction(tallies.get(group)) for group in ASPECTS[aspect].groups)
            rows.append((summary.set, summary.way, *cells))
    heading = f"{label.capitalize()}s exposed by {ASPECTS[aspect].title}"
    return Table(heading, ("Set", "Way", *ASPECTS[aspect].groups), tuple(rows))


def _misses(summaries: Sequence[Summary]) -> Table:
    rows = [
        (summary.set, summary.way, miss.file, str(miss.frame), miss.label, _corners(miss.box), percent(miss.kept, 0))
        for summary in summaries
        for miss in summary.misses[:SHOWN_MISSES]
    ]
    columns = ("Set", "Way", "File", "Frame", "Label", "Box", "Kept")
    return Table(f"What shows most, at most {SHOWN_MISSES} of each set and way", columns, tuple(rows))


def _corners(box: Sequence[float]) -> str:
    return ", ".join(f"{edge:.0f}" for edge in box)


def fraction(tally: Tally | None) -> str:
    """ "3 of 40, 7.5 %", or a dash where nothing was tried."""
    return "–" if tally is None or not tally.boxes else f"{tally.exposed} of {tally.boxes}, {percent(tally.share)}"


def percent(share: float | None, digits: int | None = None) -> str:
    """A share in percent, with two digits below ten, one above."""
    if share is None:
        return "–"
    if digits is None:
        digits = 0 if share == 0 else 2 if share < 0.1 else 1
    return f"{100 * share:.{digits}f} %"


def interval(tally: Tally) -> str:
    """The 95 % interval of a share, in percent."""
    limits = tally.interval
    return "–" if limits is None else f"{100 * limits[0]:.1f} to {100 * limits[1]:.1f} %"


def seconds(value: float | None) -> str:
    """Seconds, two digits."""
    return "–" if value is None else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def markdown_of(summaries: Sequence[Summary], wanted: Callable[[Table], bool] = lambda table: True) -> str:
    """The tables as Markdown, one after the other."""
    return "\n".join(table.markdown() for table in tables_of(summaries) if wanted(table))


def print_tables(summaries: Sequence[Summary], console: Console) -> None:
    """The tables in a terminal, and what was refused."""
    for table in tables_of(summaries):
        console.print(table.rich())
        console.print()
    for summary in summaries:
        for sentence in summary.refused:
            console.print(f"no copy: {sentence}", markup=False)

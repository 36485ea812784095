"""The figures as pictures. The only home of Matplotlib, which comes with the extra `accuracy`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from passerby.errors import SettingsError
from passerby.measure.summary import ASPECTS, Summary, Tally
from passerby.pending import write_durably

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _FAINT = "#333333", "#dddddd"
# Okabe and Ito, "Color Universal Design", 2008: told apart by everyone; each way has a marker of its own besides.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DPI = 110
_SHADES = 64
_WIDTH, _PANEL_HEIGHT = 7.5, 2.3
_ROW_HEIGHT = 0.3
_LEAST_TOP = 5.0  # percent: what is nearly nothing shall look like nearly nothing


def write_plots(summaries: Sequence[Summary], folder: Path) -> list[Path]:
    """Write a PNG for each aspect, each set, the false cover and the cost; the paths of those that show something.

    Raises:
        SettingsError: Matplotlib is not installed.
        OutputError: a file cannot be written.
    """
    require_matplotlib()
    figures = {f"by-{aspect}": _by_aspect(aspect, summaries) for aspect in ASPECTS}
    figures |= {"by-set": _by_set(summaries), "false-cover": _false_cover(summaries), "cost": _cost(summaries)}
    written = []
    for name, figure in figures.items():
        if figure is not None:
            written.append(folder / f"{name}.png")
            write_durably(written[-1], _png(figure))
    return written


def require_matplotlib() -> None:
    """Find out before anything is measured.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            "plots need Matplotlib, which is not installed; nothing was measured",
            hint="pip install 'passerby[accuracy]'",
        ) from error


def _png(figure: Figure) -> bytes:
    """In few colours, a third of the size; without a software's name, so that equal figures give equal files."""
    drawn, content = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI, metadata={"Software": None})
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(_SHADES).save(content, format="PNG", optimize=True)
    return content.getvalue()


def _figure(height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    panels = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[["left", "bottom"]].set_color(_FAINT)
        panel.tick_params(colors=_INK, labelsize=8, length=0)
        panel.set_axisbelow(True)
    return figure, panels


def _ways(summaries: Sequence[Summary]) -> list[str]:
    return list(dict.fromkeys(summary.way for summary in summaries))


def _look(way: int) -> dict[str, Any]:
    return {"color": _COLOURS[way % len(_COLOURS)], "marker": _MARKERS[way % len(_MARKERS)]}


def _by_aspect(aspect: str, summaries: Sequence[Summary]) -> Figure | None:
    """A panel for each label: exposed share by group, the sets pooled, a series for each way."""
    labels = sorted({part.label for s in summaries for part in s.parts if part.aspect == aspect})
    if not labels:
        return None
    figure, panels = _figure(_PANEL_HEIGHT * len(labels) + 0.4, len(labels))
    for panel, label in zip(panels, labels, strict=True):
        _aspect_panel(panel, aspect, label, summaries)
        panel.set_title(f"{label}s exposed, by {ASPECTS[aspect].title}", loc="left", fontsize=9, color=_INK)
    _legend(figure, panels)
    return figure


def _aspect_panel(panel: Axes, aspect: str, label: str, summaries: Sequence[Summary]) -> None:
    groups, ways, top = ASPECTS[aspect].groups, _ways(summaries), _LEAST_TOP
    there = [way for way in ways if any(s.way == way and label in s.labels for s in summaries)]
    for way in there:
        tallies = {group: _pooled(aspect, label, group, way, summaries) for group in groups}
        shown = [(i, tallies[group]) for i, group in enumerate(groups) if tallies[group].boxes]
        if shown:
            xs = [i + (there.index(way) - (len(there) - 1) / 2) * 0.1 for i, _ in shown]
            top = max(top, _points(panel, xs, [tally for _, tally in shown], way, ways.index(way), upright=True))
    panel.set_xticks(range(len(groups)), groups)
    panel.set_xlim(-0.5, len(groups) - 0.5)
    panel.set_ylim(-top / 30, top)
    panel.set_ylabel("%", color=_INK, fontsize=8)
    panel.grid(axis="y", color=_FAINT, linewidth=0.6)


def _pooled(aspect: str, label: str, group: str, way: str, summaries: Sequence[Summary]) -> Tally:
    parts = (part for summary in summaries if summary.way == way for part in summary.parts)
    return Tally.total(p.tally for p in parts if (p.aspect, p.label, p.group) == (aspect, label, group))


def _points(
    panel: Axes, places: Sequence[float], tallies: Sequence[Tally], way: str, index: int, *, upright: bool
) -> float:
    """Shares in percent with their intervals; the highest end of an interval."""
    shares = [100 * (tally.share or 0) for tally in tallies]
    limits = [tally.interval or (0, 1) for tally in tallies]
    low = [share - 100 * limit[0] for share, limit in zip(shares, limits, strict=True)]
    high = [100 * limit[1] - share for share, limit in zip(shares, limits, strict=True)]
    bars: dict[str, Any] = {"linestyle": "none", "markersize": 4.5, "elinewidth": 0.9, "label": way, **_look(index)}
    if upright:
        panel.errorbar(places, shares, yerr=[low, high], **bars)
    else:
        panel.errorbar(shares, places, xerr=[low, high], **bars)
    return max(share + reach for share, reach in zip(shares, high, strict=True)) * 1.03


def _by_set(summaries: Sequence[Summary]) -> Figure | None:
    rows = list(dict.fromkeys((s.set, label) for s in summaries for label, tally in s.labels.items() if tally.boxes))
    if not rows:
        return None
    figure, (panel,) = _rows([f"{name}, {label}s" for name, label in rows])
    top = _LEAST_TOP
    for index, way in enumerate(_ways(summaries)):
        tallies = {(s.set, label): tally for s in summaries if s.way == way for label, tally in s.labels.items()}
        shown = [(place, tallies[row]) for place, row in enumerate(rows) if row in tallies and tallies[row].boxes]
        if shown:
            places = [_beside(place, index, summaries) for place, _ in shown]
            top = max(top, _points(panel, places, [t for _, t in shown], way, index, upright=False))
    panel.set_xlim(-top / 50, top)
    panel.set_xlabel("exposed, % of the labelled boxes, with 95 % intervals", fontsize=8, color=_INK)
    _legend(figure, [panel])
    return figure


def _false_cover(summaries: Sequence[Summary]) -> Figure | None:
    shown = [s for s in summaries if s.painted is not None]
    if not shown:
        return None
    names = list(dict.fromkeys(summary.set for summary in shown))
    figure, (panel,) = _rows(names)
    for index, way in enumerate(_ways(summaries)):
        shares = {s.set: s.painted.elsewhere for s in shown if s.way == way and s.painted is not None}
        points = [(100 * share, names.index(name)) for name, share in shares.items() if share is not None]
        places = [_beside(place, index, summaries) for _, place in points]
        panel.plot([x for x, _ in points], places, linestyle="none", markersize=4.5, label=way, **_look(index))
    panel.set_xlim(left=-panel.get_xlim()[1] / 50)
    panel.set_xlabel("painted far from every labelled box, % of it, mean of the pictures", fontsize=8, color=_INK)
    _legend(figure, [panel])
    return figure


def _cost(summaries: Sequence[Summary]) -> Figure | None:
    names = list(dict.fromkeys(s.set for s in summaries if s.cpu_s_per_megapixel is not None))
    if not names:
        return None
    figure, (panel,) = _rows(names)
    for index, way in enumerate(_ways(summaries)):
        costs = {s.set: s.cpu_s_per_megapixel for s in summaries if s.way == way and s.cpu_s_per_megapixel is not None}
        places = [_beside(names.index(name), index, summaries) for name in costs]
        panel.plot(list(costs.values()), places, linestyle="none", markersize=4.5, label=way, **_look(index))
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_xlabel("seconds of processor time per megapixel, logarithmic", fontsize=8, color=_INK)
    _legend(figure, [panel])
    return figure


def _rows(names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A figure with a row for each name, the first on top."""
    figure, panels = _figure(1.2 + _ROW_HEIGHT * len(names))
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    panels[0].grid(axis="both", color=_FAINT, linewidth=0.6)
    return figure, panels


def _beside(place: float, index: int, summaries: Sequence[Summary]) -> float:
    """Ways stand a little beneath each other, so that equal figures can be seen."""
    ways = len(_ways(summaries))
    return place + (index - (ways - 1) / 2) * min(0.14, 0.7 / ways)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One for all panels, beneath them."""
    entries = {
        text: handle for panel in panels for handle, text in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        entries.values(),
        entries.keys(),
        loc="outside lower center",
        ncols=len(entries),
        frameon=False,
        fontsize=8,
        labelcolor=_INK,
    )

"""Shares are as sure as so few boxes allow, and sorted by what the pictures are like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.measure.judging import JudgedBox, JudgedPicture
from passerby.measure.summary import ASPECTS, FileResult, Summary, Tally, summarise, wilson_interval
from passerby.measure.tables import interval, percent, tables_of
from passerby.measure.ways import Cost

BOX = JudgedBox(0, (10, 10, 50, 50), "head", 40, brightness=120, contrast=40, kept=0.9)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_the_literature(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_where_nothing_was_tried() -> None:
    assert wilson_interval(0, 0) is None
    assert Tally(boxes=0, exposed=0).share is None
    assert interval(Tally(boxes=0, exposed=0)) == percent(None) == "–"


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_more_boxes_make_it_narrower(counts: tuple[int, int]) -> None:
    hits, trials = counts
    low, high = wilson_interval(hits, trials) or (1, 0)
    assert 0 <= low <= hits / trials <= high <= 1
    narrow = wilson_interval(4 * hits, 4 * trials) or (0, 1)
    assert narrow[1] - narrow[0] < high - low


def summary_of(*boxes: JudgedBox) -> Summary:
    pictures = (JudgedPicture(boxes, 0.1, 0.02, empty=False), JudgedPicture((), 0.004, 0.004, empty=True))
    results = [FileResult("a.jpg", pictures, Cost(3.0, 2, 500_000)), FileResult("b.jpg", (), Cost(), "b.jpg: broken")]
    return summarise("street", "redact", {"head"}, results)


def group(summary: Summary, aspect: str) -> dict[str, Tally]:
    return {part.group: part.tally for part in summary.parts if part.aspect == aspect}


@pytest.mark.parametrize(
    ("height", "name"), [(12, "under 16"), (16, "16 to 23"), (23, "16 to 23"), (31, "24 to 31"), (640, "64 and more")]
)
def test_boxes_are_sorted_by_height(height: int, name: str) -> None:
    assert group(summary_of(replace(BOX, height_px=height)), "size") == {name: Tally(boxes=1, exposed=1)}


def test_boxes_are_sorted_by_light_contrast_and_side() -> None:
    dark = replace(BOX, brightness=30, contrast=10, face_seen=False, kept=0.1)
    bright = replace(BOX, brightness=220, contrast=70, face_seen=True)
    summary = summary_of(dark, bright)
    kept, lost = Tally(boxes=1, exposed=0), Tally(boxes=1, exposed=1)
    assert group(summary, "light") == {"dark": kept, "bright": lost}
    assert group(summary, "contrast") == {"low": kept, "high": lost}
    assert group(summary, "side") == {"turned away": kept, "face seen": lost}


def test_where_no_side_is_known_no_table_speaks_of_it() -> None:
    headings = [table.heading for table in tables_of([summary_of(BOX)])]
    assert not any(ASPECTS["side"].title in heading for heading in headings)
    assert any(ASPECTS["light"].title in heading for heading in headings)


def test_what_was_refused_is_told_and_not_counted() -> None:
    summary = summary_of(BOX)
    assert (summary.refused, summary.pictures, summary.all) == (("b.jpg: broken",), 2, Tally(boxes=1, exposed=1))


def test_paint_where_nobody_is_and_cost_are_means() -> None:
    summary = summary_of(BOX)
    assert summary.painted is not None
    assert summary.painted.model_dump() == pytest.approx(
        {"overall": 0.052, "elsewhere": 0.012, "where_nobody_is": 0.004}
    )
    assert (summary.cpu_s_per_picture, summary.cpu_s_per_megapixel) == (1.5, 6.0)


def test_what_shows_most_comes_first() -> None:
    misses = summary_of(replace(BOX, kept=0.3), replace(BOX, kept=1.0), replace(BOX, kept=0.2)).misses
    assert [miss.kept for miss in misses] == [1.0, 0.3]


def test_a_summary_survives_its_json() -> None:
    summary = summary_of(BOX, replace(BOX, kept=0))
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_every_row_of_a_table_is_as_long_as_its_heading() -> None:
    for table in tables_of([summary_of(BOX), summary_of()]):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert table.markdown().count("\n") == len(table.rows) + 4

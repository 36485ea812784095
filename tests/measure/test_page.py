"""The page of accuracy says what was measured: its tables and plots are made of the results that lie beside it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "accuracy.md"
PLOT_BYTES = 60_000


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(REPOSITORY / "tools" / "write_accuracy_page.py"))


def test_the_tables_are_those_of_the_results(tool: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    made = tool["page_with"](page, tool["load"](tool["RESULTS"]))
    assert made == page, "run tools/write_accuracy_page.py --page-only"


def test_results_are_kept_as_they_were_measured(tool: dict[str, Any], tmp_path: Path) -> None:
    results = tool["load"](tool["RESULTS"])
    tool["save"](results, tmp_path / "results.jsonl")
    assert (tmp_path / "results.jsonl").read_bytes() == tool["RESULTS"].read_bytes()


def test_every_set_of_the_results_is_described(tool: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    for name in (*tool["SETS"], tool["NOBODY"]):
        assert f"\n| {name} |" in page.partition("## What stays exposed")[0]


def test_plots_are_small_and_large_enough_to_be_read() -> None:
    plots = list((PAGE.parent / "accuracy").glob("*.png"))
    assert plots
    for plot in plots:
        assert plot.stat().st_size < PLOT_BYTES, plot.name
        with Image.open(plot) as image:
            assert image.width >= 600


def test_every_set_can_be_read_where_it_is_there(tool: dict[str, Any], shared: Path) -> None:
    for name, read in tool["sets_of"](shared).items():
        labelled = read()
        assert labelled.files, name
        assert all(file.path.is_file() for file in labelled.files), name

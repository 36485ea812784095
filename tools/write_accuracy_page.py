"""Measures every model on every labelled set, and writes the figures into docs/reference/accuracy.md.

    python tools/write_accuracy_page.py [SHARED] [--only SET ...] [--limit N] [--jobs N] [--page-only] [--afresh]

SHARED is a folder with `media` and `train` (default: shared beside the repository). What was measured is kept after
each set, in docs/reference/accuracy/results.jsonl. So `--only` measures some sets anew and keeps the others, and a run
that was broken off goes on with the sets that it lacks; `--afresh` measures all of them. The text around the tables is
written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import skimage.data
from pydantic import BaseModel

from passerby.detect.zoo import zoo
from passerby.measure.material import LabelledFile, LabelledSet, read_set
from passerby.measure.plots import write_plots
from passerby.measure.running import measure
from passerby.measure.summary import Summary
from passerby.measure.tables import Table, tables_of
from passerby.measure.ways import AsRedact, ModelAlone, Way

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "accuracy.md"
RESULTS = PAGE.parent / "accuracy" / "results.jsonl"
KEPT_MISSES = 3

HALL = tuple(f"images/00000{number}.jpg" for number in range(195, 206))
"""Of heads-metro: the scene that no net was trained on."""

SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "heads-metro hall": ("train/heads-metro", HALL),
    "heads-eden-metro": ("media/heads-eden-metro", ()),
    "seq-stairs-a": ("media/heads-eden-metro/seq-stairs-a.json", ()),
    "faces-eden-mask": ("media/faces-eden-mask", ()),
    "faces-dlib": ("media/faces-dlib", ()),
    "faces-kaggle-mask-extra": ("media/faces-kaggle-mask-extra", ()),
    "royal-opera-house": ("media/video-people/royal-opera-house.mp4.boxes.json", ()),
    "ai-generated-walkers": ("media/video-people/ai-generated-walkers.mp4.boxes.json", ()),
    "plates-openalpr-eu": ("media/plates-openalpr-eu", ()),
    "plates-openimages": ("media/plates-openimages", ()),
}
"""Where each set lies below SHARED, and which of its files are taken; all of them if none is named."""

NOBODY = "nobody"
_ANIMALS_AND_THINGS = (
    "brick.png chelsea.png coffee.png coins.png grass.png gravel.png moon.png motorcycle_left.png rocket.jpg"
)
_EXIF_SAMPLES = """
Canon_PowerShot_S40.jpg DSCN0010.jpg Reconyx_HC500_Hyperfire.jpg fujifilm-finepix40i.jpg fujifilm-mx1700.jpg
kodak-dc240.jpg landscape_1.jpg ricoh-rdc5300.jpg
"""


def sets_of(shared: Path) -> dict[str, Callable[[], LabelledSet]]:
    """Every set by its name, read when it is asked for."""
    readers: dict[str, Callable[[], LabelledSet]] = {
        name: lambda name=name, where=where, files=files: read_set(shared / where, name=name).matching(files)  # type: ignore[misc]
        for name, (where, files) in SETS.items()
    }
    return readers | {NOBODY: lambda: nobody(shared)}


def nobody(shared: Path) -> LabelledSet:
    """Pictures of animals, plants and things: whatever is painted in them is painted for nothing."""
    shipped = Path(skimage.data.__file__).parent
    paths = [shipped / name for name in _ANIMALS_AND_THINGS.split()]
    paths += [shared / "media/photos-metadata/exif-samples" / name for name in _EXIF_SAMPLES.split()]
    paths += [shared / "media/photos-metadata/androidx/london.jpg", shared / "media/faces-dlib/dogs.jpg"]
    return LabelledSet(NOBODY, tuple(LabelledFile(path.name, path, False, {0: ()}) for path in paths))


def ways() -> list[Way]:
    """As redact does, and each model that looks for what is labelled."""
    return [AsRedact(), *(ModelAlone(entry.name) for entry in zoo() if "vehicle" not in entry.finds)]


class SetResults(BaseModel):
    """What was measured on one set, and on how many of its files."""

    name: str
    files: int
    files_there: int
    summaries: tuple[Summary, ...]


Results = dict[str, SetResults]


def measured(shared: Path, name: str, limit: int | None, jobs: int) -> SetResults:
    """One set, looked at in every way."""
    start = time.monotonic()
    labelled = sets_of(shared)[name]()
    chosen = labelled if limit is None else labelled.thinned(limit)
    found = tuple(
        summary.model_copy(update={"misses": summary.misses[:KEPT_MISSES]})
        for summary in measure([chosen], ways(), jobs=jobs)
    )
    print(f"{name}: {len(chosen.files)} files, {time.monotonic() - start:.0f} s", file=sys.stderr)
    return SetResults(name=name, files=len(chosen.files), files_there=len(labelled.files), summaries=found)


def load(path: Path) -> Results:
    """What was measured so far, in the order of `SETS`."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    results = {one.name: one for one in map(SetResults.model_validate_json, lines)}
    return {name: results[name] for name in (*SETS, NOBODY) if name in results}


def save(results: Results, path: Path) -> None:
    """One line for each set, so that measuring one anew changes one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (results[name].model_dump_json() + "\n" for name in (*SETS, NOBODY) if name in results)
    path.write_text("".join(lines), "utf-8")


def blocks(results: Results) -> dict[str, str]:
    """What stands between the marks of the page, by mark."""
    summaries = all_of(results)
    labelled = [summary for summary in summaries if summary.set != NOBODY]
    tables = tables_of(labelled)
    cost = next(table for table in tables_of(summaries) if table.heading.startswith("False cover"))
    aspects = {
        aspect: "\n".join(t.markdown() for t in tables if f" exposed by {word}" in t.heading)
        for aspect, word in (("size", "height"), ("light", "light"), ("contrast", "contrast"), ("side", "side"))
    }
    return {"exposed": _parts_only(results) + _without_heading(tables[0]), "cost": _without_heading(cost), **aspects}


def _parts_only(results: Results) -> str:
    """A sentence that names the sets of which not every file was looked at."""
    parts = [
        f"{one.name} ({one.files} of {one.files_there} files)"
        for one in results.values()
        if one.files < one.files_there
    ]
    return f"Only a part was measured of {', '.join(parts)}.\n\n" if parts else ""


def _without_heading(table: Table) -> str:
    return replace(table, heading="").markdown().partition("\n\n")[2]


def page_with(page: str, results: Results) -> str:
    """The page with every block between `<!-- name -->` and `<!-- /name -->` made anew."""
    for name, text in blocks(results).items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        assert pattern.search(page), f"the page has no place for {name}"
        page = pattern.sub(lambda found, text=text: f"{found[1]}\n{text.strip()}\n\n{found[2]}", page)  # type: ignore[misc]
    return page


def all_of(results: Results) -> list[Summary]:
    """Every summary of every set."""
    return [summary for one in results.values() for summary in one.summaries]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--only", nargs="+", choices=[*SETS, NOBODY], help="measure these anew, whatever is there")
    parser.add_argument("--limit", type=int, help="at most so many files of each set")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page-only", action="store_true", help="measure nothing, write the page from results.jsonl")
    parser.add_argument("--afresh", action="store_true", help="forget what was measured before")
    args = parser.parse_args()
    results = {} if args.afresh else load(RESULTS)
    wanted = args.only or [name for name in (*SETS, NOBODY) if name not in results]
    if not args.page_only:
        for name in wanted:
            results[name] = measured(args.shared, name, args.limit, args.jobs)
            save(results, RESULTS)
    results = load(RESULTS)
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), results), "utf-8")
    write_plots(all_of(results), RESULTS.parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())

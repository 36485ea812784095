"""A report says what happened, in one fixed format, and gives nothing away but boxes and times."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from passerby.check.report import (
    FORMAT,
    MOMENTS_AT_MOST,
    InputFile,
    LookCounts,
    Model,
    OutputFile,
    Report,
    SecondLookResult,
    library_versions,
    report_schema,
    settings_fingerprint,
    sha256_of,
)
from passerby.check.second_look import Standing
from passerby.check.summary import count_looks, gaps_filled, low_confidence, moments_standing, summarise_tracks
from passerby.errors import OutputError, SettingsError
from passerby.regions import Detections, Look, Track

REPOSITORY = Path(__file__).parents[2]
MS = Fraction(1, 1000)
SHA = "0" * 64


def track(pts: list[int], scores: list[float], x: float = 10) -> Track:
    """A box that moves right by 1 px a frame; a score of 0 means that it was not seen."""
    left = x + np.arange(len(pts), dtype=np.float32)
    boxes = np.stack([left, np.full_like(left, 5), left + 20, np.full_like(left, 35)], axis=1)
    found = np.array(scores, np.float32)
    return Track(0, np.array(pts, np.int64), boxes, found, found > 0)


def look(pts: int, *found: tuple[float, float, float, float, float], how: Any = "whole") -> Look:
    boxes = np.array([f[:4] for f in found], np.float32).reshape(-1, 4)
    return Look(
        pts, Detections(boxes, np.array([f[4] for f in found], np.float32), np.zeros(len(found), np.uint8)), how
    )


def full_report() -> Report:
    tracks = [track([0, 40, 80, 120], [0.0, 0.9, 0.0, 0.7]), track([40, 80], [0.3, 0.2], x=200)]
    looks = [look(0), look(40, (300, 300, 320, 320, 0.15)), look(80, how="unseen"), look(120, how="carried")]
    moments = low_confidence(tracks, looks, MS)
    return Report(
        passerby="0.1.0",
        verdict="done-with-warnings",
        input=InputFile(name="street.mp4", sha256=SHA, size_bytes=10, kind="video"),
        output=OutputFile(name="street.redacted.mp4", sha256=SHA, size_bytes=9, container="mp4", codec="h264"),
        settings={"style": "fill", "keep": [[[0, 0], [1, 0], [1, 1]]]},
        settings_sha256=settings_fingerprint({"style": "fill"}),
        models=(Model(name="centerface", sha256=SHA, provider="cpu"),),
        libraries=library_versions(),
        frames=4,
        looks=count_looks(looks),
        tracks=summarise_tracks(tracks, MS),
        gaps=gaps_filled(tracks, MS),
        moments=moments.listed,
        moments_found=moments.found,
        second_look=SecondLookResult(
            looked_at=2,
            scale=0.75,
            mirrored=True,
            threshold=0.35,
            standing=moments_standing([Standing(40, 0.04, (1.0, 2.0, 3.0, 4.0), 0.5)]),
        ),
        timings_s={"look": 1.5},
    )


def test_a_report_survives_being_saved_and_read(tmp_path: Path) -> None:
    report = full_report()
    report.save(tmp_path / "out.json")
    assert Report.load(tmp_path / "out.json") == report
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_report_fits_its_schema() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(full_report().model_dump_json()), schema)


def test_the_schema_and_the_page_in_the_documentation_are_current(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(REPOSITORY / "tools" / "write_report_reference.py"), str(tmp_path)],
        check=True,
        env={"PYTHONPATH": str(REPOSITORY / "src")},
    )
    for name in ("report.schema.json", "report.md"):
        assert (tmp_path / name).read_text() == (REPOSITORY / "docs" / "reference" / name).read_text(), name


@pytest.mark.parametrize(
    "change",
    [
        {"format": "passerby.report/2"},
        {"colour": "red"},
        {"frames": "4"},
        {"frames": -1},
        {"verdict": "fine"},
        {"input": {"name": "folder/street.mp4", "kind": "video"}},
        {"settings_sha256": "abc"},
    ],
)
def test_a_report_of_another_format_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    content = json.loads(full_report().model_dump_json()) | change
    (tmp_path / "out.json").write_text(json.dumps(content))
    with pytest.raises(SettingsError, match=rf"out\.json is not a report of format {FORMAT}"):
        Report.load(tmp_path / "out.json")


def test_a_report_that_is_not_there_or_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Report.load(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(SettingsError, match="is not a report"):
        Report.load(tmp_path / "text.json")


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(OutputError, match=r"folder\.json: cannot be written: a folder of that name exists"):
        full_report().save(tmp_path / "folder.json")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.json"]


def test_a_report_does_not_say_when_or_where() -> None:
    text = full_report().model_dump_json().lower()
    assert "date" not in text
    assert str(REPOSITORY).lower() not in text


def test_a_fingerprint_is_the_same_in_any_order_and_another_for_other_settings() -> None:
    one = settings_fingerprint({"style": "fill", "margin": None, "keep": [[0.5, 1]]})
    assert one == settings_fingerprint({"keep": [[0.5, 1]], "margin": None, "style": "fill"})
    assert one != settings_fingerprint({"style": "black", "margin": None, "keep": [[0.5, 1]]})


def test_the_hash_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_track_is_summed_up_by_its_ends_its_middle_and_its_scores() -> None:
    summary = summarise_tracks([track([1000, 1040, 1080, 1120, 1160], [0, 0.5, 0, 0.7, 0])], MS)[0]
    assert (summary.label, summary.seen, summary.filled) == ("face", 2, 3)
    assert (summary.first.pts, summary.middle.pts, summary.last.pts) == (1000, 1080, 1160)
    assert summary.last.time_s == 1.16
    assert summary.last.box == (14.0, 5.0, 34.0, 35.0)
    assert (summary.mean_score, summary.best_score) == (0.6, 0.7)


def test_gaps_are_counted_between_sightings_only() -> None:
    gaps = gaps_filled([track([0, 40, 80, 120, 160, 200], [0, 0.9, 0, 0, 0.9, 0])], MS)
    assert (gaps.count, gaps.frames, gaps.longest_s) == (1, 2, 0.12)
    assert gaps_filled([], MS).count == 0


def test_looks_are_counted_by_kind() -> None:
    counts = count_looks([look(0), look(1), look(2, how="part"), look(3, how="carried"), look(4, how="unseen")])
    assert counts == LookCounts(whole=2, part=1, carried=1, unseen=1)


def test_moments_are_what_nobody_covered_saw_well_or_looked_at() -> None:
    strong, faint = track([0, 40, 80], [0.9, 0.9, 0.9]), track([0, 40], [0.3, 0.2], x=300)
    gap = track([0, 1000, 2000], [0.9, 0, 0.9], x=500)
    looks = [
        look(0, (11, 5, 31, 35, 0.9)),
        look(40, (100, 100, 120, 120, 0.15)),
        look(80, (101, 100, 121, 120, 0.2)),
        look(120, how="unseen"),
        look(160, how="unseen"),
    ]
    listed, found = low_confidence([strong, faint, gap], looks, MS)
    assert [(moment.why, moment.pts) for moment in listed] == [
        ("faint", 0),
        ("uncovered", 80),
        ("unseen", 120),
        ("gap", 1000),
    ]
    assert found == 5


def test_no_more_moments_are_listed_than_a_person_can_look_at() -> None:
    looks = [look(5000 * i, (i, 0, i + 5, 5, 0.15 + i / 10000)) for i in range(1000)]
    listed, found = low_confidence([], looks, MS)
    assert (len(listed), found) == (MOMENTS_AT_MOST, 1000)
    assert min(moment.score or 0 for moment in listed) > 0.15 + 0.0795
    assert [moment.pts for moment in listed] == sorted(moment.pts for moment in listed)


def test_faint_noise_that_no_track_supports_is_no_moment_worth_a_look() -> None:
    assert low_confidence([], [look(0, (0, 0, 20, 20, 0.0)), look(40, (0, 0, 20, 20, 0.14))], MS).found == 0

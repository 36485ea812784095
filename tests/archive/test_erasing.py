"""What is erased is gone, from the folder too, and that it was done is noted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from passerby.archive import Archive, Erasure, RetentionRule, check_archive, open_archive
from passerby.errors import ArchiveError, SettingsError
from tests.archive.conftest import Open
from tests.archive.made import START, files_of, record, segment

HOUR = timedelta(hours=1)
OTHER = "f" * 32


def begins(archive: Archive, camera: str) -> list[float]:
    """When a camera's segments begin, in seconds after the start."""
    found = archive.segments(camera, START - 10 * HOUR, START + 1000 * HOUR)
    return [(stored.info.begins_at - START).total_seconds() for stored in found]


def retained(archive: Archive, rules: Mapping[str, RetentionRule], after_s: float, **how: Any) -> list[Erasure]:
    """Retention at a time after the start, with a disk that has room unless told otherwise."""
    return archive.retain(rules, now=START + timedelta(seconds=after_s), **{"floor_bytes": 0, **how})


def test_erased_segments_are_gone_from_catalogue_and_folder(archive: Archive, database: str | None) -> None:
    record(archive, segments=6)
    record(archive, "tor", segments=2, recording=OTHER)
    assert archive.erase("hof", START + timedelta(seconds=35), "asked for by the operator") == 4
    assert begins(archive, "hof") == [40.0, 50.0]
    assert begins(archive, "tor") == [0.0, 10.0]
    listed = {stored.info.path for camera in ("hof", "tor") for stored in archive.segments(camera, START, START + HOUR)}
    assert set(files_of(archive.folder)) == listed
    assert check_archive(archive.folder, database, settle_s=0).problems == ()


def test_an_erasure_is_noted_and_the_note_stays(opened: Open) -> None:
    archive = opened()
    record(archive, segments=3)
    size_bytes = archive.usage()[0].size_bytes
    archive.erase("hof", START + HOUR, "asked for", now=START + HOUR)
    expected = Erasure("hof", START, START + timedelta(seconds=30), 3, size_bytes, "asked for", START + HOUR)
    assert archive.erasures() == [expected]
    assert opened().erasures() == [expected]
    assert archive.usage() == []


def test_nothing_to_erase_is_not_noted(archive: Archive) -> None:
    record(archive, segments=1)
    assert archive.erase("hof", START, "asked for") == 0
    assert archive.erase("nobody", START + HOUR, "asked for") == 0
    assert archive.erasures() == []


def test_an_erasure_of_many_batches_is_one_note(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passerby.archive.erasing.BATCH", 4)
    record(archive, segments=10)
    assert archive.erase("hof", START + timedelta(seconds=85), "asked for") == 9
    [note] = archive.erasures()
    assert (note.segments, note.begins_at, note.ends_at) == (9, START, START + timedelta(seconds=90))


def test_what_goes_little_by_little_is_one_note_a_day(archive: Archive) -> None:
    """Recordings go as they came, some every minute: a town of a hundred cameras would note 50 million times a year."""
    record(archive, segments=30)
    rules = {"hof": RetentionRule(age_h=1)}
    done: list[Erasure] = []
    for index in range(6):
        done += retained(archive, rules, 3600 + 15.0 + 30 * index)
    assert [erasure.segments for erasure in done] == [2, 3, 3, 3, 3, 3]
    [note] = archive.erasures()
    assert (note.camera, note.segments, note.size_bytes) == ("hof", 17, sum(erasure.size_bytes for erasure in done))
    assert (note.begins_at, note.ends_at) == (START, START + timedelta(seconds=170))
    assert note.at == START + timedelta(seconds=3600 + 15 + 150)


def test_other_days_cameras_and_reasons_are_noted_apart(archive: Archive) -> None:
    record(archive, segments=4)
    record(archive, "tor", segments=2, recording=OTHER)
    for camera, seconds, why, hours in [
        ("hof", 5, "asked for", 1),
        ("tor", 5, "asked for", 2),
        ("hof", 15, "too old", 3),
        ("hof", 25, "asked for", 11),
        ("tor", 15, "asked for", 9),
    ]:
        assert archive.erase(camera, START + timedelta(seconds=seconds), why, now=START + hours * HOUR) == 1
    notes = [(note.camera, note.why, note.segments, note.at - START) for note in archive.erasures()]
    assert notes == [
        ("hof", "asked for", 1, 11 * HOUR),
        ("tor", "asked for", 2, 9 * HOUR),
        ("hof", "too old", 1, 3 * HOUR),
        ("hof", "asked for", 1, 1 * HOUR),
    ]


def test_what_was_erased_is_not_listed_again(archive: Archive) -> None:
    added = segment(archive.folder)
    archive.add(*added)
    archive.erase("hof", START + HOUR, "asked for")
    with pytest.raises(ArchiveError, match="not there"):
        archive.add(*added)


def test_old_recordings_go_to_the_second_and_young_ones_stay(archive: Archive) -> None:
    record(archive, segments=6)
    record(archive, "tor", segments=6, recording=OTHER)
    rules = {"hof": RetentionRule(age_h=1), "tor": RetentionRule(age_h=2)}
    assert retained(archive, rules, 3600) == []
    [erasure] = retained(archive, rules, 3625)
    assert (erasure.camera, erasure.segments, erasure.why) == ("hof", 3, "older than 1 h")
    assert begins(archive, "hof") == [30.0, 40.0, 50.0]
    assert len(begins(archive, "tor")) == 6


def test_a_camera_without_a_rule_keeps_72_hours(archive: Archive) -> None:
    record(archive, segments=2)
    assert retained(archive, {}, 72 * 3600) == []
    assert [erasure.segments for erasure in retained(archive, {}, 72 * 3600 + 5)] == [1]


def test_over_its_quota_a_camera_loses_its_oldest(archive: Archive) -> None:
    for index in range(6):
        archive.add(*segment(archive.folder, at_s=10.0 * index, content=bytes(1000)))
        archive.add(*segment(archive.folder, "tor", at_s=10.0 * index, content=bytes(1000), recording=OTHER))
    [erasure] = retained(archive, {"hof": RetentionRule(quota_bytes=3500)}, 60)
    assert (erasure.camera, erasure.segments, erasure.why) == ("hof", 3, "over its quota of 3.5 kB")
    assert begins(archive, "hof") == [30.0, 40.0, 50.0]
    assert len(begins(archive, "tor")) == 6
    assert retained(archive, {"hof": RetentionRule(quota_bytes=3500)}, 60) == []


def test_where_the_disk_is_short_the_oldest_of_all_cameras_go(opened: Open) -> None:
    archive = opened(free_bytes=lambda: 7_500)
    for index, camera in enumerate(["hof", "tor", "hof", "weg", "hof", "tor"]):
        recording = camera.encode().hex().ljust(32, "0")
        added = segment(archive.folder, camera, at_s=10.0 * index, content=bytes(1000), recording=recording)
        archive.add(*added)
    erasures = retained(archive, {}, 60, floor_bytes=10_000)
    assert {(erasure.camera, erasure.segments) for erasure in erasures} == {("hof", 2), ("tor", 1)}
    assert {erasure.why for erasure in erasures} == {"the disk had less than 10 kB left"}
    assert (begins(archive, "hof"), begins(archive, "tor"), begins(archive, "weg")) == ([40.0], [50.0], [30.0])


def test_a_disk_that_tells_of_freed_space_late_does_not_cost_all_recordings(opened: Open) -> None:
    archive = opened(free_bytes=lambda: 0)
    for index in range(6):
        archive.add(*segment(archive.folder, at_s=10.0 * index, content=bytes(1000)))
    retained(archive, {}, 60, floor_bytes=1500)
    assert begins(archive, "hof") == [20.0, 30.0, 40.0, 50.0]


def test_empty_folders_of_old_hours_go(archive: Archive) -> None:
    record(archive, segments=1)
    record(archive, segments=1, at_s=26 * 3600)
    retained(archive, {"hof": RetentionRule(age_h=3)}, 26 * 3600 + 60)
    hours = sorted(path.parent.relative_to(archive.folder).as_posix() for path in archive.folder.rglob("*.mp4"))
    assert hours == ["hof/2026/11/24/16"]
    assert sorted(path.name for path in (archive.folder / "hof/2026/11").iterdir()) == ["24"]


def test_rows_of_what_was_erased_are_overwritten(tmp_path: Path) -> None:
    """When somebody passed, to the second, stands in them."""
    with closing(open_archive(tmp_path)) as archive:
        record(archive, segments=50)
        names = [stored.path.name.encode() for stored in archive.segments("hof", START, START + HOUR)]
        archive.erase("hof", START + HOUR, "asked for")
    left = b"".join(path.read_bytes() for path in tmp_path.glob("catalogue.sqlite*"))
    assert b"asked for" in left
    assert [name for name in names if name in left] == []


def test_a_file_that_was_already_gone_does_not_stop_an_erasure(archive: Archive) -> None:
    added = segment(archive.folder)
    archive.add(*added)
    added[1].unlink()
    assert archive.erase("hof", START + HOUR, "asked for") == 1


def test_a_file_that_the_disk_keeps_stays_garbage_is_told_to_nobody_and_stops_no_other(
    opened: Open, database: str | None
) -> None:
    archive = opened()
    record(archive, segments=1)
    record(archive, "tor", segments=1, recording=OTHER)
    [kept] = archive.segments("hof", START, START + HOUR)
    # No file can be removed where a folder stands in its place, whoever is asking.
    content = kept.path.read_bytes()
    kept.path.unlink()
    (kept.path / "in the way").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="does not let go of 1 erased file"):
        retained(archive, {}, 80 * 3600)
    assert (begins(archive, "hof"), begins(archive, "tor")) == ([], [])
    assert check_archive(archive.folder, database, settle_s=0).garbage == 1
    (kept.path / "in the way").rmdir()
    kept.path.rmdir()
    kept.path.write_bytes(content)
    archive = opened()
    assert not kept.path.exists()
    assert check_archive(archive.folder, database, settle_s=0).garbage == 0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"age_h": 720.5}, "more than 30 days, without a written reason"),
        ({"age_h": 8760, "reason": "  "}, "more than 30 days, without a written reason"),
        ({"age_h": float("nan")}, "must be more than 0"),
        ({"age_h": 0}, "must be more than 0"),
        ({"quota_bytes": 0}, "must be more than 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        RetentionRule(**rule)


def test_a_written_reason_lets_recordings_stay_longer(archive: Archive) -> None:
    record(archive, segments=1)
    rule = RetentionRule(age_h=1000, reason="ordered by the court, case 12/26")
    assert retained(archive, {"hof": rule}, 999 * 3600) == []
    assert len(retained(archive, {"hof": rule}, 1001 * 3600)) == 1
    assert RetentionRule(age_h=720).reason == ""

"""The check finds what is wrong, says it in a sentence, and finds nothing where nothing is."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from passerby.archive import Archive, check_archive
from passerby.archive.folder import ID_FILE
from passerby.errors import ArchiveError
from tests.archive.made import START, record, segment


def problems(archive: Archive, database: str | None, *, quick: bool = False) -> list[str]:
    return list(check_archive(archive.folder, database, quick=quick, settle_s=0).problems)


def first(archive: Archive) -> Path:
    return archive.segments("hof", START, START + timedelta(hours=1))[0].path


def test_a_sound_archive_has_no_problems(archive: Archive, database: str | None) -> None:
    record(archive, segments=4)
    unfinished = first(archive).with_name("20261123T150000.000Z-01234567-9.mp4")
    unfinished.with_name(unfinished.name + ".part").write_bytes(b"half")
    unfinished.with_name(unfinished.name + ".notes").write_bytes(b"{}")
    report = check_archive(archive.folder, database, settle_s=0)
    assert report.sound
    assert (report.problems, report.segments, report.garbage, report.unfinished) == ((), 4, 0, 2)
    assert report.size_bytes == archive.usage()[0].size_bytes
    assert report.read_whole


def test_a_file_whose_writer_has_not_listed_it_yet_is_unfinished(archive: Archive, database: str | None) -> None:
    record(archive, segments=1)
    _, path = segment(archive.folder, at_s=10.0)
    path.with_name(path.name + ".notes").write_bytes(b"{}")
    assert problems(archive, database) == []


@pytest.mark.parametrize(
    ("spoil", "said", "quick"),
    [
        (Path.unlink, "is listed, and there is no such file", True),
        (lambda path: path.write_bytes(b"short"), "is 5 bytes long, and listed with ", True),
        (lambda path: path.write_bytes(path.read_bytes()[::-1]), "its content is not what was listed", False),
        (lambda path: (path.unlink(), path.mkdir()), "is listed, and is no plain file", True),
        (lambda path: path.rename(path.with_suffix(".moved")).symlink_to, "is listed, and there is no such file", True),
        (lambda path: shutil.copy(path, path.with_name("extra.mp4")), "extra.mp4: is not in the catalogue", True),
        (lambda path: path.with_name("link.mp4").symlink_to(path), "link.mp4: is not in the catalogue", True),
        (lambda path: path.parent.with_name("link").symlink_to("/"), "link: is not in the catalogue", True),
    ],
)
def test_a_file_that_is_not_as_listed_is_found(
    archive: Archive, database: str | None, spoil: Callable[[Path], object], said: str, quick: bool
) -> None:
    record(archive, segments=3)
    spoil(first(archive))
    assert any(said in problem for problem in problems(archive, database))
    assert any(said in problem for problem in problems(archive, database, quick=True)) == quick
    assert all(". " not in problem for problem in problems(archive, database))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE segment SET media_start_s = 1.0 WHERE media_start_s = 10.0", "overlaps hof/2026/11/23/14/"),
        ("UPDATE segment SET path = '../../etc/passwd' WHERE media_start_s = 10.0", "leads out of the folder"),
        ("UPDATE camera SET segments = 7", "the catalogue counts 7 segments of "),
        ("UPDATE camera SET size_bytes = 7", "the catalogue counts 3 segments of 7 bytes, and lists 3 of "),
        ("UPDATE archive SET id = 'ffffffffffffffffffffffffffffffff'", "and the catalogue of archive ffffffff"),
        ("DELETE FROM archive", "and the catalogue of no archive"),
        (
            "UPDATE segment SET begins_us = begins_us + 3600000000, ends_us = ends_us + 3600000000",
            "is listed as begun at another time than its name says",
        ),
        ("UPDATE segment SET begins_us = 9000000000000000000", "is listed as begun at another time than its name says"),
        ("UPDATE segment SET ends_us = ends_us + 5000000", "is listed with an end that does not go with its duration"),
        ("UPDATE segment SET copied_frames = 1000", "is listed with 1000 frames copied of 150"),
        ("UPDATE segment SET covered_share = 0", "is listed with a covered share that its seconds do not have"),
        ("UPDATE segment SET covered_share = 2", "is listed with a covered share that its seconds do not have"),
        (
            "UPDATE segment SET camera_id = (SELECT id FROM camera WHERE name = 'tor')",
            "is listed as of the camera tor, and stands among another's",
        ),
        (
            "UPDATE recording SET name = 'dddddddddddddddddddddddddddddddd' WHERE name NOT LIKE 'f%'",
            "is listed in the recording dddddddd, and its name says another",
        ),
        (
            "UPDATE recording SET camera_id = (SELECT id FROM camera WHERE name = 'tor')",
            "is of another camera than its recording",
        ),
    ],
)
def test_a_catalogue_that_was_tampered_with_is_found(
    archive: Archive, database: str | None, statement: str, said: str
) -> None:
    record(archive, segments=3)
    record(archive, "tor", segments=1, at_s=100.0, recording="f" * 32)
    archive._catalogue.write(lambda connection: connection.execute(text(statement)))
    assert any(said in problem for problem in problems(archive, database, quick=True))


def test_two_files_that_were_swapped_are_both_found(archive: Archive, database: str | None) -> None:
    record(archive, segments=3)
    one, other = (stored.path for stored in archive.segments("hof", START, START + timedelta(hours=1), limit=2))
    before = one.read_bytes(), other.read_bytes()
    one.write_bytes(before[1])
    other.write_bytes(before[0])
    found = problems(archive, database)
    assert [problem.partition(": ")[2] for problem in found] == ["its content is not what was listed"] * 2


def test_a_folder_without_its_id_is_found(archive: Archive, database: str | None) -> None:
    record(archive, segments=1)
    (archive.folder / ID_FILE).unlink()
    assert "the folder is of no archive" in problems(archive, database)[0]


def test_more_segments_than_one_look_holds_are_all_checked(
    archive: Archive, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passerby.archive.checking._BATCH", 3)
    for index, recording in enumerate(["a" * 32, "b" * 32, "c" * 32]):
        record(archive, segments=4, at_s=100.0 * index, recording=recording)
    files = sorted(archive.folder.rglob("*.mp4"))
    for file in files[::2]:
        file.unlink()
    report = check_archive(archive.folder, database, quick=True, settle_s=0)
    assert report.segments == 12
    assert len(report.problems) == 6


def test_an_archive_may_be_checked_while_it_is_written(archive: Archive, database: str | None) -> None:
    stop = threading.Event()

    def records_and_erases() -> None:
        at_s = 0.0
        while not stop.is_set():
            record(archive, segments=2, at_s=at_s)
            archive.erase("hof", START + timedelta(seconds=at_s - 50), "too old")
            at_s += 20

    recorder = threading.Thread(target=records_and_erases)
    recorder.start()
    try:
        found = [check_archive(archive.folder, database, settle_s=0.2).problems for _ in range(6)]
    finally:
        stop.set()
        recorder.join()
    assert found == [()] * 6


def test_what_is_no_archive_is_not_made_one_by_checking_it(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="town: there is no such folder; nothing was checked"):
        check_archive(tmp_path / "town")
    (tmp_path / "town").mkdir()
    with pytest.raises(ArchiveError, match="town: holds no catalogue; nothing was checked"):
        check_archive(tmp_path / "town")
    assert list((tmp_path / "town").iterdir()) == []


def test_an_erased_file_that_is_not_unlinked_yet_is_garbage_and_no_problem(
    archive: Archive, database: str | None
) -> None:
    record(archive, segments=1)
    info, _ = segment(archive.folder, at_s=10.0)
    garbage = text("INSERT INTO garbage (path, begins_us, erased_us) VALUES (:path, 0, 0)")
    archive._catalogue.write(lambda connection: connection.execute(garbage, {"path": info.path}))
    report = check_archive(archive.folder, database, settle_s=0)
    assert (report.problems, report.garbage) == ((), 1)
    with pytest.raises(ArchiveError, match="was erased; it was not listed again"):
        archive.add(replace(info), archive.folder / info.path)

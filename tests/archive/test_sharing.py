"""One archive, many processes: they wait for each other, and who waits in vain loses nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from passerby.archive import Archive, check_archive
from passerby.errors import ArchiveError
from tests.archive.conftest import Open
from tests.archive.made import START, files_of, record, segment

HOUR = timedelta(hours=1)
WORKER = """
import sys
from contextlib import closing
from pathlib import Path
from passerby.archive import open_archive
from tests.archive.made import record

camera = sys.argv[3]
with closing(open_archive(Path(sys.argv[1]), sys.argv[2] or None, busy_s=60)) as archive:
    record(archive, camera, segments=25, recording=camera.encode().hex().ljust(32, "0"))
"""


def test_processes_that_start_and_write_at_once_lose_none(opened: Open, tmp_path: Path, database: str | None) -> None:
    cameras = ["hof", "tor", "weg"]
    command = [sys.executable, "-c", WORKER, str(tmp_path / "town"), database or ""]
    workers = [subprocess.Popen([*command, camera], cwd=Path(__file__).parents[2]) for camera in cameras]
    erased = 0
    while any(worker.poll() is None for worker in workers):
        erased += opened(busy_s=60).erase("hof", START + timedelta(seconds=95), "too old")
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    archive = opened()
    erased += archive.erase("hof", START + timedelta(seconds=95), "too old")
    assert erased == 10
    assert {usage.camera: usage.segments for usage in archive.usage()} == {"hof": 15, "tor": 25, "weg": 25}
    assert check_archive(archive.folder, database, settle_s=0).problems == ()


def test_two_who_erase_the_same_erase_it_once(opened: Open) -> None:
    archive = opened()
    record(archive, segments=40)
    erased: list[int] = []

    def erase() -> None:
        erased.append(archive.erase("hof", START + HOUR, "asked for"))

    threads = [threading.Thread(target=erase) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(erased) == 40
    assert sum(note.segments for note in archive.erasures()) == 40
    assert files_of(archive.folder) == []


@contextmanager
def locked(archive: Archive) -> Iterator[None]:
    """Another process, or so it looks to the database, writes and does not come to an end."""
    with archive._catalogue._writing.begin() as connection:
        connection.execute(text("UPDATE camera SET segments = segments"))
        yield


def test_a_catalogue_that_stays_locked_is_said_and_nothing_is_lost(opened: Open, database: str | None) -> None:
    other, archive = opened(), opened(busy_s=0.2)
    record(archive, segments=1)
    added = segment(archive.folder, at_s=10.0)
    with locked(other):
        with pytest.raises(ArchiveError, match=r"was locked by another process for longer than 0\.2 s"):
            archive.add(*added)
        with pytest.raises(ArchiveError, match="was locked by another process"):
            archive.erase("hof", START + HOUR, "asked for")
        assert [stored.info.media_start_s for stored in archive.segments("hof", START, START + HOUR)] == [0.0]
        assert archive.timeline("hof", START, START + HOUR)
    assert added[1].exists()
    archive.add(*added)
    assert len(archive.segments("hof", START, START + HOUR)) == 2
    assert check_archive(archive.folder, database, settle_s=0).problems == ()


def test_who_waits_for_a_short_while_gets_a_turn(opened: Open) -> None:
    other, archive = opened(), opened(busy_s=30)
    record(archive, segments=1)
    added = segment(archive.folder, at_s=10.0)
    adds = threading.Thread(target=lambda: archive.add(*added))
    with locked(other):
        adds.start()
        adds.join(0.3)
        assert adds.is_alive()
    adds.join()
    assert len(archive.segments("hof", START, START + HOUR)) == 2

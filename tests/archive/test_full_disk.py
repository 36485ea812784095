"""On a disk that is full, recording stops with a clear error, and erasing still makes room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from passerby.archive import Archive, RetentionRule, check_archive, open_archive
from passerby.errors import ArchiveError
from tests.archive.made import START, segment


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(folder: Path) -> None:
    """Take all that is left, as another program may."""
    descriptor = os.open(folder / "somebody-elses", os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(descriptor, bytes(4096)):
            pass
    except OSError:
        pass
    finally:
        os.close(descriptor)


def record_until_full(archive: Archive) -> None:
    """The last file does not fit, and its writer takes it away."""
    for number in range(10_000):
        try:
            added = segment(archive.folder, at_s=10.0 * number, content=number.to_bytes(4, "big") * 25_000)
        except OSError:
            break
        archive.add(*added)
    for torn in archive.folder.rglob("*.mp4"):
        if torn.stat().st_size != 100_000:
            torn.unlink()


def test_a_full_disk_is_said_and_erasing_makes_room_on_it(small_disk: Path) -> None:
    folder = small_disk / "town"
    with closing(open_archive(folder)) as archive:
        archive.retain({}, floor_bytes=0, now=START)
        assert (folder / ".archive-reserve").stat().st_size == 8_000_000
        late = segment(folder, at_s=100_000.0, content=bytes(100_000))
        record_until_full(archive)
        fill(folder)
        # SQLite has some room of its own; when that is used up, the disk is full for it too.
        with pytest.raises(ArchiveError, match=r"catalogue\.sqlite: the disk is full; the catalogue is as it was"):
            for number in range(10_000):
                use_up(archive, number)
        with pytest.raises(ArchiveError, match="the disk is full"):
            archive.add(*late)
        held = archive.usage()[0]
        [erasure] = archive.retain({"hof": RetentionRule(age_h=1)}, floor_bytes=0, now=START + timedelta(days=2))
        assert erasure.segments == held.segments > 200
        assert not (folder / ".archive-reserve").exists()
        assert archive.usage() == []
        archive.add(*late)
        assert check_archive(folder, settle_s=0).problems == ()


def use_up(archive: Archive, number: int) -> None:
    """Something that takes room in the catalogue and none in the folder."""
    archive._catalogue.write(lambda connection: connection.exec_driver_sql(f"CREATE TABLE t{number} (x)"))

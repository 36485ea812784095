"""Folder and catalogue that do not belong together, or cannot be used, are refused in one sentence."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from passerby.archive import check_archive, open_archive
from passerby.archive.database import Database
from passerby.archive.folder import ID_FILE
from passerby.errors import ArchiveError
from tests.archive.conftest import Open, Server
from tests.archive.made import START, record


def make_archive(folder: Path, database: str | None = None, segments: int = 2) -> None:
    with closing(open_archive(folder, database)) as archive:
        record(archive, segments=segments)


def refused(folder: Path, database: str | None = None) -> ArchiveError:
    """The error, which must be one sentence and leave the folder as it was."""
    before = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    with pytest.raises(ArchiveError) as caught:
        open_archive(folder, database)
    assert ". " not in caught.value.message
    assert sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".") == before
    return caught.value


def test_the_catalogue_of_another_archive_is_refused(tmp_path: Path) -> None:
    make_archive(tmp_path / "one")
    make_archive(tmp_path / "two")
    shutil.copy(tmp_path / "one" / "catalogue.sqlite", tmp_path / "two" / "catalogue.sqlite")
    error = refused(tmp_path / "two")
    ids = [(tmp_path / name / ID_FILE).read_text()[:8] for name in ("two", "one")]
    assert error.message == (
        f"two: the folder of the recordings holds archive {ids[0]}, and catalogue.sqlite is the catalogue of archive "
        f"{ids[1]}; refused to mix them up"
    )
    assert error.hint is not None
    assert check_archive(tmp_path / "two", settle_s=0).problems[0] == (
        f"two: the folder is of archive {ids[0]}, and the catalogue of archive {ids[1]}"
    )


def test_two_folders_on_one_database_are_refused(tmp_path: Path, postgres: Server) -> None:
    database = postgres.new_database()
    make_archive(tmp_path / "one", database)
    make_archive(tmp_path / "two")
    assert "is the catalogue of archive" in refused(tmp_path / "two", database).message
    assert "holds no archive" in refused(tmp_path / "three", database).message


def test_recordings_without_their_catalogue_are_refused(tmp_path: Path) -> None:
    make_archive(tmp_path / "town")
    for file in (tmp_path / "town").glob("catalogue.sqlite*"):
        file.unlink()
    open_refused = pytest.raises(ArchiveError, match=r"holds recordings of .*catalogue\.sqlite is an empty catalogue")
    with open_refused:
        open_archive(tmp_path / "town")


def test_a_catalogue_without_its_recordings_is_refused_as_on_a_disk_that_is_not_mounted(
    tmp_path: Path, postgres: Server
) -> None:
    database = postgres.new_database()
    make_archive(tmp_path / "town", database)
    (tmp_path / "town").rename(tmp_path / "unmounted")
    (tmp_path / "town").mkdir()
    error = refused(tmp_path / "town", database)
    assert "holds no archive" in error.message
    assert "mounted" in (error.hint or "")
    shutil.rmtree(tmp_path / "town")
    (tmp_path / "unmounted").rename(tmp_path / "town")
    open_archive(tmp_path / "town", database).close()


@pytest.mark.parametrize("killed_before", ["the folder's id was written", "the catalogue's id was written"])
def test_a_first_start_that_was_killed_is_taken_up_again(opened: Open, tmp_path: Path, killed_before: str) -> None:
    archive = opened()
    if "folder" in killed_before:
        (archive.folder / ID_FILE).unlink()
    else:
        archive._catalogue.write(lambda connection: connection.execute(text("DELETE FROM archive")))
    record(opened(), segments=1)
    assert len(opened().segments("hof", START, START.replace(hour=23))) == 1


def test_a_later_version_of_the_tables_is_left_alone(opened: Open, tmp_path: Path) -> None:
    opened()._catalogue.write(
        lambda connection: connection.execute(text("UPDATE alembic_version SET version_num='9001'"))
    )
    with pytest.raises(ArchiveError, match=r"was written by a later version of passerby \(tables 9001"):
        opened()


def test_somebody_elses_database_is_left_alone(tmp_path: Path, database: str | None) -> None:
    address = database or f"sqlite:///{tmp_path / 'theirs.sqlite'}"
    with closing(Database.at(address, busy_s=1)) as theirs:
        theirs.write(lambda connection: connection.execute(text("CREATE TABLE customer (name TEXT)")))
    assert "holds tables that are not passerby's" in refused(tmp_path / "town", address).message


def test_what_is_no_database_is_left_alone(tmp_path: Path) -> None:
    make_archive(tmp_path / "town")
    (tmp_path / "town" / "catalogue.sqlite").write_bytes(b"Dear all, this is no database. " * 300)
    assert "is damaged or no database" in refused(tmp_path / "town").message


@pytest.mark.parametrize("address", ["mysql://root:secret@host/town", "catalogue.sqlite", "sqlite://", "://"])
def test_an_address_of_no_known_database_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    error = refused(tmp_path / "town", address)
    assert "is not one that passerby can use" in error.message
    assert "secret" not in str(error) + str(error.hint)


def test_a_server_that_does_not_answer_is_said_without_its_address(tmp_path: Path) -> None:
    error = refused(tmp_path / "town", f"postgresql://town:secret@/town?host={tmp_path}&user=town")
    assert error.message == ("the database town: the database server cannot be reached; the catalogue is as it was")


def test_a_database_that_is_not_on_the_server_is_said(tmp_path: Path, postgres: Server) -> None:
    address = postgres.new_database().replace("/archive_", "/missing_")
    assert "the database missing_" in refused(tmp_path / "town", address).message


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "town").write_bytes(b"")
    with pytest.raises(ArchiveError, match="town: the folder of the recordings is no folder; nothing was changed"):
        open_archive(tmp_path / "town")


def test_a_folder_that_went_away_is_said(tmp_path: Path) -> None:
    with closing(open_archive(tmp_path / "town")) as archive:
        shutil.rmtree(tmp_path / "town")
        with pytest.raises(ArchiveError, match="town: the folder of the recordings is not there"):
            archive.free_bytes()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """An archive that the user below may read and not write."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
    make_archive(tmp_path / "town")
    (tmp_path / "town").chmod(0o555)
    yield tmp_path / "town"
    (tmp_path / "town").chmod(0o755)


def test_a_folder_that_may_not_be_written_to_is_said(read_only: Path) -> None:
    with as_somebody_else(), pytest.raises(ArchiveError) as caught:
        open_archive(read_only)
    assert caught.value.message == "town: the folder of the recordings may not be written to; nothing was changed"


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root may write everywhere, so that somebody else has to try."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_the_tables_are_those_of_the_migrations(opened: Open) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    import passerby.archive.migrations as migrations
    from passerby.archive.database import REVISION
    from passerby.archive.schema import metadata

    with opened()._catalogue.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head() == REVISION


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, database: str | None) -> None:
    address = database or f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    engine = create_engine(Database.at(address, busy_s=1).url)
    with closing(Database.at(address, busy_s=1)) as catalogue:
        from passerby.archive.database import _upgrade

        def half(connection: object) -> None:
            _upgrade(connection)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            catalogue.write(half)
        assert catalogue.revision() is None
        catalogue.migrate()
        assert catalogue.revision() is not None
    engine.dispose()


def test_sqlite_keeps_what_it_was_told_when_the_power_fails(tmp_path: Path) -> None:
    make_archive(tmp_path / "town")
    with closing(open_archive(tmp_path / "town")) as archive, archive._catalogue.reading() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    with closing(sqlite3.connect(tmp_path / "town" / "catalogue.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

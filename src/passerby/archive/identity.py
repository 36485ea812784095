"""Folder and catalogue carry each other's id, so that recordings never meet the catalogue of others."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select

from passerby.archive.database import Database
from passerby.archive.folder import ID_FILE, ArchiveFolder
from passerby.archive.schema import archive_table, garbage_table, segment_table
from passerby.errors import ArchiveError


def agree(place: ArchiveFolder, catalogue: Database) -> None:
    """Prove that folder and catalogue belong together; give a new archive its id.

    Call it while `place.locked()`, so that no two processes give two ids.

    Raises:
        ArchiveError: they do not belong together.
    """
    of_folder, of_catalogue = place.read_id(), read_id(catalogue)
    if of_folder is not None and of_folder == of_catalogue:
        return
    problem = mixed_up(place, catalogue, of_folder, of_catalogue)
    if problem is not None:
        raise problem
    new = place.write_id() if of_folder is None else of_folder
    catalogue.write(lambda connection: _write_id(connection, new))


def read_id(catalogue: Database) -> str | None:
    """The id that the catalogue carries, or None."""
    with catalogue.reading() as connection:
        found: str | None = connection.scalar(select(archive_table.c.id))
    return found


def mixed_up(
    place: ArchiveFolder, catalogue: Database, of_folder: str | None, of_catalogue: str | None
) -> ArchiveError | None:
    """Why two different ids cannot be one archive, or None where one side is new and the other empty."""
    name, hint = place.path.name, "put folder and catalogue that belong together back together; nothing was changed"
    if of_folder is not None and of_catalogue is not None:
        what = f"holds archive {of_folder[:8]}, and {catalogue.name} is the catalogue of archive {of_catalogue[:8]}"
    elif of_folder is not None and any(place.files()):
        what = f"holds recordings of archive {of_folder[:8]}, and {catalogue.name} is an empty catalogue"
    elif of_catalogue is not None and _lists_something(catalogue):
        what = f"holds no archive, and {catalogue.name} is the catalogue of archive {of_catalogue[:8]}"
        hint = f"see whether its disk is mounted, and whether the file {ID_FILE} is in it; nothing was changed"
    else:
        return None
    return ArchiveError(f"{name}: the folder of the recordings {what}; refused to mix them up", hint=hint)


def _lists_something(catalogue: Database) -> bool:
    with catalogue.reading() as connection:
        listed = exists().select_from(segment_table), exists().select_from(garbage_table)
        return any(connection.scalar(select(table)) for table in listed)


def _write_id(connection: Connection, new: str) -> None:
    connection.execute(delete(archive_table))
    connection.execute(archive_table.insert().values(id=new))

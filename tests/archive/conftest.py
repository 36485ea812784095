"""Archives on SQLite and on a PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the catalogue needs the extra 'serve'")

from passerby.archive import Archive, open_archive

Open = Callable[..., Archive]
MEMORY = Path("/dev/shm")
PATIENCE_S = 60.0
"""A machine that is busy with other things may let a database wait for long."""


class Server:
    """PostgreSQL in a temporary folder, reached through a socket in it and by nothing else."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self.folder = programs, folder

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as a user whom PostgreSQL accepts, which root is not."""
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        result = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        assert result.returncode == 0, result.stderr.decode()

    def make(self) -> None:
        """Make the cluster."""
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-U", "town", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        """Serve it."""
        data = str(self.folder / "data")
        quick = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        # Nobody cuts the power in a test.
        quick += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        self.run("pg_ctl", "-D", data, "-w", "-l", str(self.folder / "log"), "-o", quick, "start")

    def stop(self) -> None:
        """End the server and all who talk to it."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    def new_database(self) -> str:
        """The address of an empty database."""
        import psycopg

        name = f"archive_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.folder), user="town", dbname="postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://town@/{name}?host={self.folder}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A real server, as Debian ships it; whoever asks for it is skipped where there is none."""
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server on this machine (Debian: apt-get install postgresql)")
    # Not below pytest's folder: only its owner may enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, *pwd.getpwnam("postgres")[2:4])
    server = Server(found[-1].parent, folder)
    try:
        server.make()
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where the system has such a disk: syncing is as real there, and quicker."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of an empty database, None for the one inside the folder."""
    if request.param == "sqlite":
        return None
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def opened(tmp_path: Path, database: str | None) -> Iterator[Open]:
    """Opens the archive of this test, again and again if need be; all are closed at the end."""
    with ExitStack() as stack:

        def opens(**how: object) -> Archive:
            archive = open_archive(tmp_path / "town", database, **{"busy_s": PATIENCE_S, **how})  # type: ignore[arg-type]
            stack.callback(archive.close)
            return archive

        yield opens


@pytest.fixture
def archive(opened: Open) -> Archive:
    """An empty archive."""
    return opened()

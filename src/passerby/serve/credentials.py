"""Users and passwords of cameras: never shown, never in the settings, never on a command line."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from passerby.errors import SettingsError
from passerby.pending import write_durably

FILE_NAME = "credentials.toml"
_FIELDS = ("username", "password", "query")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a camera wants to know before it shows anything. `repr` and `str` show none of it.

    Attributes:
        username: or "".
        password: or "".
        query: of cameras that want their secret in the address: what stands behind the question mark, or "".
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    query: str = field(default="", repr=False)


class CredentialsFile:
    """`credentials.toml` in the data folder, a table for each camera; only its owner may read it.

    Where the environment has `PASSERBY_CAMERA_<NAME>_USERNAME`, `_PASSWORD` or `_QUERY` (the name in capitals, with _
    for -), that counts.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._path = folder / FILE_NAME
        self._environment = environment

    def of(self, camera: str) -> Credentials:
        """Those of a camera; empty ones if none are known.

        Raises:
            SettingsError: the file may be read by others, or is none.
        """
        told = self._tables().get(camera, {})
        prefix = f"PASSERBY_CAMERA_{camera.upper().replace('-', '_')}_"
        values = {name: self._environment.get(prefix + name.upper(), told.get(name, "")) for name in _FIELDS}
        return Credentials(**values)

    def check(self) -> None:
        """Raises SettingsError where `of` would, for any camera."""
        self._tables()

    def store(self, camera: str, credentials: Credentials | None) -> None:
        """Remember those of a camera, or forget them (None).

        Raises:
            SettingsError: the file may be read by others, or is none.
            OutputError: the disk does not take it.
        """
        tables = self._tables()
        tables.pop(camera, None)
        if credentials is not None:
            tables[camera] = {name: value for name in _FIELDS if (value := getattr(credentials, name))}
        # The pending file takes its mode from the mask; nobody else may read it for a moment either.
        before = os.umask(0o077)
        try:
            write_durably(self._path, tomli_w.dumps(tables).encode())
        finally:
            os.umask(before)

    def _tables(self) -> dict[str, dict[str, str]]:
        try:
            with self._path.open("rb") as file:
                self._refuse_open_mode(os.fstat(file.fileno()).st_mode)
                tables = tomllib.load(file)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsError(f"{FILE_NAME} cannot be read: {os.strerror(error.errno or 0).lower()}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # The error of the parser may show what stands there.
            raise SettingsError(f"{FILE_NAME} is not TOML; no credentials were used") from None
        _check_tables(tables)
        return tables

    def _refuse_open_mode(self, mode: int) -> None:
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise SettingsError(
                f"{FILE_NAME} may be read by others (mode {stat.S_IMODE(mode):04o}), and holds passwords; not used",
                hint=f"chmod 600 {self._path}",
            )


def _check_tables(tables: dict[str, object]) -> None:
    for camera, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{FILE_NAME}: {camera} is no table; write [{camera}] above its username and password")
        for name, value in table.items():
            if name not in _FIELDS or not isinstance(value, str):
                allowed = ", ".join(_FIELDS)
                raise SettingsError(f"{FILE_NAME}: [{camera}] {name} is not one of {allowed}, each a text in quotes")

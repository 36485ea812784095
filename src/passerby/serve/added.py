"""Cameras that were added on the page: kept in `cameras.toml` in the data folder, without credentials."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import tomli_w

from passerby.errors import SettingsError
from passerby.pending import write_durably
from passerby.read.camera_address import CameraAddress
from passerby.serve.town import DEMO_URL, PLAIN_SITE, CameraSettings, Town
from passerby.serve.town_file import read_toml, town_problems

FILE_NAME = "cameras.toml"
_LEADS_AWAY = re.compile(r"/dev/.*\.\.")


class AddedCameras:
    """The file, read and written whole."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def load(self) -> tuple[CameraSettings, ...]:
        """The cameras in the file; none if there is no file.

        Raises:
            SettingsError: it was changed by hand into what is not allowed.
        """
        if not self._path.exists():
            return ()
        told = read_toml(self._path)
        problems = town_problems(told)
        problems += [f"there is no setting {key} in this file" for key in told if key != "camera"]
        if problems:
            raise SettingsError(f"{FILE_NAME}: {problems[0]}")
        cameras = tuple(CameraSettings(**camera) for camera in told.get("camera", []))
        for camera in cameras:
            refuse_files(camera.url, camera.look_url)
        return cameras

    def store(self, cameras: Sequence[CameraSettings]) -> None:
        """Replace what is in the file.

        Raises:
            OutputError: the disk does not take it.
        """
        tables = [camera.model_dump(mode="json", exclude_defaults=True) for camera in cameras]
        write_durably(self._path, tomli_w.dumps({"camera": tables}).encode())


def refuse_files(*addresses: str) -> None:
    """Raises SettingsError where `refuse_file` would, for any of them; an empty one is none."""
    for url in filter(None, addresses):
        refuse_file(url)


def refuse_file(url: str) -> None:
    """A page may not make this machine read its own files, whoever asks.

    Raises:
        SettingsError: the address is of a file, or is none.
    """
    if url != DEMO_URL and (CameraAddress.parse("on trial", url).kind == "file" or _LEADS_AWAY.match(url)):
        raise SettingsError(
            "a file is played as a camera only if it stands in the file of the town",
            hint="Addresses begin with rtsp://, rtsps://, http:// or https://; or are /dev/video0, or demo:",
        )


def refuse_elsewhere(before: CameraSettings, after: CameraSettings) -> None:
    """What is stored of a password is sent to no host but the one that it was given for, and no less encrypted.

    Raises:
        SettingsError: an address leads to another one.
    """
    if not _hosts_of(after) <= _hosts_of(before):
        raise SettingsError(
            f"camera {after.name}: its address leads elsewhere now, and the user and password that are stored were "
            "given for the one before; nothing was changed",
            hint="Give user and password with the new address",
        )


def _hosts_of(camera: CameraSettings) -> set[tuple[str, str]]:
    parts = [urlsplit(url) for url in (camera.url, camera.look_url) if url]
    return {(part.scheme, part.netloc) for part in parts if part.netloc}


def with_cameras(town: Town, cameras: tuple[CameraSettings, ...]) -> Town:
    """The town with these cameras.

    Raises:
        SettingsError: two have one name, or the town has no such site.
    """
    names = [camera.name for camera in cameras]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"camera {twice} stands in the file of the town, and was added on the page, too")
    known = {site.name for site in town.site} | {PLAIN_SITE}
    for camera in cameras:
        if town.site and camera.site not in known:
            raise SettingsError(f"camera {camera.name} is at {camera.site}, and the town has no site of that name")
    return town.model_copy(update={"camera": cameras})

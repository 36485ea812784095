"""All cameras of a town: a process for each, kept running; the settings, and the recordings' housekeeping."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from passerby.archive import Archive, open_archive
from passerby.errors import PasserbyError, SettingsError
from passerby.hardening import keep_memory_private
from passerby.live import CameraStatus
from passerby.serve.added import AddedCameras, refuse_elsewhere, refuse_files, with_cameras
from passerby.serve.credentials import Credentials, CredentialsFile
from passerby.serve.demo import demo_clip
from passerby.serve.fan_out import Subscription
from passerby.serve.finding import CameraFinder
from passerby.serve.folder_lock import FolderLock
from passerby.serve.housekeeping import Housekeeping
from passerby.serve.job import CameraJob
from passerby.serve.keeper import Surroundings, Turns
from passerby.serve.keepers import Keepers
from passerby.serve.network import CameraTrial
from passerby.serve.reloading import cameras_to_restart
from passerby.serve.town import DEMO_URL, CameraSettings, Town
from passerby.serve.trial_apart import try_apart
from passerby.write.recovery import recover

_PATIENCE_S = 60.0
"""Processes of a supervisor that was killed finish their segments first, and those that had just started, starting."""


class Supervisor:
    """Runs the cameras of a town; `Network` says what the web asks of it. A context manager.

    Args:
        town: the settings of the file; cameras that were added on the page are read from the folder.
        folder: of recordings, catalogue, credentials and accounts; made if need be.

    Attributes:
        finder: who finds cameras in this network.

    Raises:
        SettingsError: what stands in the folder is not allowed: wide open credentials, two cameras of one name.
        ArchiveError: folder and catalogue do not belong together, or cannot be used.
        OutputError: another passerby serves from this folder, or it cannot be written to.
    """

    def __init__(self, town: Town, folder: Path) -> None:
        keep_memory_private()
        folder = folder.resolve()
        self._fixed = frozenset(camera.name for camera in town.camera)
        self._credentials, self._added = CredentialsFile(folder), AddedCameras(folder)
        self._folder_lock = FolderLock(folder, _PATIENCE_S)
        try:
            self._credentials.check()
            self._town = with_cameras(town, (*town.camera, *self._added.load()))
            self._archive = open_archive(folder, town.database)
        except BaseException:
            self._folder_lock.close()
            raise
        self._housekeeping = Housekeeping(self._archive, lambda: self._town)
        self.finder = CameraFinder()
        self._changing = threading.RLock()
        turns = Turns(2 * (os.cpu_count() or 1))
        surroundings = Surroundings(town.restart_h * 3600, self._recover, turns, (self._folder_lock.inherited,))
        self._keepers = Keepers(self._job, surroundings)
        self._used: dict[str, Credentials] = {}

    def start(self) -> None:
        """Put into order what a killed run left behind, and start all cameras."""
        for name in self._left_behind():
            with suppress(PasserbyError):  # its own page says it; the others run
                self._recover(name)
        self._housekeeping.start()
        with self._changing:
            for camera in self._town.camera:
                self._keepers.keep(camera)

    def close(self) -> None:
        """Finish all segments within `keeper.FINISH_S`, and end every process."""
        with self._changing:
            self._keepers.end(*self._keepers)
        self._housekeeping.close()
        self._archive.close()
        self._folder_lock.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def town(self) -> Town:
        """The settings as they are now, cameras that were added on the page included."""
        return self._town

    @property
    def archive(self) -> Archive:
        """Recordings and their catalogue."""
        return self._archive

    @property
    def erasing_trouble(self) -> str:
        """Why recordings that are due were not erased the last time, a sentence; "" when they were."""
        return self._housekeeping.trouble

    def statuses(self) -> list[CameraStatus]:
        """How every camera is, in the order of the settings."""
        keepers = (self._keepers.get(camera.name) for camera in self._town.camera)
        return [keeper.known.status for keeper in keepers if keeper is not None]

    def status(self, name: str) -> CameraStatus:
        """How one camera is. KeyError: there is no such camera."""
        return self._keepers[name].known.status

    def still(self, name: str) -> tuple[bytes, datetime] | None:
        """The last redacted picture (JPEG) and when it arrived, or None. KeyError: there is no such camera."""
        return self._keepers[name].known.still

    def subscribe(self, name: str, on_ready: Callable[[], None] | None = None) -> Subscription:
        """Live parts of a camera, from the last keyframe on. KeyError: there is no such camera."""
        return self._keepers[name].known.fan_out.subscribe(on_ready or (lambda: None))

    def pid(self, name: str) -> int | None:
        """Of the camera's process, None between two of them. KeyError: there is no such camera."""
        return self._keepers[name].pid

    def is_fixed(self, name: str) -> bool:
        """Whether the camera stands in the file of the town: then the page can restart it, and change nothing."""
        return name in self._fixed

    def add_camera(self, camera: CameraSettings, credentials: Credentials | None) -> None:
        """Start another camera, and remember it. SettingsError: the name is taken, the address is of a file."""
        refuse_files(camera.url, camera.look_url)
        with self._changing:
            if camera.name in self._keepers:
                raise SettingsError(f"there is a camera {camera.name} already; nothing was added")
            town = with_cameras(self._town, (*self._town.camera, camera))
            self._credentials.store(camera.name, credentials)
            self._remember(town)
            self._keepers.keep(camera)

    def edit_camera(self, name: str, camera: CameraSettings, credentials: Credentials | None) -> None:
        """Give a camera other settings (the name stays); None keeps its credentials.

        Its process starts anew if it has to know of them, and this waits until its segment is finished.

        KeyError: there is no such camera. SettingsError: it is fixed, or the settings are not allowed; or its address
        leads to another host, and its credentials were kept: they are sent to no other.
        """
        with self._changing:
            before = self._editable(name)
            if camera.name != name:
                raise SettingsError(f"camera {name} keeps its name, because its recordings stand under it")
            refuse_files(camera.url, camera.look_url)
            if credentials is None and self._credentials.of(name) != Credentials():
                refuse_elsewhere(before, camera)
            town = with_cameras(
                self._town, tuple(camera if known.name == name else known for known in self._town.camera)
            )
            if credentials is not None:
                self._credentials.store(name, credentials)
            self._remember(town)
            if credentials is not None or camera.for_process != before.for_process:
                self._keepers.end(name)
                self._keepers.keep(camera)

    def remove_camera(self, name: str) -> None:
        """Stop a camera and forget it, when its segment is finished; its recordings stay until retention erases them.

        KeyError: there is no such camera. SettingsError: it is fixed.
        """
        with self._changing:
            self._editable(name)
            self._credentials.store(name, None)
            self._remember(with_cameras(self._town, tuple(one for one in self._town.camera if one.name != name)))
            self._keepers.end(name)
            self._keepers.forget(name)

    def reload(self, town: Town, agreed: Callable[[], None] = lambda: None) -> list[str]:
        """Take other settings of the file. Only cameras whose process has to know of it end or start anew.

        Args:
            town: the settings; its database counts from the next start on.
            agreed: called when they go together with the cameras of the page; what it raises changes nothing.

        Returns:
            Names of the cameras that ended or started, or did both.

        Raises:
            SettingsError: they do not go together; nothing was changed.
        """
        with self._changing:
            before = self._town
            added = [camera for camera in before.camera if camera.name not in self._fixed]
            after = with_cameras(town, (*town.camera, *added)).model_copy(update={"database": before.database})
            changed = cameras_to_restart(before, after) | self._with_other_credentials()
            agreed()
            self._town, self._fixed = after, frozenset(camera.name for camera in town.camera)
            self._keepers.restart_every(after.restart_h * 3600)
            self._keepers.end(*changed & set(self._keepers))
            self._keepers.forget(*set(self._keepers) - {camera.name for camera in after.camera})
            for camera in after.camera:
                if camera.name in changed:
                    self._keepers.keep(camera)
            return sorted(changed)

    def restart_camera(self, name: str) -> None:
        """Finish its segment, end its process, start another. KeyError: there is no such camera."""
        self._keepers[name].restart()

    def try_camera(self, url: str, username: str, password: str, transport: str, look_url: str = "") -> CameraTrial:
        """Connect in a process of its own, look for some seconds, and say what was seen.

        Raises:
            SettingsError: the address is none that may be tried here.
            CameraError: the camera cannot be reached or used; named "on trial", never by its address.
        """
        refuse_files(url, look_url)
        return try_apart(self._archive.folder, url, Credentials(username, password), transport, look_url)

    def _with_other_credentials(self) -> set[str]:
        """Cameras whose process was told others than there are now."""
        return {
            name for name, used in self._used.items() if name in self._keepers and self._credentials.of(name) != used
        }

    def _job(self, name: str) -> CameraJob:
        camera = self._town.camera_named(name)
        if camera.url == DEMO_URL:
            demo_clip(self._archive.folder)
        credentials = self._used[camera.name] = self._credentials.of(camera.name)
        return CameraJob(camera, credentials, self._archive.folder, self._town.database, self._town.threads)

    def _recover(self, name: str) -> None:
        """List what a killed process of this camera left, cut to its last whole part."""
        self._archive.release(name)
        self._archive.adopt(recover(self._archive.folder, name))

    def _left_behind(self) -> list[str]:
        """Cameras with recordings here and no settings, whose processes will not be started."""
        running = {camera.name for camera in self._town.camera if camera.enabled}
        folders = sorted(path.name for path in self._archive.folder.iterdir() if path.is_dir())
        return [name for name in folders if name not in running]

    def _remember(self, town: Town) -> None:
        self._added.store([camera for camera in town.camera if camera.name not in self._fixed])
        self._town = town

    def _editable(self, name: str) -> CameraSettings:
        if name not in self._keepers:
            raise KeyError(name)
        if name in self._fixed:
            raise SettingsError(
                f"camera {name} stands in the file of the town, and is changed there; nothing was changed",
                hint="The page can restart it",
            )
        return self._town.camera_named(name)

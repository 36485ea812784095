"""The folder of the recordings: which files may stand in it, and how they come to stay or go for good."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from passerby.errors import ArchiveError
from passerby.live import SegmentInfo
from passerby.pending import SUFFIX, sync_folder, write_durably

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

ID_FILE = "archive-id"
_LOCK_FILE, _RESERVE_FILE = ".archive-lock", ".archive-reserve"
_RESERVE_BYTES = 8_000_000
_PART, _NOTES = ".part", ".notes"
UNFINISHED = (_PART, _NOTES, SUFFIX)
"""How the names of files end that are still being written, or were when their writer was killed, and of their notes."""


class ArchiveFolder:
    """Recordings at `<camera>/...` and the id that the catalogue carries too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced: dict[str, Path] = {}

    @staticmethod
    def open(path: Path) -> ArchiveFolder:
        """The folder, made if need be.

        Raises:
            ArchiveError: it cannot be made or written to.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / _LOCK_FILE).touch()
        except OSError as error:
            raise folder_error(path, error) from error
        return ArchiveFolder(path.resolve())

    @contextmanager
    def locked(self) -> Generator[None, None, None]:
        """Hold the folder alone, while ids are compared and tables are made; other processes wait."""
        with (self.path / _LOCK_FILE).open("rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read_id(self) -> str | None:
        """The id that the folder carries, 32 hexadecimal digits, or None."""
        with suppress(FileNotFoundError):
            return (self.path / ID_FILE).read_text("ascii", errors="replace").strip()
        return None

    def write_id(self) -> str:
        """Give the folder a new id, durably, and return it."""
        made = uuid.uuid4().hex
        write_durably(self.path / ID_FILE, f"{made}\n".encode())
        return made

    def place(self, path: str) -> Path:
        """Where a path of the catalogue is.

        Raises:
            ArchiveError: it would lead out of the folder, or is not written as paths of the catalogue are.
        """
        parts = PurePosixPath(path).parts
        plain = len(parts) > 1 and "/".join(parts) == path and not any(part in ("..", "/") for part in parts)
        if not plain or "\\" in path or "\0" in path or path.startswith(".") or path.endswith(UNFINISHED):
            raise ArchiveError(f"{path!r} is no path of a recording in {self.path.name}; it was not touched")
        return self.path.joinpath(*parts)

    def path_of(self, file: Path) -> str:
        """The path of a file, as the catalogue writes it."""
        return file.relative_to(self.path).as_posix()

    def settle(self, info: SegmentInfo, path: Path) -> None:
        """Make a finished segment durable: its bytes, then its name.

        Raises:
            ArchiveError: it is not there, has another size, is no plain file or stands elsewhere than it says.
        """
        place = self.place(info.path)
        if PurePosixPath(info.path).parts[0] != info.camera or path.absolute() != place:
            if path.resolve() != place:
                raise ArchiveError(f"{path.name}: does not stand at {info.path!r} in the archive; it was not listed")
            raise ArchiveError(f"{info.path}: is not in the folder of the camera {info.camera}; it was not listed")
        try:
            self._sync_file(place, info)
            self._sync_folders(info.camera, place.parent)
        except OSError as error:
            raise folder_error(self.path, error, f"{info.path}: was not listed in the catalogue") from error

    def _sync_file(self, place: Path, info: SegmentInfo) -> None:
        descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != info.size_bytes:
                raise ArchiveError(
                    f"{info.path}: is not the file of {info.size_bytes} bytes that was announced; it was not listed"
                )
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _sync_folders(self, camera: str, folder: Path) -> None:
        sync_folder(folder)
        if self._synced.get(camera) == folder:
            return
        for parent in [*folder.parents][: len(folder.relative_to(self.path).parts)]:
            sync_folder(parent)
        self._synced[camera] = folder

    def unname(self, file: Path) -> Path:
        """Give a finished file an unfinished name again, durably.

        Raises:
            ArchiveError: the disk does not take it.
        """
        loose = file.with_name(f"{file.name}{_PART}")
        try:
            file.rename(loose)
        except OSError as error:
            raise folder_error(self.path, error) from error
        sync_folder(file.parent)
        return loose

    def unlink(self, paths: Iterable[str], quiet: Iterable[str] = ()) -> list[str]:
        """Remove files for good, and the folders of `quiet` ones if nothing is left in them.

        Returns:
            Those that are gone; others stay where they are, because the disk does not let go of them.
        """
        gone, folders = [], set()
        for path in paths:
            place = self.place(path)
            try:
                place.unlink(missing_ok=True)
                place.with_name(place.name + _NOTES).unlink(missing_ok=True)
            except NotADirectoryError:
                pass
            except OSError:
                continue
            gone.append(path)
            folders.add(place.parent)
        for folder in folders:
            sync_folder(folder)
        for folder in {self.place(path).parent for path in quiet}:
            self._remove_empty(folder)
        return gone

    def _remove_empty(self, folder: Path) -> None:
        with suppress(OSError):
            while folder != self.path:
                folder.rmdir()
                folder = folder.parent

    def files(self, camera: str | None = None) -> Iterator[Path]:
        """Everything that is no folder below the folders of all cameras, or of one; links are not followed."""
        tops = [self.path / camera] if camera is not None else sorted(p for p in self.path.iterdir() if p.is_dir())
        for top in tops:
            if not top.name.startswith("."):
                for folder, folders, names in os.walk(top, followlinks=False):
                    links = [name for name in folders if Path(folder, name).is_symlink()]
                    yield from (Path(folder, name) for name in sorted([*names, *links]))

    def keep_reserve(self) -> None:
        """Set room aside for the day when the disk is full: erasing has to be written down before it makes room."""
        reserve = self.path / _RESERVE_FILE
        if reserve.exists() or not hasattr(os, "posix_fallocate") or self.free_bytes() < 4 * _RESERVE_BYTES:
            return
        with suppress(OSError), reserve.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)

    def give_up_reserve(self) -> bool:
        """Make the room free that was set aside; False if there is none."""
        try:
            (self.path / _RESERVE_FILE).unlink()
        except OSError:
            return False
        return True

    def free_bytes(self) -> int:
        """What the disk has left for this user.

        Raises:
            ArchiveError: the folder is gone.
        """
        try:
            return shutil.disk_usage(self.path).free
        except OSError as error:
            raise folder_error(self.path, error) from error


def is_unfinished(path: Path) -> bool:
    """Whether a file is, by its name, still being written."""
    return path.name.endswith(UNFINISHED)


def has_notes(path: Path) -> bool:
    """Whether the writer of a file still keeps notes of it, as it does until the file is listed."""
    return path.with_name(path.name + _NOTES).exists()


def sha256_of(path: Path) -> str:
    """Of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_error(folder: Path, error: OSError, done: str = "nothing was changed") -> ArchiveError:
    """The error of the operating system, in words."""
    mounted = "see whether the disk is mounted"
    allowed = "see whether the user that runs passerby may write there"
    reasons = {
        errno.ENOENT: ("is not there, or a file in it is gone", mounted),
        errno.ENOTDIR: ("is no folder", "choose another one"),
        errno.EEXIST: ("is no folder", "choose another one"),
        errno.EACCES: ("may not be written to", allowed),
        errno.EPERM: ("may not be written to", allowed),
        errno.EROFS: ("is on a read-only disk", mounted),
        errno.ENOSPC: ("is on a disk that is full", "free some space, or let the cameras keep less"),
        errno.EDQUOT: ("is at the end of its disk quota", "free some space, or let the cameras keep less"),
        errno.ELOOP: ("holds a link where a recording should be", None),
        errno.EIO: ("is on a disk that fails", "look at the system's log"),
    }
    why, hint = reasons.get(error.errno or 0, ((os.strerror(error.errno) if error.errno else str(error)).lower(), None))
    return ArchiveError(f"{folder.name}: the folder of the recordings {why}; {done}", hint=hint)

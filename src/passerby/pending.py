"""A file on its way to its name: written beside it, checked, then renamed; or gone."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO

from passerby.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows refuses a second writer by itself
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".passerby-part"
"""How the names of unfinished files end. One of them that stays after `kill -9` holds nothing but redacted frames."""

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)  # Windows has none


class Pending:
    """A file that has no name yet. `part` is where to write it, in the folder of `target`."""

    def __init__(self, target: Path, *, replace: bool) -> None:
        self.target = target
        self.part = target.with_name(f".{target.name}{SUFFIX}")
        self._replace = replace

    def commit(self) -> None:
        """Give the finished file its name, durably: the bytes first, then the name.

        Raises:
            OutputError: the name is taken (and was not to be replaced), or the disk does not take it.
        """
        try:
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())
            if self._replace:
                self.part.replace(self.target)
            else:
                _rename_to_free_name(self.part, self.target)
            sync_folder(self.target.parent)
        except OSError as error:
            raise output_error(self.target, error) from error


@contextmanager
def pending(target: Path, *, replace: bool = False) -> Generator[Pending, None, None]:
    """A place to write `target` to. Whatever was not committed when the block ends is removed.

    Folders are made as needed. What an earlier, killed run left behind is overwritten.

    Raises:
        OutputError: the folder cannot be written to, or another process writes the same file.
    """
    unfinished = Pending(target, replace=replace)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = _open_locked(unfinished.part)
    except BlockingIOError as error:
        raise OutputError(f"{target.name}: another passerby is writing it; left to that one") from error
    except OSError as error:
        raise output_error(target, error) from error
    try:
        yield unfinished
    finally:
        with suppress(OSError):
            if _is_ours(lock, unfinished.part):
                unfinished.part.unlink()
        lock.close()


def write_durably(target: Path, content: bytes) -> None:
    """Write a small file whole or not at all, replacing what was there.

    Raises:
        OutputError: the disk does not take it.
    """
    with pending(target, replace=True) as unfinished:
        try:
            unfinished.part.write_bytes(content)
        except OSError as error:
            raise output_error(target, error) from error
        unfinished.commit()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    with suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def hold(file: IO[bytes] | FileIO) -> bool:
    """Keep others from taking an open file for abandoned until it is closed; False where somebody else holds it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def output_error(target: Path, error: OSError) -> OutputError:
    """The error of the operating system, in the words of the user's file."""
    reasons = {
        errno.ENOSPC: ("the disk is full", "free some space and run the same command again"),
        errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
        errno.EFBIG: ("the file would be larger than this disk or shell allows", "write to another disk"),
        errno.EROFS: ("the folder is on a read-only disk", "choose another folder with -o"),
        errno.EACCES: ("the folder may not be written to", "choose another folder with -o"),
        errno.EPERM: ("the folder may not be written to", "choose another folder with -o"),
        errno.EEXIST: ("a file of that name has appeared meanwhile", "use --force to replace it"),
        errno.EISDIR: ("a folder of that name exists", "choose another name"),
        errno.ENAMETOOLONG: ("the name is too long for this disk", "choose a shorter one with -o"),
    }
    why, hint = reasons.get(error.errno or 0, (os.strerror(error.errno).lower() if error.errno else str(error), None))
    return OutputError(f"{target.name}: cannot be written: {why}; nothing was left under that name", hint=hint)


def _open_locked(part: Path) -> IO[bytes]:
    """The part file, empty and ours: nobody else's bytes are touched before the lock is held."""
    while True:
        # Through a link of that name another file would be emptied, perhaps the input.
        if part.is_symlink():
            part.unlink()
        file = os.fdopen(os.open(part, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK, 0o666), "ab")
        if fcntl is None:
            file.truncate(0)
            file.close()  # Windows renames no open file
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            file.close()
            raise
        # Whoever held it before may have renamed or removed it between our opening and our locking.
        if _is_ours(file, part):
            if os.fstat(file.fileno()).st_nlink == 1:
                file.truncate(0)
                return file
            # Killed between its two names: to empty it would empty the finished file too.
            part.unlink()
        file.close()


def _is_ours(file: IO[bytes], part: Path) -> bool:
    if file.closed:  # on Windows
        return part.exists()
    try:
        return os.path.samestat(os.fstat(file.fileno()), part.stat())
    except FileNotFoundError:
        return False


def _rename_to_free_name(part: Path, target: Path) -> None:
    # A hard link fails where a rename would silently replace; some disks (FAT, network) know no links.
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        part.rename(target)

"""One supervisor for one folder, and none before the last process of the one before has ended."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from passerby.errors import OutputError

_SUPERVISOR, _PROCESSES = ".serve-lock", ".cameras-lock"
_POLL_S = 0.2


class FolderLock:
    """Two locks: one that the supervisor alone holds, and one that the processes of its cameras inherit.

    Whoever finds the first one taken is too many. The second is free when the last process has ended: those of a
    supervisor that was killed finish their segments first, and are waited for.

    Args:
        folder: of the data; made if need be, for its owner only.
        patience_s: how long to wait for processes that were left behind.

    Attributes:
        inherited: the descriptor that the processes of cameras keep open.

    Raises:
        OutputError: another passerby serves from this folder, or it cannot be written to.
    """

    def __init__(self, folder: Path, patience_s: float) -> None:
        try:
            folder.mkdir(0o700, parents=True, exist_ok=True)
            self._alone = _opened(folder / _SUPERVISOR)
            self.inherited = _opened(folder / _PROCESSES)
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            self._take(folder, patience_s)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give both back, as far as this process is concerned."""
        os.close(self._alone)
        os.close(self.inherited)

    def _take(self, folder: Path, patience_s: float) -> None:
        if not _taken(self._alone):
            raise OutputError(
                f"{folder}: another passerby serves from this folder; nothing was started",
                hint="End that one first, or take another folder with --folder",
            )
        deadline_s = time.monotonic() + patience_s
        while not _taken(self.inherited):
            if time.monotonic() > deadline_s:
                raise OutputError(
                    f"{folder}: processes of cameras that were left behind do not end; nothing was started"
                )
            time.sleep(_POLL_S)


def _unusable(folder: Path, error: OSError) -> OutputError:
    is_file = isinstance(error, FileExistsError | NotADirectoryError)
    why = "it is a file, or below one" if is_file else os.strerror(error.errno or 0).lower()
    return OutputError(
        f"{folder}: nothing can be kept there: {why}; nothing was started",
        hint="Give the user that runs passerby a folder of its own, or take another one with --folder",
    )


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

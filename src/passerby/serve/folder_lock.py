"""One supervisor for one folder, and none before the last process of the one before has ended."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from passerby.errors import OutputError
from passerby.pending import output_error

_FILE_NAME = ".serve-lock"
_POLL_S = 0.2


class FolderLock:
    """A lock that processes of cameras inherit: it is free when all of them have ended, the killed ones included.

    Args:
        folder: of the data; made if need be.
        patience_s: how long to wait for those who finish their segments.

    Raises:
        OutputError: another passerby serves from this folder, or it cannot be written to.
    """

    def __init__(self, folder: Path, patience_s: float) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.descriptor = os.open(folder / _FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise output_error(folder, error) from error
        deadline_s = time.monotonic() + patience_s
        while not self._taken():
            if time.monotonic() > deadline_s:
                os.close(self.descriptor)
                raise OutputError(
                    f"{folder}: another passerby serves from this folder; nothing was started",
                    hint="End that one first, or take another folder with --folder",
                )
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Give it back, as far as this process is concerned."""
        os.close(self.descriptor)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

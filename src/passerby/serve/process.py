"""The process of one camera, as its supervisor holds it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import psutil

from passerby.serve.link import Link, LinkClosed, Message

TOLD_WHY = 3
"""Exit code of a process whose last word says why."""

CREDENTIALS_PREFIX = "PASSERBY_CAMERA_"


class WorkerProcess:
    """Runs `passerby.serve.worker`, with a socket between. It ends when its supervisor does: the socket closes.

    What to do, credentials included, is said through the socket; the command line has the camera's name alone, and
    credentials of cameras are taken out of the environment. Its output goes nowhere: a library that complains may
    quote an address.

    Args:
        name: of the camera, for lists of processes.
        inherited: descriptors that the process keeps open as long as it lives.
    """

    def __init__(self, name: str, inherited: Sequence[int] = ()) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "passerby.serve.worker", str(theirs.fileno()), name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), *inherited],
                env={key: value for key, value in os.environ.items() if not key.startswith(CREDENTIALS_PREFIX)},
                start_new_session=True,  # Ctrl-C is for the supervisor, who then asks each to finish
            )
        self.link = Link(ours)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def memory_bytes(self) -> int:
        """What it holds in memory; 0 once it has ended."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def ask(self, kind: str) -> None:
        """Say a word to it; one that is gone hears nothing."""
        with suppress(LinkClosed):
            self.link.send(Message(kind))

    def kill(self) -> None:
        """End it at once; what it had stored stays."""
        self._process.kill()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended, after at most so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode is not None

    def end(self, grace_s: float) -> None:
        """Wait for its end so long, then kill it; nothing of it is left."""
        if not self.wait(grace_s):
            self.kill()
            self._process.wait()
        self.link.close()

    @property
    def told_why(self) -> bool:
        """It has ended, and said why before."""
        return self._process.returncode == TOLD_WHY

    @property
    def ended_how(self) -> str:
        """In a few words, once it has, or will have to."""
        code = self._process.returncode
        if code is None:
            return "stopped in the middle of what it said, and was ended"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended by itself with code {code}"

"""Keeps the process of one camera running: starts it, hears it, ends it when it hangs, starts it again for ever."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from passerby.errors import PasserbyError
from passerby.live import CameraState
from passerby.serve.backoff import Backoff
from passerby.serve.defects import defect_in_words
from passerby.serve.job import CameraJob
from passerby.serve.known import Known
from passerby.serve.link import LinkClosed, Message
from passerby.serve.process import WorkerProcess
from passerby.serve.watchdog import Watchdog, WatchRules

FINISH_S = 10.0
"""How long a process may take to finish its segment when it is asked to end."""

_TICK_S = 0.5
_STEADY_S = 60.0


class Turn:
    """The right to be starting; `over` gives it back, once."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def over(self) -> None:
        """The process has started, or failed to; idempotent."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()


class Turns:
    """How many processes may be starting at once: each loads the engine first, and a town has many."""

    def __init__(self, most: int) -> None:
        self._free = threading.Semaphore(most)

    def take(self, ending: threading.Event) -> Turn:
        """Wait for a turn; who is told to end meanwhile waits no longer, and gets an empty one."""
        while not self._free.acquire(timeout=_TICK_S):
            if ending.is_set():
                return Turn(lambda: None)
        return Turn(self._free.release)


@dataclass(frozen=True)
class Surroundings:
    """What all cameras of a supervisor share.

    Attributes:
        restart_s: how often a process starts anew.
        recover: puts what a killed process left into order; called before each start with the camera's name.
        turns: to start.
        inherited: descriptors that each process keeps open while it lives.
    """

    restart_s: float
    recover: Callable[[str], None]
    turns: Turns
    inherited: Sequence[int] = ()


class Keeper:
    """One camera and its process, in a thread of its own.

    Args:
        make_job: what the process is told; asked at every start, so that changed credentials count.
        surroundings: see there.

    Attributes:
        known: what is known of the camera.
        restarts: how often the process was started again.
    """

    def __init__(self, name: str, make_job: Callable[[], CameraJob], surroundings: Surroundings) -> None:
        self.name, self.known, self.restarts = name, Known(name), 0
        self._make_job, self._surroundings = make_job, surroundings
        self._ending, self._wanted = threading.Event(), threading.Event()
        self._process: WorkerProcess | None = None
        self._thread = threading.Thread(target=self._run, name=f"keeper of {name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process is not None else None

    def start(self) -> None:
        """Begin; once."""
        self.known.tell(CameraState.STARTING, "")
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Finish the segment and end; returns at once, and `wait` waits."""
        self._ending.set()
        self._wanted.set()

    def wait(self) -> None:
        """Until the process has ended; it is killed when it takes longer than `FINISH_S`."""
        if self._thread.ident is not None:
            self._thread.join()
        self.known.fan_out.close()

    def restart(self) -> None:
        """Finish the segment, then start anew, without waiting for a back-off that may be going on."""
        self._wanted.set()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._ending.is_set():
            began_s = time.monotonic()
            why = self._run_guarded()
            self.restarts += 1
            if not why or time.monotonic() - began_s > _STEADY_S:
                backoff.reset()
            if why and not self._ending.is_set():
                self.known.tell(CameraState.LOST, f"{why}; it starts anew")
                self._wanted.wait(backoff.next())
        self.known.tell(CameraState.STOPPED, "")

    def _run_guarded(self) -> str:
        """As `_run_once`: what nobody expected is a reason to start anew, not to leave the camera dead."""
        try:
            return self._run_once()
        except Exception as defect:
            return defect_in_words(defect)

    def _run_once(self) -> str:
        """From the start of a process to its end: why it ended, "" if that was wanted."""
        self._wanted.clear()
        turn = self._surroundings.turns.take(self._ending)
        try:
            self._surroundings.recover(self.name)
            job = self._make_job()
            process = self._process = WorkerProcess(self.name, self._surroundings.inherited)
        except (PasserbyError, OSError) as error:
            turn.over()
            return error.message if isinstance(error, PasserbyError) else _not_started(error)
        try:
            return self._keep(process, job, turn)
        finally:
            turn.over()
            process.end(0)
            self._process = None
            self.known.live_ended()

    def _keep(self, process: WorkerProcess, job: CameraJob, turn: Turn) -> str:
        watchdog = self._watchdog(job)
        try:
            process.link.send(job.message())
            return self._listen(process, watchdog, turn)
        except LinkClosed:
            process.wait(FINISH_S)
            return "" if watchdog.recycling else self._why_ended(process)
        except (ValueError, TypeError, KeyError):
            return "what the camera's process said made no sense; it was ended"

    def _listen(self, process: WorkerProcess, watchdog: Watchdog, turn: Turn) -> str:
        judged_s = time.monotonic()
        while not (self._ending.is_set() or self._wanted.is_set()):
            message = process.link.receive(_TICK_S)
            if message is not None:
                turn.over()
                self._hear(message, watchdog)
            if time.monotonic() - judged_s < _TICK_S:
                continue
            judged_s = time.monotonic()
            verdict = watchdog.judge(process.memory_bytes())
            if verdict.action == "recycle":
                process.ask("recycle")
            elif verdict.action == "stop":
                break
            elif verdict.action == "kill":
                return f"{verdict.why}; the camera's process was ended"
        self._finish(process, watchdog)
        return ""

    def _finish(self, process: WorkerProcess, watchdog: Watchdog) -> None:
        """Let it end its segment, and hear all that it still has to say."""
        process.ask("stop")
        deadline_s = time.monotonic() + FINISH_S
        with suppress(LinkClosed):
            while (left_s := deadline_s - time.monotonic()) > 0:
                message = process.link.receive(min(left_s, _TICK_S))
                if message is not None:
                    self._hear(message, watchdog)
        process.wait(max(0.0, deadline_s - time.monotonic()))

    def _hear(self, message: Message, watchdog: Watchdog) -> None:
        if message.kind == "attempt":
            watchdog.started()
        elif message.kind == "waits":
            self.known.live_ended()
            watchdog.fed(float(message.told["for_s"]))
        elif self.known.hear(message):
            watchdog.fed()

    def _why_ended(self, process: WorkerProcess) -> str:
        """Its own last word where it had one."""
        why = self.known.status.why
        return why if process.told_why and why else f"the camera's process {process.ended_how}"

    def _watchdog(self, job: CameraJob) -> Watchdog:
        camera = job.camera
        return Watchdog(
            WatchRules(camera.watchdog_s, camera.memory_mb * 1_000_000, self._surroundings.restart_s, camera.segment_s)
        )


def _not_started(error: OSError) -> str:
    why = f": {os.strerror(error.errno).lower()}" if error.errno else ""
    return f"no process could be started{why}"

"""The process of one camera: connect, redact, record, and try again for ever. Started by `serve.process`.

    python -m passerby.serve.worker DESCRIPTOR NAME

It hears what to do through the socket of that descriptor, and ends when that is closed: it never outlives its
supervisor.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

from passerby.archive import open_archive
from passerby.errors import CameraError, CameraRefused, PasserbyError
from passerby.hardening import keep_memory_private
from passerby.live import CameraState
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraStream, open_camera
from passerby.read.camera_pair import CameraPair, open_pair
from passerby.serve.backoff import Backoff
from passerby.serve.defects import defect_in_words
from passerby.serve.finding import answer_streams
from passerby.serve.job import CameraJob, job_in
from passerby.serve.link import Link, LinkClosed, Message
from passerby.serve.outbox import Outbox
from passerby.serve.process import TOLD_WHY
from passerby.serve.recording import Recording
from passerby.serve.trial_apart import answer_trial

_STEADY_S = 60.0
"""What has run so long has run well: the next failure is a new one."""

_LAST_S = 8.0
"""How long a process whose supervisor is gone may finish its segment."""


def main() -> None:
    """Take the first message, and do what it says."""
    keep_memory_private()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        order = link.receive()
    except LinkClosed:
        return
    if order is None:
        return
    orders = Orders()
    signal.signal(signal.SIGTERM, lambda *_: orders.stop.set())
    threading.Thread(target=orders.listen, args=(link,), name="orders", daemon=True).start()
    outbox = Outbox(link)
    try:
        if order.kind == "try":
            answer_trial(order, outbox)
        elif order.kind == "streams":
            answer_streams(order, outbox)
        else:
            record(job_in(order), outbox, orders)
    except Exception as defect:
        outbox.state(CameraState.DEGRADED, defect_in_words(defect))
        sys.exit(TOLD_WHY)
    finally:
        outbox.close()


class Orders:
    """What the supervisor wants of this process while it runs.

    Attributes:
        stop: finish the segment and end.
        recycle: end when the segment that is being written is finished.
    """

    def __init__(self) -> None:
        self.stop, self.recycle = threading.Event(), threading.Event()

    def listen(self, link: Link) -> None:
        """Hear orders until the other side is gone; then finish, or end."""
        try:
            while True:
                order = link.receive()
                if order is not None:
                    self.heard(order)
        except LinkClosed:
            self.stop.set()
        time.sleep(_LAST_S)
        os._exit(1)

    def heard(self, order: Message) -> None:
        """Do what was said."""
        if order.kind == "stop":
            self.stop.set()
        elif order.kind == "recycle":
            self.recycle.set()

    def segment_ended(self) -> None:
        """A good moment to end, if that was wanted."""
        if self.recycle.is_set():
            self.stop.set()


def record(job: CameraJob, outbox: Outbox, orders: Orders) -> None:
    """Record one camera until told to stop; whatever fails is told, waited out, and tried again."""
    backoff = Backoff()
    recording = Recording(outbox, orders.segment_ended)
    while not orders.stop.is_set():
        outbox.say("attempt")
        outbox.state(CameraState.STARTING, "")
        began = time.monotonic()
        failure = _attempt(lambda: _record_once(job, outbox, recording, orders.stop))
        if failure is None or orders.stop.is_set():
            break
        if time.monotonic() - began > _STEADY_S:
            backoff.reset()
        wait_s = backoff.longest() if isinstance(failure, CameraRefused) else backoff.next()
        lost = isinstance(failure, CameraError)
        outbox.waits(wait_s)
        outbox.state(CameraState.LOST if lost else CameraState.DEGRADED, failure.message)
        recording.connection_ended()
        orders.stop.wait(wait_s)


def _attempt(run: Callable[[], None]) -> PasserbyError | None:
    """Why it ended, None if it was told to."""
    try:
        run()
    except PasserbyError as failure:
        return failure
    return None


def _record_once(job: CameraJob, outbox: Outbox, recording: Recording, stop: threading.Event) -> None:
    """From connecting to losing the camera.

    Raises:
        CameraError, OutputError, ArchiveError, ModelError: see `redact_stream`.
    """
    camera = job.camera
    options = StreamOptions(
        settings=camera.redaction, delay_s=camera.delay_s, segment_s=camera.segment_s, threads=job.threads
    )
    with (
        closing(open_archive(job.folder, job.database)) as archive,
        recording.into(archive),
        _connected(job, stop) as live,
    ):
        outbox.say("opened", width=live.info.width, height=live.info.height, codec=live.info.codec)
        redact_stream(live, job.folder, options, recording, camera_name=camera.name, stop=stop)


def _connected(job: CameraJob, stop: threading.Event) -> CameraStream | CameraPair:
    look = job.look_address
    return open_camera(job.address, stop=stop) if look is None else open_pair(job.address, look, stop=stop)


if __name__ == "__main__":
    main()

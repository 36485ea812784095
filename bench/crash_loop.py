"""Kills cameras' processes and their supervisor at random moments, and asks the archive what came of it.

    python bench/crash_loop.py [--kills 50] [--seed 1] [--folder FOLDER]

Two cameras play the built-in clip. After each kill the next process takes over. In the end the archive is checked,
every segment is decoded, and what had been shown live is looked up in what is stored: a part is shown once it is
stored, so that nothing of it may be missing. What a kill loses is what was not shown yet: the part that was being
filled, at most a second, and the pictures that waited in memory for the delay to pass.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import av

from passerby.archive import StoredSegment, check_archive, open_archive
from passerby.serve.demo import demo_clip
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import CameraSettings, Town

CAMERAS = ("east", "west")
_SHORTEST_S = 1 / 15
"""No part is shorter: clips have 15 frames a second at the most."""
_TOLERANCE_S = 0.002


@dataclass
class Shown:
    """What supervisors said: where the last part of each recording begins, the processes, and how many parts."""

    last_s: dict[tuple[str, str], float] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    parts: int = 0


@dataclass(frozen=True)
class Result:
    """What became of a crash loop.

    Attributes:
        kills: how many.
        segments: that are stored in the end.
        stored_s: their length, in seconds.
        recordings: unbroken runs; each kill begins another.
        problems: all that is wrong, a sentence each.
    """

    kills: int
    segments: int
    stored_s: float
    recordings: int
    problems: tuple[str, ...]


class Crashing:
    """A supervisor in a process of its own, killed and started again; what it shows is kept."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.shown = Shown()
        self._killed = set[int]()
        self._folder, self._clip = folder, clip
        self._lock = threading.Lock()
        self._process = self._start()

    def kill(self, which: str) -> None:
        """End the supervisor, or the process of a camera, as the kernel does when memory is short."""
        if which == "supervisor":
            self._killed |= set(self.shown.pids.values())
            self._process.kill()
            self._let_go()
            self._process = self._start()
        elif (pid := self.shown.pids.get(which)) is not None:
            self._killed.add(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_for_parts(self, count: int) -> None:
        """Until so many more parts were shown."""
        enough = self.shown.parts + count
        self._wait_until(lambda: self.shown.parts >= enough)

    def wait_for_recovery(self) -> None:
        """Until each camera has another process than one that was killed: first it puts in order what that one left."""
        self._wait_until(lambda: not self._killed & set(self.shown.pids.values()))

    def _wait_until(self, come: Callable[[], bool], patience_s: float = 60.0) -> None:
        deadline_s = time.monotonic() + patience_s
        while not come():
            if time.monotonic() > deadline_s:
                raise TimeoutError("no camera came back")
            time.sleep(0.02)

    def finish(self) -> None:
        """End it as a person would."""
        self._let_go()

    def _let_go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._listener.join()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(self._folder), str(self._clip)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(process,), daemon=True)
        self._listener.start()
        return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._hear(line.split())

    def _hear(self, words: list[str]) -> None:
        with self._lock:
            if words[:1] == ["pid"] and len(words) == 3:
                self.shown.pids[words[1]] = int(words[2])
            elif words[:1] == ["part"] and len(words) == 4:
                self.shown.last_s[words[1], words[2]] = float(words[3])
                self.shown.parts += 1


def crash_loop(folder: Path, clip: Path, kills: int, seed: int, pause_s: float = 4.0) -> Result:
    """Kill so many times at moments that the seed gives, then look at what is there."""
    draw = random.Random(seed)
    crashing = Crashing(folder / "data", clip)
    for number in range(kills):
        if number % 2 == 0:  # half of the kills while something is recorded, half at any moment
            crashing.wait_for_parts(3)
        time.sleep(draw.uniform(0, pause_s))
        crashing.kill(draw.choice(("supervisor", *CAMERAS)))
    crashing.wait_for_parts(5)
    crashing.wait_for_recovery()
    crashing.finish()
    return _judge(folder / "data", kills, crashing.shown)


def _judge(folder: Path, kills: int, shown: Shown) -> Result:
    problems = list(check_archive(folder).problems)
    long_ago, later = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    with closing(open_archive(folder)) as archive:
        stored = [segment for name in CAMERAS for segment in archive.segments(name, long_ago, later, limit=100_000)]
    for segment in stored:
        problems += _undecodable(segment)
    runs = _runs(stored)
    for (camera, recording), segments in runs.items():
        problems += _gaps(camera, recording, segments)
    for (camera, recording), starts_s in shown.last_s.items():
        last_s = max((s.info.media_start_s + s.info.duration_s for s in runs.get((camera, recording), [])), default=0.0)
        if last_s < starts_s + _SHORTEST_S - _TOLERANCE_S:
            problems.append(f"{camera} {recording[:8]}: the part at {starts_s:.2f} s was shown, and is not stored")
    length_s = sum(segment.info.duration_s for segment in stored)
    return Result(kills, len(stored), length_s, len(runs), tuple(problems))


def _runs(stored: list[StoredSegment]) -> dict[tuple[str, str], list[StoredSegment]]:
    runs: dict[tuple[str, str], list[StoredSegment]] = {}
    for segment in stored:
        runs.setdefault((segment.info.camera, segment.info.recording), []).append(segment)
    return runs


def _gaps(camera: str, recording: str, segments: list[StoredSegment]) -> list[str]:
    ends_s, problems = 0.0, []
    for info in sorted((segment.info for segment in segments), key=lambda info: info.media_start_s):
        if abs(info.media_start_s - ends_s) > _TOLERANCE_S:
            problems.append(f"{camera} {recording[:8]}: a gap from {ends_s:.2f} s to {info.media_start_s:.2f} s")
        ends_s = info.media_start_s + info.duration_s
    return problems


def _undecodable(segment: StoredSegment) -> list[str]:
    try:
        with av.open(str(segment.path)) as file:
            frames = sum(1 for _ in file.decode(video=0))
    except av.error.FFmpegError as error:
        return [f"{segment.info.path}: does not play: {error}"]
    told = segment.info.frames
    return [] if frames == told else [f"{segment.info.path}: {frames} frames decode, and {told} are listed"]


def serve(folder: Path, clip: Path) -> None:
    """What is killed: a supervisor that says which parts it shows, until its input ends."""
    cameras = [
        CameraSettings(name=name, url=str(clip), segment_s=10, delay_s=0.5, timeout_s=5, watchdog_s=60)
        for name in CAMERAS
    ]
    with Supervisor(Town(camera=tuple(cameras), floor_gb=0), folder) as supervisor:
        for name in CAMERAS:
            threading.Thread(target=_tell, args=(supervisor, name), daemon=True).start()
        sys.stdin.read()


def _tell(supervisor: Supervisor, name: str) -> None:
    pid = None
    with supervisor.subscribe(name) as subscription:
        while not subscription.closed:
            part = subscription.get(0.05)
            now = supervisor.pid(name)
            if now is not None and now != pid:
                pid = now
                _say("pid", name, pid)
            if part is not None and part.kind == "part":
                _say("part", name, part.recording, part.media_s)


_saying = threading.Lock()


def _say(*words: object) -> None:
    with _saying:  # else two lines may be mixed
        print(*words, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill cameras and their supervisor, and look at the archive.")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--serve", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(*asked.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = crash_loop(asked.folder or Path(folder), demo_clip(Path(folder)), asked.kills, asked.seed)
    print(
        f"{result.kills} kills: {result.segments} segments of {result.recordings} recordings, {result.stored_s:.0f} s, "
        f"{len(result.problems)} problems"
    )
    for problem in result.problems:
        print(f"  wrong: {problem}")
    sys.exit(1 if result.problems else 0)


if __name__ == "__main__":
    main()

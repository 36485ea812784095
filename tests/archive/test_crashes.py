"""Whenever a process dies, catalogue and folder say the same afterwards, and nothing that was listed is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import event

from passerby.archive import Archive, check_archive, open_archive
from passerby.live import SegmentInfo
from tests.archive.conftest import MEMORY, PATIENCE_S
from tests.archive.made import START, files_of, segment

FOREVER = timedelta(days=1000)


class Crash(BaseException):
    """The process ends here: nothing in passerby may catch it."""


@dataclass
class Dies:
    """Lets a process make so many steps that last, and then it dies before the next: syncing, unlinking, committing."""

    after: int
    stack: ExitStack = field(default_factory=ExitStack)

    def _step(self) -> None:
        if self.after == 0:
            raise Crash
        self.after -= 1

    def __call__(self, archive: Archive) -> ExitStack:
        fsync, unlink = os.fsync, os.unlink

        def dying_fsync(descriptor: int) -> None:
            self._step()
            fsync(descriptor)

        def dying_unlink(path: str) -> None:
            self._step()
            unlink(path)

        def dying_commit(_connection: object) -> None:
            self._step()

        engine = archive._catalogue._engine
        self.stack.enter_context(patch("os.fsync", dying_fsync))
        self.stack.enter_context(patch("os.unlink", dying_unlink))
        event.listen(engine, "commit", dying_commit)
        self.stack.callback(event.remove, engine, "commit", dying_commit)
        return self.stack


class Crashes(RuleBasedStateMachine):
    """A camera that records and a keeper that erases, both of whom die now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.folder = Path(self.temporary.name)
        self.archive = open_archive(self.folder, busy_s=PATIENCE_S)
        self.made: dict[str, SegmentInfo] = {}
        self.count = 0
        self.surely: set[str] = set()
        self.perhaps: set[str] = set()

    @initialize(count=st.integers(0, 5))
    def begin(self, count: int) -> None:
        for _ in range(count):
            self.add()

    @rule()
    def add(self) -> None:
        info, path = self._next()
        self.archive.add(info, path)
        self.surely.add(info.path)

    @rule(after=st.integers(0, 8))
    def die_while_adding(self, after: int) -> None:
        info, path = self._next()
        self.perhaps.add(info.path)
        self._die(after, lambda: self.archive.add(info, path))

    @rule()
    def die_between_the_name_and_the_row(self) -> None:
        info, _ = self._next()
        self.perhaps.add(info.path)
        self._restart()

    @rule(oldest=st.integers(1, 6))
    def erase(self, oldest: int) -> None:
        before = self._begin_of(oldest)
        self.archive.erase("hof", before, "asked for")
        self._forget(before)

    @rule(oldest=st.integers(1, 6), after=st.integers(0, 20), batch=st.integers(1, 3))
    def die_while_erasing(self, oldest: int, after: int, batch: int) -> None:
        before = self._begin_of(oldest)
        with patch("passerby.archive.erasing.BATCH", batch):
            self._die(after, lambda: self.archive.erase("hof", before, "asked for"))
        self._forget(before)

    @rule()
    def open_again(self) -> None:
        self._restart()

    @invariant()
    def catalogue_and_folder_say_the_same(self) -> None:
        report = check_archive(self.folder, settle_s=0)
        assert report.problems == ()
        assert report.garbage == 0
        listed = {stored.info.path: stored.info for stored in self.archive.segments("hof", START, START + FOREVER)}
        assert self.surely <= set(listed) <= self.surely | self.perhaps
        assert files_of(self.folder) == sorted(listed)
        assert all(info.sha256 == self.made[path].sha256 for path, info in listed.items())
        assert sum(note.segments for note in self.archive.erasures()) == self.count - len(listed)

    def teardown(self) -> None:
        self.archive.close()
        self.temporary.cleanup()

    def _next(self) -> tuple[SegmentInfo, Path]:
        info, path = segment(self.folder, at_s=10.0 * self.count)
        self.count += 1
        self.made[info.path] = info
        return info, path

    def _begin_of(self, oldest: int) -> datetime:
        return START + timedelta(seconds=10.0 * max(0, self.count - 6 + oldest))

    def _forget(self, before: datetime) -> None:
        """These may be there or not, if whoever erased them died."""
        old = {path for path in self.surely if self.made[path].begins_at < before}
        self.surely -= old
        self.perhaps |= old

    def _die(self, after: int, work: Callable[[], object]) -> None:
        with Dies(after)(self.archive), suppress(Crash):
            work()
        self._restart()

    def _restart(self) -> None:
        """What the next process does: take up what was finished and not listed, as the worker of a camera would."""
        self.archive.close()
        self.archive = open_archive(self.folder, busy_s=PATIENCE_S)
        recover(self.archive, self.made)


def recover(archive: Archive, made: dict[str, SegmentInfo]) -> None:
    """As `write.recovery.recover`, for files that are no videos."""
    found = []
    for loose in archive.release("hof"):
        info = made[loose.relative_to(archive.folder).as_posix().removesuffix(".part")]
        found.append((info, loose.rename(archive.folder / info.path)))
    archive.adopt(found)


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.parametrize(("doing", "at_least"), [("adding", 6), ("erasing", 6)])
def test_each_single_step_may_be_the_last(tmp_path: Path, database: str | None, doing: str, at_least: int) -> None:
    made: dict[str, SegmentInfo] = {}
    after, dead = 0, True
    while dead:
        added = [segment(tmp_path / "town", at_s=10.0 * (2 * after + number)) for number in range(2)]
        made |= {info.path: info for info, _ in added}
        with closing(open_archive(tmp_path / "town", database, busy_s=PATIENCE_S)) as archive:
            if doing == "erasing":
                archive.adopt(added)
            with Dies(after)(archive):
                dead = died(lambda: archive.adopt(added) if doing == "adding" else erase_all(archive))  # noqa: B023
        with closing(open_archive(tmp_path / "town", database, busy_s=PATIENCE_S)) as archive:
            recover(archive, made)
            assert check_archive(archive.folder, database, settle_s=0).problems == ()
            left = len(archive.segments("hof", START, START + FOREVER))
            assert left + sum(note.segments for note in archive.erasures()) == len(made)
            assert left in ((0, 2) if doing == "erasing" else (len(made),))
            if doing == "erasing":
                erase_all(archive)
        after += 1
    assert after > at_least


def erase_all(archive: Archive) -> None:
    archive.erase("hof", START + FOREVER, "asked for")


def died(work: Callable[[], None]) -> bool:
    try:
        work()
    except Crash:
        return True
    return False


RECORDER = """
import sys
from datetime import timedelta
from pathlib import Path
from passerby.archive import open_archive
from tests.archive.made import START, segment

archive = open_archive(Path(sys.argv[1]), sys.argv[2] or None, busy_s=60)
for number in range(int(sys.argv[3]), 100_000):
    archive.add(*segment(archive.folder, at_s=10.0 * number))
    print("added", number, flush=True)
    if number % 7 == 0:
        archive.erase("hof", START + timedelta(seconds=10.0 * (number - 12)), "too old")
        print("erased", number - 12, flush=True)
"""


def test_kill_9_in_the_middle_breaks_nothing_and_loses_nothing(tmp_path: Path, database: str | None) -> None:
    draw, begin, kept_from = random.Random(4), 0, 0
    for _ in range(6):
        last, erased = run_and_kill(tmp_path / "town", database, begin, 0.15 + draw.random() / 2)
        kept_from = max(kept_from, erased)
        with closing(open_archive(tmp_path / "town", database, busy_s=PATIENCE_S)) as archive:
            made = {info.path: info for info in (info_of(tmp_path, number) for number in range(last + 3))}
            recover(archive, made)
            assert check_archive(tmp_path / "town", database, settle_s=0).problems == ()
            listed = [
                round(stored.info.media_start_s / 10) for stored in archive.segments("hof", START, START + FOREVER)
            ]
            # Whoever was killed may have done one thing more than it could tell.
            assert listed == list(range(listed[0], listed[-1] + 1))
            assert listed[-1] in (last, last + 1)
            assert kept_from <= listed[0] <= max(kept_from, last + 1 - 12)
            assert sum(note.segments for note in archive.erasures(10_000)) == listed[0]
            begin = listed[-1] + 1
    assert begin > 12


def info_of(tmp_path: Path, number: int) -> SegmentInfo:
    return segment(tmp_path / "made", at_s=10.0 * number)[0]


def run_and_kill(folder: Path, database: str | None, begin: int, after_s: float) -> tuple[int, int]:
    """The last segment that was said to be added, and from where on none were said to be erased."""
    command = [sys.executable, "-c", RECORDER, str(folder), database or "", str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as recorder:
        assert recorder.stdout is not None
        said = [recorder.stdout.readline()]
        time.sleep(after_s)
        recorder.send_signal(signal.SIGKILL)
        said += recorder.stdout.readlines()
    told = [(line.split()[0], int(line.split()[1])) for line in said if line.endswith("\n")]
    return max(n for what, n in told if what == "added"), max((n for what, n in told if what == "erased"), default=0)

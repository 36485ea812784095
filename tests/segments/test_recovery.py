"""After `kill -9`: what was whole plays, what was not is gone, and no more than the last part is lost."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby.live import SegmentInfo
from passerby.write.segment_file import NOTES, UNFINISHED, beside
from passerby.write.segments import SegmentOptions, recover
from passerby.write.stored import read_segment

from .live_clips import STEP_S, Recorded, camera_clip, feed, quiet_hashes, writer_for

REPOSITORY = Path(__file__).parents[2]


class Unfinished:
    """A recording as it stands when its process is killed: a segment with 4 parts of 6 pictures, and its notes."""

    def __init__(self, folder: Path) -> None:
        clip = camera_clip(folder / "camera.mp4")
        self._recorded = Recorded(folder / "archive")
        writer = writer_for(clip, self._recorded, SegmentOptions(part_s=0.24))
        feed(writer, clip, lambda gop: gop == 1, share=0.5)
        (segment,) = self._recorded.folder.rglob("*.mp4" + UNFINISHED)
        held = segment.read_bytes()
        notes = next(self._recorded.folder.rglob("*" + NOTES)).read_text()
        writer.close()
        ((self.finished, path),) = self._recorded.segments
        self.path = path.relative_to(self._recorded.folder)
        self.whole, self.notes = path.read_bytes(), notes
        assert self.whole.startswith(held)
        assert len(held) < len(self.whole)  # the last part waited for a next picture
        with path.open("rb") as file:
            self.ends = [part.end for part in read_segment(file).parts]
        self.notes += notes.splitlines(keepends=True)[1]

    def put(self, folder: Path, data: bytes, notes: str | None) -> Path:
        """Such a file in an empty archive; its final name."""
        shutil.rmtree(folder, ignore_errors=True)
        path = folder / self.path
        path.parent.mkdir(parents=True)
        beside(path, UNFINISHED).write_bytes(data)
        if notes is not None:
            beside(path, NOTES).write_text(notes)
        return path


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Unfinished:
    return Unfinished(tmp_path_factory.mktemp("recording"))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), tail=st.sampled_from([b"", b"\0" * 5000, b"moof" * 99, b"\0\0\0\x08moof\0\0\0\x08mdat"]))
def test_wherever_a_file_is_cut_off_all_whole_parts_play(
    tmp_path: Path, unfinished: Unfinished, data: st.DataObject, tail: bytes
) -> None:
    edges = [0, 8, 700, *unfinished.ends]
    near = st.builds(lambda edge, off: max(0, edge + off), st.sampled_from(edges), st.integers(-9, 100))
    at = data.draw(st.one_of(near, st.integers(0, len(unfinished.whole))))
    at = min(at, len(unfinished.whole))
    whole = sum(end <= at for end in unfinished.ends)
    path = unfinished.put(tmp_path / "archive", unfinished.whole[:at] + tail, unfinished.notes)

    found = recover(tmp_path / "archive", "gate")

    assert len(found) == bool(whole)
    assert files(tmp_path / "archive") == [path for _, path in found]
    for info, recovered in found:
        assert recovered == path
        assert path.read_bytes() == unfinished.whole[: unfinished.ends[whole - 1]]
        assert len(quiet_hashes(path)) == info.frames == 6 * whole
        assert_matches(info, path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_file_holds_recovery_ends_with_a_segment_of_ours_or_with_nothing(
    tmp_path: Path, unfinished: Unfinished, data: st.DataObject
) -> None:
    content = bytearray(unfinished.whole)
    heads = st.one_of(st.integers(0, 900), *(st.integers(end, end + 200) for end in unfinished.ends[:-1]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(heads, st.integers(0, len(content) - 1)))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    unfinished.put(tmp_path / "archive", bytes(content), unfinished.notes)
    found = recover(tmp_path / "archive", "gate")
    assert files(tmp_path / "archive") == [path for _, path in found]
    for info, path in found:
        with path.open("rb") as file:
            segment = read_segment(file)
        assert segment.whole
        assert sum(len(part.samples) for part in segment.parts) == info.frames > 0
        assert bytes(content).startswith(path.read_bytes())


def assert_matches(info: SegmentInfo, path: Path) -> None:
    content = path.read_bytes()
    assert (info.size_bytes, info.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert info.duration_s == pytest.approx(info.frames * STEP_S)


def test_what_the_notes_tell_is_told_again(tmp_path: Path, unfinished: Unfinished) -> None:
    unfinished.put(tmp_path, unfinished.whole[: unfinished.ends[2]], unfinished.notes)
    ((info, _),) = recover(tmp_path, "gate")
    before = unfinished.finished
    assert (info.recording, info.begins_at, info.path) == (before.recording, before.begins_at, before.path)
    assert (info.codec, info.width, info.height) == (before.codec, before.width, before.height)
    assert (info.frames, info.copied_frames) == (18, 6)
    assert info.covered_share == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "first line only", "another camera's"])
def test_without_notes_nothing_is_claimed_that_is_not_known(
    tmp_path: Path, unfinished: Unfinished, damage: str
) -> None:
    notes = {
        "missing": None,
        "empty": "",
        "garbage": "\0\0\0{]",
        "first line only": unfinished.notes.splitlines(keepends=True)[0],
        "another camera's": unfinished.notes.replace('"gate"', '"yard"'),
    }[damage]
    path = unfinished.put(tmp_path, unfinished.whole, notes)
    ((info, _),) = recover(tmp_path, "gate")
    assert (info.camera, info.frames, info.copied_frames, info.covered) == ("gate", 24, 0, ())
    assert_matches(info, path)
    before = unfinished.finished
    assert abs((info.begins_at - before.begins_at).total_seconds()) < 0.001
    assert info.recording[:8] == before.recording[:8]
    assert (info.recording == before.recording) == (damage == "first line only")


def test_bytes_that_never_reached_the_disk_are_cut_off(tmp_path: Path, unfinished: Unfinished) -> None:
    """After a power cut a file may have its length, and zeros where its end should be."""
    _, second, third, _ = unfinished.ends
    zeros = unfinished.whole[: third - 40] + bytes(40) + unfinished.whole[third:]
    path = unfinished.put(tmp_path, zeros, unfinished.notes)
    ((info, _),) = recover(tmp_path, "gate")
    assert (info.frames, path.stat().st_size) == (12, second)
    quiet_hashes(path)


def test_a_segment_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded, SegmentOptions(part_s=0.1))
    feed(writer, clip, lambda gop: False)
    assert recover(recorded.folder, "gate") == []
    writer.close()
    assert [info.frames for info, _ in recorded.segments] == [24]


def test_other_files_stay_and_notes_without_a_segment_go(tmp_path: Path, unfinished: Unfinished) -> None:
    path = unfinished.put(tmp_path, unfinished.whole, None)
    foreign = path.with_name("holiday.mp4.part")
    foreign.write_bytes(b"mine")
    finished = path.with_name(path.name.replace("-0.mp4", "-1.mp4"))
    finished.write_bytes(unfinished.whole)
    beside(finished, NOTES).write_text(unfinished.notes)
    other = tmp_path / "yard" / path.name
    other.parent.mkdir()
    beside(other, UNFINISHED).write_bytes(b"")
    assert [found for _, found in recover(tmp_path, "gate")] == [path]
    assert sorted(files(tmp_path)) == sorted([path, foreign, finished, beside(other, UNFINISHED)])
    assert recover(tmp_path, "nobody") == []


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, list[float]]]:
    """Archives whose writers were killed at any moment, and the beginnings of the parts that they told of."""
    folder = tmp_path_factory.mktemp("killed")
    script = Path(__file__).with_name("endless_writer.py")
    moments = random.Random(4)
    found = []
    for number in range(4):
        archive = folder / f"archive-{number}"
        command = [sys.executable, str(script), str(REPOSITORY), str(folder / f"{number}.mp4"), str(archive)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(moments.uniform(0, 0.5))
            process.kill()
            rest = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        found.append((archive, [float(line) for line in (first, *rest)]))
    return found


def test_kill_9_loses_no_part_that_was_told_of(killed: list[tuple[Path, list[float]]]) -> None:
    for archive, told in killed:
        found = recover(archive, "gate")
        assert len(found) <= 1
        for info, path in found:
            assert len(quiet_hashes(path)) == info.frames
            assert info.covered_share > 0 or info.copied_frames == info.frames
            assert_matches(info, path)
        stored = sorted(files(archive), key=lambda path: int(path.stem.split("-")[-1]))
        assert {path.suffix for path in stored} == {".mp4"}
        shown_s = 0.0
        for path in stored:
            with path.open("rb") as file:
                segment = read_segment(file)
            assert segment.whole
            shown_s += sum(part.duration for part in segment.parts) / segment.track.timescale
        assert shown_s > told[-1]

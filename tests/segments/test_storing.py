"""Disks that are full, folders that are gone: what was whole stays, and nothing broken gets a final name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from passerby.errors import OutputError
from passerby.live import LivePart
from passerby.write.segment_file import NOTES, UNFINISHED
from passerby.write.segments import SegmentOptions, SegmentWriter, recover

from .live_clips import BEGINS_AT, SMALL, STEP_S, Recorded, camera_clip, feed, quiet_hashes, writer_for

REPOSITORY = Path(__file__).parents[2]
RICH = replace(SMALL, size=(320, 240), frames=48)
LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.segments.live_clips import *
from passerby.errors import OutputError
clip = camera_clip(Path(sys.argv[2]) / "camera.mp4")
recorded = Recorded(Path(sys.argv[2]) / "archive")
writer = writer_for(clip, recorded, SegmentOptions(part_s=0.12))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    feed(writer, clip, lambda gop: gop % 2 == 0)
    writer.close()
except OutputError as error:
    print(error.message)
    writer.close()
print([info.frames for info, _ in recorded.segments], sum(part.kind == "part" for part in recorded.parts))
"""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("limit", [800, 9_000])
def test_a_file_that_may_not_grow_ends_with_its_last_whole_part(tmp_path: Path, limit: int) -> None:
    command = [sys.executable, "-c", LIMITED, str(REPOSITORY), str(tmp_path), str(limit)]
    told, counts = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told == "gate: a part cannot be stored: file too large; the recording ends with the part before it"
    stored = files(tmp_path / "archive")
    if limit < 1_000:
        assert (stored, counts) == ([], "[] 0")
        return
    (path,) = stored
    frames = len(quiet_hashes(path))
    assert path.stat().st_size <= limit
    assert counts == f"[{frames}] {frames // 3}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_named_and_what_was_whole_plays(tmp_path: Path, small_disk: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4", RICH)
    recorded = Recorded(small_disk)
    writer = writer_for(clip, recorded, SegmentOptions(part_s=0.12, segment_s=0.5, quality="near-lossless"))
    with pytest.raises(OutputError, match="gate: a part cannot be stored: the disk is full") as caught:
        feed(writer, clip, lambda gop: False)
    assert caught.value.hint == "Free some space, or keep recordings for a shorter time"
    with pytest.raises(OutputError, match="has ended"):
        writer.copy(clip.gops[0], BEGINS_AT)
    writer.close()
    finished = [path for path in files(small_disk) if path.suffix == ".mp4"]
    assert sorted(finished) == recorded.paths
    assert [len(quiet_hashes(path)) for path in recorded.paths] == [info.frames for info, _ in recorded.segments]
    live = sum(part.kind == "part" for part in recorded.parts)
    assert sum(info.frames for info, _ in recorded.segments) == 3 * live > 0
    assert not [path for path in files(small_disk) if path.name.endswith((UNFINISHED, NOTES))]


def test_a_folder_that_is_gone_ends_the_recording_and_the_next_one_makes_it_again(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")
    writer = writer_for(clip, recorded, SegmentOptions(part_s=0.1))
    feed(writer, clip, lambda gop: False)
    shutil.rmtree(recorded.folder)
    with pytest.raises(OutputError, match="no such file or directory"):
        writer.close()
    writer.close()
    assert recorded.segments == []
    again = writer_for(clip, recorded)
    feed(again, clip, lambda gop: False)
    again.close()
    assert [len(quiet_hashes(path)) for path in recorded.paths] == [24]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"a file where the folder should be")
    clip = camera_clip(tmp_path / "camera.mp4")
    writer = writer_for(clip, Recorded(tmp_path / "archive"), SegmentOptions(part_s=0.1))
    with pytest.raises(OutputError, match="gate: a part cannot be stored: "):
        feed(writer, clip, lambda gop: False)


class Refusing(Exception):
    """What a listener raises that cannot take something."""


def test_notes_stay_until_somebody_has_taken_the_segment_over(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")

    def refuse(*_: object) -> None:
        raise Refusing

    writer = SegmentWriter(
        recorded.folder,
        "gate",
        clip.info,
        clip.extradata,
        on_part=recorded.parts.append,
        on_segment=refuse,
        begins_at=BEGINS_AT,
    )
    feed(writer, clip, lambda gop: gop == 0, share=0.5)
    with pytest.raises(Refusing):
        writer.close()
    finished, notes = sorted(files(recorded.folder))
    assert (finished.suffix, notes.name) == (".mp4", finished.name + NOTES)
    # `Archive.release` gives it back its unfinished name, because no catalogue lists it.
    finished.rename(finished.with_name(finished.name + UNFINISHED))
    ((info, path),) = recover(recorded.folder, "gate")
    assert (path, info.frames, info.copied_frames, info.covered_share) == (finished, 24, 6, 0.375)
    assert files(recorded.folder) == [finished]


def test_a_viewer_who_cannot_take_a_part_ends_a_recording_that_plays(tmp_path: Path) -> None:
    clip = camera_clip(tmp_path / "camera.mp4")
    recorded = Recorded(tmp_path / "archive")

    def refuse_the_second(part: LivePart) -> None:
        recorded.parts.append(part)
        if len(recorded.parts) == 3:
            raise Refusing

    writer = SegmentWriter(
        recorded.folder,
        "gate",
        clip.info,
        clip.extradata,
        options=SegmentOptions(part_s=0.1),
        on_part=refuse_the_second,
        on_segment=recorded.segment,
        begins_at=BEGINS_AT,
    )
    with pytest.raises(Refusing):
        feed(writer, clip, lambda gop: False)
    with pytest.raises(OutputError, match="has ended"):
        feed(writer, clip, lambda gop: False)
    writer.close()
    ((info, path),) = recorded.segments
    assert len(quiet_hashes(path)) == info.frames == 4
    assert info.duration_s == pytest.approx(4 * STEP_S)

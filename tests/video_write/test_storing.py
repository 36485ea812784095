from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerby.errors import OutputError, RedactionIncomplete
from passerby.pending import pending
from passerby.read.video import open_video
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.video import EncodeOptions, open_writer

from .video_clips import QUICK, Clip, make, rewrite

LARGE = EncodeOptions(speed="fastest", quality="near-lossless")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    mount = shutil.which("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = [str(mount), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("copying", [False, True])
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, small_disk: Path, copying: bool) -> None:
    clip = Clip(size=(320, 240), frames=40, settings={"crf": "1"})
    source = make(tmp_path / "street.mp4", clip)
    target = small_disk / "street.redacted.mp4"
    with pytest.raises(OutputError) as caught, pending(target) as unfinished:
        rewrite(source, unfinished.part, options=LARGE, clear=(lambda gop: True) if copying else None)
    assert "street.redacted.mp4: cannot be written: the disk is full" in caught.value.message
    assert list(small_disk.iterdir()) == []


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.video_write.video_clips import rewrite
from tests.video_write.test_storing import LARGE
from passerby.errors import OutputError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
try:
    rewrite(Path(sys.argv[2]), Path(sys.argv[3]), options=LARGE)
except OutputError as error:
    print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
@pytest.mark.parametrize("size_bytes", [0, 1000, 50_000])
def test_a_file_that_may_not_grow_is_an_output_error(tmp_path: Path, size_bytes: int) -> None:
    source = make(tmp_path / "street.mp4", Clip(settings={"crf": "1"}))
    root = Path(__file__).parents[2]
    arguments = [str(root), str(source), str(tmp_path / "out.mp4"), str(size_bytes)]
    done = subprocess.run([sys.executable, "-c", LIMITED, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("out.mp4: cannot be written: the file would be larger")


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    source = make(tmp_path / "street.mp4", Clip(frames=2))
    with pytest.raises(OutputError, match=r"out\.mp4: cannot be written"):
        rewrite(source, tmp_path / "missing" / "out.mp4")


def test_a_video_without_frames_is_not_finished(tmp_path: Path) -> None:
    with open_video(make(tmp_path / "street.mp4", Clip(frames=2))) as video:
        info = video.info
    with (
        pytest.raises(RedactionIncomplete, match="not one frame"),
        open_writer(tmp_path / "out.mp4", "mp4", info, QUICK) as writer,
    ):
        writer.close()


def test_an_exception_in_the_block_is_the_one_that_comes_out(tmp_path: Path) -> None:
    with open_video(make(tmp_path / "street.mp4", Clip())) as video:
        frames = list(video.frames())
        info = video.info
    painter = Painter("black")
    with pytest.raises(KeyError, match="stop"), open_writer(tmp_path / "out.mp4", "mp4", info, QUICK) as writer:
        writer.encode(painter.cover(frame, Regions()) for frame in frames[:5])
        raise KeyError("stop")


def test_frames_that_nobody_redacted_are_not_written(tmp_path: Path) -> None:
    with open_video(make(tmp_path / "street.mp4", Clip())) as video:
        frames = list(video.frames())
        info = video.info
    with (
        pytest.raises(TypeError, match="only redacted frames"),
        open_writer(tmp_path / "out.mp4", "mp4", info, QUICK) as writer,
    ):
        writer.encode(frames)  # type: ignore[arg-type]


def test_times_that_do_not_rise_are_an_error(tmp_path: Path) -> None:
    with open_video(make(tmp_path / "street.mp4", Clip())) as video:
        frames = list(video.frames())
        info = video.info
    painter = Painter("black")
    with (
        pytest.raises(RedactionIncomplete, match="go backwards"),
        open_writer(tmp_path / "out.mp4", "mp4", info, QUICK) as writer,
    ):
        writer.encode(painter.cover(frame, Regions()) for frame in reversed(frames))


@pytest.mark.parametrize("other", [Clip(size=(64, 48)), Clip(pixel_format="yuv422p")], ids=["size", "pixel format"])
def test_pictures_that_change_on_the_way_are_an_error(tmp_path: Path, other: Clip) -> None:
    with open_video(make(tmp_path / "street.mp4", Clip())) as video:
        info = video.info
    with open_video(make(tmp_path / "other.mp4", other)) as video:
        frames = list(video.frames())
    painter = Painter("black")
    with (
        pytest.raises(RedactionIncomplete, match="changes on the way"),
        open_writer(tmp_path / "out.mp4", "mp4", info, QUICK) as writer,
    ):
        writer.encode(painter.cover(frame, Regions()) for frame in frames)

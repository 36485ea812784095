"""Files on their way to their names: whole and checked, or not there."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from passerby.errors import OutputError
from passerby.pending import pending, write_durably


def test_a_committed_file_has_its_name_and_nothing_else_is_left(tmp_path: Path) -> None:
    with pending(tmp_path / "a" / "out.mp4") as unfinished:
        unfinished.part.write_bytes(b"redacted")
        unfinished.commit()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out.mp4"]
    assert (tmp_path / "a" / "out.mp4").read_bytes() == b"redacted"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), pending(tmp_path / "out.mp4") as unfinished:
        unfinished.part.write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_was_taken_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with pytest.raises(OutputError, match=r"out\.mp4: .*appeared meanwhile"), pending(target) as unfinished:
        unfinished.part.write_bytes(b"new")
        target.write_bytes(b"someone's")
        unfinished.commit()
    assert target.read_bytes() == b"someone's"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_replacing_is_done_when_it_was_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    write_durably(target, b"new")
    assert target.read_bytes() == b"new"


def test_two_writers_of_one_file_do_not_touch_each_others_bytes(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with pending(target) as first:
        first.part.write_bytes(b"first")
        with pytest.raises(OutputError, match="another passerby"), pending(target):
            pass
        first.commit()
    assert target.read_bytes() == b"first"


def test_many_writers_in_a_row_each_leave_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    contents = [bytes([65 + i]) * 1000 for i in range(8)]

    refused: list[str] = []

    def write(content: bytes) -> None:
        for _ in range(20):
            try:
                write_durably(target, content)
            except OutputError as error:
                refused.append(error.message)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("another passerby" in message for message in refused)
    assert target.read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_what_a_killed_run_left_behind_is_overwritten(tmp_path: Path) -> None:
    kill_in_the_middle = (
        "import os, signal, sys; from pathlib import Path; from passerby.pending import pending\n"
        "with pending(Path(sys.argv[1])) as u:\n"
        "    u.part.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    target = tmp_path / "out.mp4"
    subprocess.run([sys.executable, "-c", kill_in_the_middle, str(target)], check=False)
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    with pending(target) as unfinished:
        assert unfinished.part.read_bytes() == b""
        unfinished.part.write_bytes(b"whole")
        unfinished.commit()
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_a_link_under_the_name_of_the_part_is_removed_and_not_followed(tmp_path: Path) -> None:
    original = tmp_path / "in.png"
    original.write_bytes(b"the input")
    (tmp_path / ".out.png.passerby-part").symlink_to(original)
    with pending(tmp_path / "out.png") as unfinished:
        unfinished.part.write_bytes(b"redacted")
        unfinished.commit()
    assert original.read_bytes() == b"the input"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"^out\.mp4: cannot be written: [^.]+; nothing was left under that name$"):
        pending(tmp_path / "file" / "out.mp4").__enter__()


def test_a_name_too_long_for_the_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the name is too long"), pending(tmp_path / ("x" * 300)):
        pass

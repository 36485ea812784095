"""What goes where, and what is refused before any work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from passerby.batch.planning import plan_batch, target_name
from passerby.errors import SettingsError


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def targets(tmp_path: Path, inputs: list[Path], output: Path | None = None, *, one_folder: bool = False) -> list[str]:
    batch = plan_batch([str(i) for i in inputs], output, one_folder=one_folder)
    return [str(job.target.relative_to(tmp_path.resolve())) for job in batch.jobs]


def test_a_file_is_written_beside_itself_under_a_name_that_says_so(tmp_path: Path) -> None:
    made(tmp_path, "street.mp4", "photo.jpg")
    assert targets(tmp_path, [tmp_path / "street.mp4", tmp_path / "photo.jpg"]) == [
        "street.redacted.mp4",
        "photo.redacted.jpg",
    ]


def test_a_folder_becomes_a_folder_with_the_same_layout_and_names(tmp_path: Path) -> None:
    made(tmp_path / "holiday", "a.jpg", "day 1/b.mp4", "day 1/deep/c.png", "notes.txt", ".hidden.jpg")
    batch = plan_batch([str(tmp_path / "holiday")], None)
    assert [str(j.target.relative_to(tmp_path)) for j in batch.jobs] == [
        "holiday.redacted/a.jpg",
        "holiday.redacted/day 1/b.mp4",
        "holiday.redacted/day 1/deep/c.png",
    ]
    assert [j.name for j in batch.jobs] == ["a.jpg", "day 1/b.mp4", "day 1/deep/c.png"]
    assert sorted(batch.left_out) == [".hidden.jpg", "notes.txt"]


def test_a_folder_can_go_into_a_folder_of_any_name(tmp_path: Path) -> None:
    made(tmp_path / "holiday", "a.jpg", "b/c.mov")
    assert targets(tmp_path, [tmp_path / "holiday"], tmp_path / "out") == ["out/a.jpg", "out/b/c.mov"]


def test_an_output_folder_inside_the_input_folder_is_not_an_input(tmp_path: Path) -> None:
    made(tmp_path / "holiday", "a.jpg", "out/old.jpg", ".passerby/x.json")
    assert targets(tmp_path, [tmp_path / "holiday"], tmp_path / "holiday" / "out") == ["holiday/out/a.jpg"]


def test_several_folders_into_one_stay_apart(tmp_path: Path) -> None:
    made(tmp_path, "one/a.jpg", "two/a.jpg")
    assert targets(tmp_path, [tmp_path / "one", tmp_path / "two"], tmp_path / "out") == [
        "out/one/a.jpg",
        "out/two/a.jpg",
    ]


def test_a_pattern_that_the_shell_left_alone_is_expanded(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "b.jpg", "c.png")
    assert targets(tmp_path, [tmp_path / "*.jpg"]) == ["a.redacted.jpg", "b.redacted.jpg"]


def test_a_video_that_is_no_mp4_becomes_one(tmp_path: Path) -> None:
    assert target_name("a.avi") == "a.mp4"
    assert target_name("a.MOV") == "a.MOV"
    assert target_name("a.webm") == "a.mp4"


def test_two_videos_of_one_folder_that_would_get_the_same_name_keep_their_old_suffix(tmp_path: Path) -> None:
    made(tmp_path / "in", "a.avi", "a.mkv", "a.mp4")
    assert sorted(targets(tmp_path, [tmp_path / "in"], tmp_path / "out")) == [
        "out/a.avi.mp4",
        "out/a.mkv.mp4",
        "out/a.mp4",
    ]


def test_the_same_file_given_twice_is_one_job(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg")
    assert targets(tmp_path, [tmp_path / "a.jpg", tmp_path / "a.jpg"]) == ["a.redacted.jpg"]


def test_two_inputs_with_one_output_file_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg", "b.jpg")
    with pytest.raises(SettingsError, match=r"2 inputs cannot be written to the one file out\.jpg"):
        targets(tmp_path, [tmp_path / "a.jpg", tmp_path / "b.jpg"], tmp_path / "out.jpg")


def test_two_inputs_of_one_name_with_one_output_folder_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "x/a.jpg", "y/a.jpg")
    with pytest.raises(SettingsError, match="would both be written to"):
        targets(tmp_path, [tmp_path / "x/a.jpg", tmp_path / "y/a.jpg"], tmp_path / "out", one_folder=True)


@pytest.mark.parametrize("how", ["same name", "symbolic link", "hard link", "link to its folder"])
def test_an_output_that_is_the_input_is_refused(tmp_path: Path, how: str) -> None:
    source = made(tmp_path, "in/a.jpg") / "in" / "a.jpg"
    output = tmp_path / "b.jpg"
    if how == "same name":
        output = tmp_path / "in" / ".." / "in" / "a.jpg"
    elif how == "symbolic link":
        output.symlink_to(source)
    elif how == "hard link":
        os.link(source, output)
    else:
        (tmp_path / "link").symlink_to(tmp_path / "in")
        output = tmp_path / "link" / "a.jpg"
    with pytest.raises(SettingsError, match="the output is the input"):
        plan_batch([str(source)], output)
    assert source.read_bytes() == b"in/a.jpg"


def test_an_input_that_does_not_exist_is_refused_before_the_others_start(tmp_path: Path) -> None:
    made(tmp_path, "a.jpg")
    with pytest.raises(SettingsError, match=r"b\.jpg: no such file or folder"):
        plan_batch([str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")], None)


def test_a_folder_cannot_go_into_a_file(tmp_path: Path) -> None:
    made(tmp_path, "in/a.jpg", "out.jpg")
    with pytest.raises(SettingsError, match="is a file, and a folder cannot be written to it"):
        plan_batch([str(tmp_path / "in")], tmp_path / "out.jpg")


def test_a_link_that_leads_nowhere_stops_no_other_file_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "holiday"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"")
    (folder / "gone.jpg").symlink_to("nothing.jpg")
    (folder / "round.jpg").symlink_to("round.jpg")
    jobs = plan_batch([str(folder)], None).jobs
    assert [job.name for job in jobs] == ["a.jpg", "gone.jpg", "round.jpg"]

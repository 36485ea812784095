"""Inputs that cannot be used, and places that cannot be written to: one sentence, nothing left, the rest goes on."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from .commands import files_in, passerby, passerby_process, sentence
from .conftest import Getter
from .scenes import Clip, cut, decoded, difference, faces_in, load_json, make, picture, raw_frames, spoil


def test_an_mp4_that_is_cut_off_before_its_index_is_refused(made: Path, tmp_path: Path) -> None:
    cut(made / "portrait.mp4", 0.7, tmp_path / "half.mp4")
    for more in ([], ["--salvage"]):
        said = passerby("redact", tmp_path / "half.mp4", *more)
        assert said.code == 1
        assert "index at its end is missing" in sentence(said, "half.mp4")
        assert "hint: " in said.err
        assert files_in(tmp_path) == {"half.mp4"}


@pytest.mark.parametrize("name", ["start.mp4", "fragments.mp4"])
def test_an_mp4_cut_at_60_percent_is_withheld_and_its_readable_part_is_salvaged(
    made: Path, tmp_path: Path, name: str
) -> None:
    cut(made / name, 0.6, tmp_path / "half.mp4")
    said = passerby("redact", tmp_path / "half.mp4", "--report", tmp_path / "report.json")
    assert said.code == 1
    error = sentence(said, "half.mp4")
    assert "cut off" in error
    assert "can be read" in error
    assert "frames)" in error
    assert "--salvage" in said.err
    assert files_in(tmp_path) == {"half.mp4", "report.json"}
    assert load_json(tmp_path / "report.json")["verdict"] == "withheld"

    said = passerby("redact", tmp_path / "half.mp4", "--salvage", "--report", tmp_path / "report.json")
    assert said.code == 0, said
    assert "cut off" in said.out
    assert load_json(tmp_path / "report.json")["verdict"] == "done-with-warnings"
    copy, whole = decoded(tmp_path / "half.redacted.mp4"), decoded(made / name)
    assert 0 < len(copy.times) < len(whole.times)
    assert copy.times == whole.times[: len(copy.times)]


def test_damaged_frames_are_painted_whole_and_counted_and_accepted_only_with_salvage(
    made: Path, tmp_path: Path
) -> None:
    source = spoil(made / "street.mp4", 0.1, tmp_path / "spoiled.mp4")
    said = passerby("redact", source, "-o", tmp_path / "out.mp4", "--report", tmp_path / "report.json")
    assert said.code == 1
    assert "painted whole" in sentence(said, "spoiled.mp4")
    report = load_json(tmp_path / "report.json")
    assert report["frames"] == 64
    assert report["frames_covered_whole"] > 5
    assert report["damage"]
    assert report["incomplete_because"]
    copy, whole = decoded(tmp_path / "out.mp4"), decoded(made / "street.mp4")
    assert copy.times == whole.times
    flat = sum(float(pixels.std(axis=(0, 1)).max()) < 3 for pixels in copy.pictures)
    assert flat >= report["frames_covered_whole"]

    said = passerby("redact", source, "-o", tmp_path / "again.mp4", "--salvage")
    assert said.code == 0, said
    assert "Damaged: spoiled.mp4" in said.out
    assert len(decoded(tmp_path / "again.mp4").times) == 64


def test_the_same_command_says_of_a_damaged_copy_again_that_it_is_incomplete(made: Path, tmp_path: Path) -> None:
    spoil(made / "portrait.mp4", 0.1, tmp_path / "spoiled.mp4")
    first, second = passerby("redact", tmp_path / "spoiled.mp4"), passerby("redact", tmp_path / "spoiled.mp4")
    assert first.code == second.code == 1
    assert sentence(first) == sentence(second)


def test_of_a_batch_the_bad_files_are_named_and_the_good_ones_are_done(
    made: Path, tmp_path: Path, take: Getter
) -> None:
    good = [take("portrait.mp4"), take("face.jpg")]
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((2, 48000), np.float32), "fltp", "stereo")
        sound.sample_rate = 48000
        file.mux([*stream.encode(sound), *stream.encode(None)])
    (tmp_path / "nothing.mp4").touch()
    (tmp_path / "nothing.png").touch()
    (tmp_path / "text.jpg").write_text("dear diary\n" * 100)
    cut(made / "face.jpg", 0.5, tmp_path / "short.jpg")
    before = files_in(tmp_path)
    # In a process of its own, because libraries write to standard error past Python.
    said = passerby_process("redact", *sorted(tmp_path.iterdir()))
    assert said.code == 1
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert all(line.startswith(("error: ", "hint: ")) for line in said.err.splitlines()), said.err
    bad = ["nothing.mp4", "nothing.png", "short.jpg", "sound.mp4", "text.jpg"]
    assert len(errors) == len(bad)
    for name in bad:
        (error,) = (line for line in errors if name in line)
        assert not error.endswith(".")
        assert str(tmp_path) not in error
    written = {f"{path.stem}.redacted{path.suffix}" for path in good}
    assert files_in(tmp_path) - before == written
    assert "7 files: " in said.out
    assert "2 done" in said.out


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    yield from _mounted(tmp_path / "tiny", "size=64k")


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that nobody can write to."""
    yield from _mounted(tmp_path / "fixed", "ro,size=64k")


def _mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["portrait.mp4", "close.png"])
def test_a_full_disk_is_named_and_nothing_stays_on_it(made: Path, tiny_disk: Path, name: str) -> None:
    (tiny_disk / "filler").write_bytes(bytes(56 * 1024))
    said = passerby_process("redact", made / name, "-o", tiny_disk / name, "--quality", "near-lossless")
    assert said.code == 1
    assert "disk is full" in sentence(said, name)
    assert files_in(tiny_disk) == {"filler"}


@pytest.mark.parametrize("name", ["portrait.mp4", "close.png"])
def test_a_file_that_grows_over_the_limit_of_the_shell_is_not_left_half_written(
    made: Path, tmp_path: Path, name: str
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    said = passerby_process("redact", made / name, "-o", tmp_path / name, before=limit)
    assert said.code == 1, said
    assert "larger than this disk or shell allows" in sentence(said, name)
    assert files_in(tmp_path) == set()


def test_a_read_only_disk_is_named(made: Path, read_only_disk: Path) -> None:
    said = passerby("redact", made / "face.jpg", "-o", read_only_disk / "out.jpg")
    assert said.code == 1
    assert "read-only" in sentence(said, "out.jpg")
    assert files_in(read_only_disk) == set()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_named(made: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    said = passerby("redact", made / "face.jpg", "-o", tmp_path / "out.jpg")
    tmp_path.chmod(0o755)
    assert said.code == 1
    assert "may not be written to" in sentence(said, "out.jpg")
    assert files_in(tmp_path) == set()


def test_a_folder_that_is_really_a_file_is_refused_and_the_file_stays(made: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    said = passerby("redact", made / "face.jpg", "-o", tmp_path / "folder" / "out.jpg")
    assert said.code in (1, 2)
    sentence(said, "out.jpg")
    assert (tmp_path / "folder").read_text() == "a file"


def test_two_inputs_for_one_output_are_refused(made: Path, tmp_path: Path) -> None:
    said = passerby("redact", made / "face.jpg", made / "face.png", "-o", tmp_path / "out.jpg")
    assert said.code == 2
    sentence(said, "out.jpg")
    assert files_in(tmp_path) == set()


@pytest.mark.parametrize("link", ["itself", "symbolic link", "hard link", "link to its folder"])
def test_an_output_that_is_the_input_is_refused_by_whatever_name(take: Getter, tmp_path: Path, link: str) -> None:
    source = take("face.jpg")
    before = source.read_bytes()
    output = tmp_path / "other.jpg"
    if link == "itself":
        output = source
    elif link == "symbolic link":
        output.symlink_to(source)
    elif link == "hard link":
        output.hardlink_to(source)
    else:
        (tmp_path / "door").symlink_to(tmp_path)
        output = tmp_path / "door" / "face.jpg"
    for more in ([], ["--force"]):
        said = passerby("redact", source, "-o", output, *more)
        assert said.code == 2
        assert "never overwritten" in sentence(said, output.name)
        assert source.read_bytes() == before


@pytest.mark.parametrize("option", ["--report", "--plan"])
@pytest.mark.parametrize("taken", ["input", "output", "another file"])
def test_nothing_beside_the_copy_takes_the_name_of_another_file(
    take: Getter, tmp_path: Path, option: str, taken: str
) -> None:
    source, notes = take("face.jpg"), tmp_path / "notes.txt"
    notes.write_text("mine")
    before = source.read_bytes()
    name = {"input": source, "output": tmp_path / "out.jpg", "another file": notes}[taken]
    said = passerby("redact", source, "-o", tmp_path / "out.jpg", option, name)
    assert said.code == 2, said
    sentence(said, name.name)
    assert source.read_bytes() == before
    assert notes.read_text() == "mine"
    assert files_in(tmp_path) == {"face.jpg", "notes.txt"}


def test_an_output_that_is_no_finished_copy_of_the_input_is_refused_and_stays(take: Getter, tmp_path: Path) -> None:
    source, output = take("face.jpg"), tmp_path / "out.jpg"
    output.write_bytes(b"somebody else's")
    said = passerby("redact", source, "-o", output)
    assert said.code == 2
    assert "not a finished copy" in sentence(said, "out.jpg")
    assert output.read_bytes() == b"somebody else's"


@pytest.mark.parametrize(
    ("limit", "name"), [(("--max-megapixels", "0.01"), "face.jpg"), (("--max-hours", "0.0001"), "portrait.mp4")]
)
def test_what_is_over_a_limit_is_refused_and_taken_when_the_limit_is_raised(
    made: Path, tmp_path: Path, limit: tuple[str, str], name: str
) -> None:
    said = passerby("redact", made / name, "-o", tmp_path / name, *limit)
    assert said.code == 1
    sentence(said, name)
    assert limit[0] in said.err
    assert files_in(tmp_path) == set()
    assert passerby("redact", made / name, "-o", tmp_path / name, limit[0], "1").code == 0


def test_a_video_larger_than_the_limit_is_refused(made: Path, tmp_path: Path) -> None:
    said = passerby("redact", made / "portrait.mp4", "-o", tmp_path / "out.mp4", "--max-megapixels", "0.01")
    assert said.code == 1
    assert "--max-megapixels" in sentence(said, "portrait.mp4") + said.err
    assert files_in(tmp_path) == set()


def test_a_wrong_setting_ends_with_2_before_any_work(made: Path, tmp_path: Path) -> None:
    wrong = [
        ["--cover", "name"],
        ["--margin", "-1"],
        ["--keep", "0,0 2,2"],
        ["--only", "here"],
        ["--hardware", "abacus"],
        ["--style", "blur"],
        ["--codec", "av1", "--hardware", "abacus"],
    ]
    for options in wrong:
        said = passerby("redact", made / "portrait.mp4", "-o", tmp_path / "out.mp4", *options)
        assert said.code == 2, (options, said)
        assert files_in(tmp_path) == set()


def test_a_video_that_changes_its_size_on_the_way_is_refused(tmp_path: Path) -> None:
    clip = Clip(codec="mpeg2video", format="mpegts", attributes={"time_base": Fraction(1, 25)}, settings={})
    parts = [make(tmp_path / f"{size[0]}.ts", replace(clip, size=size)) for size in ((320, 240), (240, 180))]
    source = tmp_path / "joined.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    before = files_in(tmp_path)
    said = passerby("redact", source)
    assert said.code == 1, said
    sentence(said, "joined.ts")
    assert files_in(tmp_path) == before


def test_a_stream_that_starts_between_keyframes_loses_what_cannot_be_decoded_and_says_so(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.ts", Clip(format="mpegts", frames=40))
    content = whole.read_bytes()
    start = len(content) // 3 // 188 * 188
    (tmp_path / "tail.ts").write_bytes(content[start:])
    said = passerby("redact", tmp_path / "tail.ts", "--salvage", "--report", tmp_path / "report.json")
    assert said.code == 0, said
    report = load_json(tmp_path / "report.json")
    assert 8 <= report["frames"] < 40
    seen = decoded(tmp_path / "tail.redacted.mp4").pictures
    assert len(seen) == report["frames"]
    assert not any(len(faces_in(pixels)) for pixels in seen)


@pytest.mark.parametrize("name", ["pipe.jpg", "pipe.mp4"])
def test_a_pipe_is_refused_and_not_waited_for(made: Path, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    (tmp_path / "face.jpg").write_bytes((made / "face.jpg").read_bytes())
    said = passerby_process("redact", tmp_path, "-o", tmp_path / "out")
    assert said.code == 1
    assert "not a file" in sentence(said, name)
    assert files_in(tmp_path / "out") == {"face.jpg"}
    for words in ("probe", "check"):
        assert passerby_process(words, tmp_path / name).code in (1, 2)


def test_a_name_that_the_disk_cannot_hold_is_refused_before_any_work(made: Path, tmp_path: Path) -> None:
    (tmp_path / ("a" * 250 + ".jpg")).write_bytes((made / "face.jpg").read_bytes())
    said = passerby("redact", tmp_path / ("a" * 250 + ".jpg"))
    assert said.code == 2
    assert "file name too long" in sentence(said)
    for length in (250, 236):
        said = passerby("redact", made / "face.jpg", "-o", tmp_path / "out" / ("b" * length + ".jpg"))
        assert said.code == 1
        assert "too long" in sentence(said)
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize(
    "name", ["a:b", "http:x", "%03d", "ü 中", "[1]", "x#?y", "concat:a|b", "[red]b", "-dash", "pipe:0"]
)
def test_a_name_is_a_name_and_nothing_that_a_library_takes_it_for(made: Path, tmp_path: Path, name: str) -> None:
    for original in ("portrait.mp4", "close.png"):
        source = tmp_path / f"{name}{Path(original).suffix}"
        source.write_bytes((made / original).read_bytes())
        said = passerby("redact", source)
        assert said.code == 0, said
        assert said.out.startswith(f"{source.name}: {name}.redacted{source.suffix}, ")
    assert len(files_in(tmp_path)) == 4


def test_an_input_that_does_not_exist_stops_everything_before_it_starts(made: Path, tmp_path: Path) -> None:
    said = passerby("redact", made / "face.jpg", tmp_path / "nowhere.jpg", "-o", f"{tmp_path}/out/")
    assert said.code == 2
    sentence(said, "nowhere.jpg")
    assert files_in(tmp_path) == set()


def test_copied_frames_of_a_spoiled_video_are_those_that_decode_without_a_word(made: Path, tmp_path: Path) -> None:
    content = bytearray((made / "street.mp4").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 30] = bytes(30)
    (tmp_path / "spoiled.mp4").write_bytes(content)
    said = passerby("redact", tmp_path / "spoiled.mp4", "--report", tmp_path / "report.json")
    assert said.code == 1, said
    assert load_json(tmp_path / "report.json")["gops_copied"] > 0
    source, copy = raw_frames(made / "street.mp4"), raw_frames(tmp_path / "spoiled.redacted.mp4")
    assert copy[:8] == source[:8]
    seen = decoded(tmp_path / "spoiled.redacted.mp4").pictures
    for index, pixels in enumerate(seen):
        clean = difference(pixels, picture(index, (320, 240), shown=index in range(24, 40)))
        assert clean < 12 or pixels.std(axis=(0, 1)).max() < 3 or index in range(20, 60), index

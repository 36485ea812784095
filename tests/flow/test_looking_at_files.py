"""`passerby check`, `passerby probe`, `passerby models`: they say what there is, and write nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import passerby

from .commands import Said, files_in, sentence
from .commands import passerby as command
from .conftest import Getter
from .scenes import Clip, make


@pytest.fixture(scope="module")
def copies(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished copies of a video, of a photo, and of a video with its sound."""
    folder = tmp_path_factory.mktemp("copies")
    for name in ("street.mp4", "face.jpg"):
        passerby.redact_file(made / name, folder / name)
    return folder


@pytest.mark.parametrize("name", ["street.mp4", "face.jpg"])
@pytest.mark.parametrize("with_original", [True, False])
def test_a_finished_copy_is_sound(made: Path, copies: Path, name: str, with_original: bool) -> None:
    before = files_in(copies)
    more: list[str | Path] = ["--original", made / name] if with_original else []
    said = command("check", copies / name, *more)
    assert said.code == 0, said
    assert "sound" in said.out.splitlines()[-1]
    assert files_in(copies) == before


@pytest.mark.parametrize("name", ["portrait.mp4", "face.jpg"])
def test_an_uncovered_face_is_found_and_listed(made: Path, take: Getter, name: str) -> None:
    said = command("check", take(name), "--original", made / name)
    assert said.code == 1
    assert "like a face or a plate: at 0.00 s" in said.out
    found = check_as_json(take(name))
    assert not found["sound"]
    assert found["standing"][0]["score"] > 0.5


def check_as_json(file: Path, *more: str | Path) -> dict[str, Any]:
    said: Said = command("check", file, *more, "--json")
    found: dict[str, Any] = json.loads(said.out)
    assert said.code == (0 if found["sound"] else 1)
    return found


@pytest.mark.parametrize("name", ["street.mp4", "face.jpg"])
def test_bytes_behind_the_end_of_a_copy_are_found(made: Path, copies: Path, tmp_path: Path, name: str) -> None:
    shutil.copy(copies / name, tmp_path / name)
    with (tmp_path / name).open("ab") as file:
        file.write(b"something more" * 100)
    said = command("check", tmp_path / name, "--original", made / name)
    assert said.code == 1
    assert "wrong: " in said.out


def test_a_copy_with_altered_bytes_is_found(made: Path, copies: Path, tmp_path: Path) -> None:
    content = bytearray((copies / "street.mp4").read_bytes())
    at = content.find(b"mdat") + 2000
    content[at : at + 200] = bytes(200)
    (tmp_path / "street.mp4").write_bytes(content)
    found = check_as_json(tmp_path / "street.mp4", "--original", made / "street.mp4")
    assert not found["sound"]
    assert found["problems"]


def test_a_copy_of_another_video_is_found(made: Path, copies: Path) -> None:
    found = check_as_json(copies / "street.mp4", "--original", made / "portrait.mp4")
    assert any("frames" in problem for problem in found["problems"])


def test_metadata_in_a_copy_is_found(made: Path, tmp_path: Path) -> None:
    def tagged(file: Any) -> Any:
        file.metadata["title"] = "Birthday"
        return lambda: None

    make(tmp_path / "tagged.mp4", Clip(frames=8, shown=lambda index: False, before=tagged))
    said = command("check", tmp_path / "tagged.mp4")
    assert said.code == 1
    assert "wrong: " in said.out
    assert "Birthday" not in said.out


def test_a_copy_of_a_turned_video_with_odd_sizes_is_sound(tmp_path: Path) -> None:
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    clip = Clip(frames=10, size=(241, 319), pixel_format="yuv444p", matrix=matrix, shown=lambda index: False)
    source = make(tmp_path / "in.mp4", clip)
    passerby.redact_video(source, tmp_path / "out.mp4")
    said = command("check", tmp_path / "out.mp4", "--original", source)
    assert said.code == 0, said


def test_sound_that_was_kept_on_purpose_is_not_complained_of(made: Path, tmp_path: Path) -> None:
    from .test_nothing_goes_along import with_everything

    source = make(tmp_path / "in.mp4", Clip(frames=16, before=with_everything))
    assert command("redact", source, "-o", tmp_path / "out.mp4", "--audio", "keep").code == 0
    said = command("check", tmp_path / "out.mp4", "--original", source)
    assert said.code == 0, said


def test_what_cannot_be_checked_is_said_in_one_sentence(made: Path, copies: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("text")
    for arguments, code in (
        ([tmp_path / "nowhere.mp4"], 2),
        ([copies / "face.jpg", "--original", tmp_path / "nowhere.jpg"], 2),
        ([made / "face.jpg", "--original", made / "face.jpg"], 2),
        ([tmp_path / "text.jpg"], 1),
        ([copies / "face.jpg", "--original", made / "street.mp4"], 1),
        ([copies / "street.mp4", "--original", made / "face.jpg"], 1),
    ):
        said = command("check", *arguments)
        assert said.code == code, (arguments, said)
        if said.err:
            sentence(said)


def test_probe_says_what_is_in_a_video(made: Path) -> None:
    said = command("probe", made / "street.mp4", made / "face.jpg")
    assert said.code == 0
    for words in ("street.mp4:", "size: 320x240", "closed GOPs: 8", "8 could be copied", "face.jpg:", "format: JPEG"):
        assert words in said.out
    facts = [
        json.loads(line) for line in command("probe", made / "street.mp4", made / "face.jpg", "--json").out.splitlines()
    ]
    assert [fact["kind"] for fact in facts] == ["video", "photo"]
    assert facts[0]["frames"] == 64


def test_probe_goes_on_after_a_file_that_cannot_be_read(made: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("text")
    said = command("probe", tmp_path / "text.mp4", made / "face.jpg")
    assert said.code == 1
    sentence(said, "text.mp4")
    assert "face.jpg:" in said.out


def test_the_models_are_listed_with_licence_and_hash() -> None:
    said = command("models")
    assert said.code == 0
    assert "centerface: finds face, MIT, runs on " in said.out
    assert "cpu" in said.out
    models = [json.loads(line) for line in command("models", "--json").out.splitlines()]
    assert {"centerface"} <= {model["name"] for model in models}
    assert all(len(model["sha256"]) == 64 for model in models)

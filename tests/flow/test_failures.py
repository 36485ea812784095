"""A stage that fails at its first, middle or last frame: its error is raised, nothing is left, nothing runs on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

import passerby
from passerby.account import Account, Artefacts
from passerby.check import readback, second_look
from passerby.check.report import Report
from passerby.check.second_look import SecondLook
from passerby.detect.detector import NetDetector
from passerby.errors import ModelError, OutputError, PasserbyError, RedactionIncomplete
from passerby.media import Frame
from passerby.pending import Pending
from passerby.pipeline import photo, video
from passerby.read.second_pass import Replay
from passerby.read.video import VideoSource
from passerby.redact.cover import Painter
from passerby.write.encoder import Encoder

from .commands import files_in, sentence
from .commands import passerby as command
from .conftest import Getter
from .scenes import decoded, faces_in, load_json, still_shown

FRAMES = 24
MOMENTS = (0, FRAMES // 2, FRAMES - 1)


class Broken(Exception):
    """What a stage that fails raises here."""


def failing_at(moment: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """The real function, which works until it is called for the frame with this number."""
    calls = 0

    def call(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment + 1:
            raise Broken(f"at {moment}")
        if calls > moment + 1:
            raise AssertionError("it was called once more after it had failed")
        return real(*arguments, **more)

    return call


def ending_at(moment: int, real: Callable[..., Iterator[Frame]]) -> Callable[..., Iterator[Frame]]:
    """The real frames, until the frame with this number fails."""

    def frames(*arguments: Any) -> Iterator[Frame]:
        for number, frame in enumerate(real(*arguments)):
            if number == moment:
                raise Broken(f"at {moment}")
            yield frame

    return frames


@pytest.fixture
def nothing_runs_on(tmp_path: Path) -> Generator[None]:
    """After the test, no thread runs that did not run before, and nothing but the input is in the folder."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
    assert files_in(tmp_path) == {"portrait.mp4"}


@pytest.mark.usefixtures("nothing_runs_on")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stage", ["decode", "decode again", "paint", "encode", "check"])
def test_the_error_of_the_stage_that_failed_is_raised_and_nothing_is_left(
    take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, moment: int
) -> None:
    source = take("portrait.mp4")
    kind: Any
    kind, name, breaking = {
        "decode": (VideoSource, "frames", ending_at),
        "decode again": (Replay, "frames", ending_at),
        "paint": (Painter, "cover", failing_at),
        "encode": (Encoder, "encode", failing_at),
        "check": (readback, "frame_of", failing_at),
    }[stage]
    monkeypatch.setattr(kind, name, breaking(moment, getattr(kind, name)))
    with pytest.raises(Broken, match=f"^at {moment}$"):
        passerby.redact_video(source, tmp_path / "out.mp4")


@pytest.mark.usefixtures("nothing_runs_on")
@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_second_look_that_fails_at_its_first_middle_or_last_frame_leaves_nothing(
    take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    monkeypatch.setattr(second_look, "sampled", lambda *_: [0, 12, 23])
    monkeypatch.setattr(SecondLook, "_found", failing_at(moment, SecondLook._found))
    with pytest.raises(RedactionIncomplete, match="looked at a second time") as caught:
        passerby.redact_video(take("portrait.mp4"), tmp_path / "out.mp4")
    assert isinstance(caught.value.__cause__, Broken)
    assert caught.value.report.verdict == "withheld"


@pytest.mark.usefixtures("nothing_runs_on")
@pytest.mark.parametrize("stage", ["track", "plan", "read back", "report", "name"])
def test_a_step_that_is_taken_once_and_fails_leaves_nothing(
    take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    source = take("portrait.mp4")
    owner, name = {
        "track": (video, "follow"),
        "plan": (video, "planned"),
        "read back": (video, "read_back_video"),
        "report": (Account, "finish"),
        "name": (Pending, "commit"),
    }[stage]
    monkeypatch.setattr(owner, name, failing_at(0, getattr(owner, name)))
    with pytest.raises(Broken, match=r"^at 0$"):
        passerby.redact_video(source, tmp_path / "out.mp4")


@pytest.mark.usefixtures("nothing_runs_on")
@pytest.mark.parametrize("moment", [0, 1])
def test_a_photo_whose_stage_fails_leaves_nothing(
    made: Path, take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    take("portrait.mp4")
    owner, name = [(photo, "find_in_photo"), (Painter, "cover")][moment]
    monkeypatch.setattr(owner, name, failing_at(0, getattr(owner, name)))
    with pytest.raises(Broken, match=r"^at 0$"):
        passerby.redact_photo(made / "face.jpg", tmp_path / "out.jpg")


@pytest.mark.usefixtures("nothing_runs_on")
def test_a_detector_that_never_works_ends_the_file(
    take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise Broken("always")

    source = take("portrait.mp4")
    monkeypatch.setattr(NetDetector, "_look_through", broken)
    with pytest.raises(ModelError) as caught:
        passerby.redact_video(source, tmp_path / "out.mp4")
    assert isinstance(caught.value.__cause__, Broken)
    assert caught.value.report.verdict == "failed"
    assert caught.value.report.output is None


@pytest.mark.parametrize("moment", [0, 1, 4])
def test_frames_at_which_the_detector_failed_are_painted_whole(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    calls, real = 0, NetDetector._look_through

    def sometimes(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment + 1:
            raise Broken("once")
        return real(*arguments, **more)

    monkeypatch.setattr(NetDetector, "_look_through", sometimes)
    result = passerby.redact_video(made / "portrait.mp4", tmp_path / "out.mp4")
    assert result.report.looks.unseen > 0
    assert result.report.frames_covered_whole > 0
    before, after = decoded(made / "portrait.mp4"), decoded(tmp_path / "out.mp4")
    assert before.times == after.times
    for number, pixels in enumerate(after.pictures):
        assert still_shown(before.pictures[number], pixels) == ""
        if result.plan.whole[number]:
            assert pixels.std(axis=(0, 1)).max() < 3


@pytest.mark.parametrize("kind", ["video", "photo"])
def test_a_copy_that_is_not_what_was_planned_is_withheld_with_a_report(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mode: Any = {"video": video, "photo": photo}[kind]
    real = getattr(mode, f"read_back_{kind}")

    def spoiled(part: Path, *arguments: Any, **more: Any) -> Any:
        with part.open("ab") as file:
            file.write(b"something more" * 100)
        return real(part, *arguments, **more)

    monkeypatch.setattr(mode, f"read_back_{kind}", spoiled)
    name = "portrait.mp4" if kind == "video" else "face.jpg"
    said = command("redact", made / name, "-o", tmp_path / name, "--report", tmp_path / "report.json")
    assert said.code == 1
    assert "withheld" in said.err
    report = load_json(tmp_path / "report.json")
    assert report["verdict"] == "withheld"
    assert report["problems"]
    assert report["output"] is None
    assert files_in(tmp_path) == {"report.json"}


def test_a_report_that_cannot_be_written_does_not_hide_the_first_error(made: Path, tmp_path: Path) -> None:
    (tmp_path / "short.mp4").write_bytes((made / "start.mp4").read_bytes()[:9000])
    (tmp_path / "taken").write_text("a file")
    artefacts = Artefacts(report=tmp_path / "taken" / "report.json")
    with pytest.raises(PasserbyError) as caught:
        passerby.redact_video(tmp_path / "short.mp4", tmp_path / "out.mp4", artefacts=artefacts)
    assert not isinstance(caught.value, OutputError)
    assert files_in(tmp_path) == {"short.mp4", "taken"}


@pytest.mark.parametrize("option", ["--report", "--plan", "--contact-sheet"])
def test_a_file_beside_the_copy_that_cannot_be_written_keeps_the_copy_from_its_name(
    made: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    extra: list[str | Path] = [option]
    if option == "--contact-sheet":
        (tmp_path / "out.jpg.contact-sheet.png").mkdir()
    else:
        extra.append(tmp_path / "taken" / "file.json")
    said = command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", *extra)
    assert said.code == 1, said
    sentence(said)
    assert files_in(tmp_path) == {"taken"}


def test_an_input_that_changes_while_it_is_read_gives_no_copy(
    take: Getter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = take("portrait.mp4")
    real = vars(video)["follow"]

    def changing(*arguments: Any, **more: Any) -> Any:
        with source.open("ab") as file:
            file.write(b"more")
        return real(*arguments, **more)

    monkeypatch.setattr(video, "follow", changing)
    with pytest.raises(passerby.SourceDamaged, match="was changed while it was being read"):
        passerby.redact_video(source, tmp_path / "out.mp4")
    assert files_in(tmp_path) == {"portrait.mp4"}


def test_an_unexpected_error_ends_one_file_and_not_the_batch(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = vars(video)["follow"]
    monkeypatch.setattr(video, "follow", failing_at(0, real))
    sources = [made / "portrait.mp4", tmp_path / "text.png"]
    sources[1].write_text("text")
    said = command("redact", *sources, "-o", f"{tmp_path}/out/")
    assert said.code == 1
    assert "portrait.mp4: an unexpected Broken in video.py, line" in said.err
    assert "at 0" not in said.err
    assert "text.png" in said.err
    assert "2 files: 1 failed, 1 refused" in said.out


def test_the_state_of_a_failed_file_is_not_that_of_a_finished_one(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Pending, "commit", failing_at(0, Pending.commit))
        assert command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg").code == 1
    assert files_in(tmp_path) == set()
    state = tmp_path / ".passerby" / "out.jpg.json"
    assert not state.exists() or Report.load(state).output is not None
    said = command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg")
    assert said.code == 0
    assert "1 done" in said.out


def test_a_thread_that_fails_does_not_let_a_face_through(made: Path, tmp_path: Path) -> None:
    # The plain run, with which the others are compared.
    result = passerby.redact_video(made / "portrait.mp4", tmp_path / "out.mp4", threads=1)
    assert result.report.frames_covered == FRAMES
    assert not any(len(faces_in(pixels)) for pixels in decoded(tmp_path / "out.mp4").pictures)
    with av.open(str(tmp_path / "out.mp4")) as file:
        assert file.streams.video[0].frames == FRAMES

"""The same command once more: what is finished is skipped, what is not is done, what is something else is refused."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from passerby.account import Artefacts
from passerby.batch import running
from passerby.batch.planning import Job
from passerby.batch.running import run_batch
from passerby.pending import SUFFIX
from passerby.settings import Settings

from .commands import files_in, passerby, passerby_process, sentence
from .conftest import Getter
from .scenes import decoded, difference, load_json


@pytest.fixture
def done(take: Getter, tmp_path: Path) -> Path:
    """A photo that is redacted already; beside it, `face.redacted.jpg`."""
    source = take("face.jpg")
    assert passerby("redact", source).code == 0
    assert files_in(tmp_path) == {"face.jpg", "face.redacted.jpg"}
    return source


def copy_of(source: Path) -> Path:
    return source.with_name(f"{source.stem}.redacted{source.suffix}")


def test_a_finished_file_is_skipped_and_said_to_be(done: Path) -> None:
    before = copy_of(done).stat()
    said = passerby("redact", done)
    assert said.code == 0
    assert "face.jpg: finished already, face.redacted.jpg is of the same input and settings; skipped" in said.out
    assert "1 file: 1 skipped" in said.out
    assert copy_of(done).stat().st_mtime_ns == before.st_mtime_ns
    assert copy_of(done).stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "options", [["--style", "black"], ["--margin", "0.5"], ["--keep", "0,0 0.1,0.1"], ["--quality", "high"]]
)
def test_a_copy_made_with_other_settings_is_refused(done: Path, options: list[str]) -> None:
    before = copy_of(done).read_bytes()
    said = passerby("redact", done, *options)
    assert said.code == 2
    assert "--force" in said.err
    sentence(said, "face.redacted.jpg", "face.jpg")
    assert copy_of(done).read_bytes() == before


@pytest.mark.parametrize("options", [["--max-hours", "9"], ["--max-megapixels", "100"], ["--provider", "cpu"]])
def test_limits_do_not_make_a_finished_copy_another_one(done: Path, options: list[str]) -> None:
    assert "skipped" in passerby("redact", done, *options).out


def test_force_does_it_again_and_replaces_the_copy(done: Path, tmp_path: Path) -> None:
    before = copy_of(done).read_bytes()
    said = passerby("redact", done, "--style", "black", "--force")
    assert said.code == 0
    assert "1 done" in said.out
    assert copy_of(done).read_bytes() != before
    assert files_in(tmp_path) == {"face.jpg", "face.redacted.jpg"}
    assert "skipped" in passerby("redact", done, "--style", "black").out


def test_a_run_that_fails_with_force_leaves_the_older_copy(
    done: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from passerby.pipeline import photo

    def broken(*_: Any, **__: Any) -> Any:
        raise MemoryError

    before = copy_of(done).read_bytes()
    monkeypatch.setattr(photo, "write_photo", broken)
    said = passerby("redact", done, "--style", "black", "--force")
    assert said.code == 1
    assert "not enough memory" in sentence(said, "face.jpg")
    assert copy_of(done).read_bytes() == before
    assert files_in(tmp_path) == {"face.jpg", "face.redacted.jpg"}


def test_a_run_that_was_killed_between_the_two_names_of_its_copy_does_not_cost_the_copy(
    done: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from passerby.pipeline import photo

    def broken(*_: Any, **__: Any) -> Any:
        raise MemoryError

    before = copy_of(done).read_bytes()
    (tmp_path / f".face.redacted.jpg{SUFFIX}").hardlink_to(copy_of(done))
    with monkeypatch.context() as failing:
        failing.setattr(photo, "write_photo", broken)
        assert passerby("redact", done, "--force").code == 1
    assert copy_of(done).read_bytes() == before
    (tmp_path / f".face.redacted.jpg{SUFFIX}").hardlink_to(copy_of(done))
    assert passerby("redact", done, "--style", "black", "--force").code == 0
    assert copy_of(done).read_bytes() != before
    assert files_in(tmp_path) == {"face.jpg", "face.redacted.jpg"}


def test_a_changed_input_makes_the_old_copy_somebody_elses(done: Path) -> None:
    with done.open("ab") as file:
        file.write(b"\0")
    said = passerby("redact", done)
    assert said.code == 2
    sentence(said, "face.redacted.jpg")


def test_a_copy_that_was_changed_after_it_was_finished_is_refused(done: Path) -> None:
    content = bytearray(copy_of(done).read_bytes())
    content[len(content) // 2] ^= 1
    copy_of(done).write_bytes(content)
    said = passerby("redact", done)
    assert said.code == 2
    assert copy_of(done).read_bytes() == content


@pytest.mark.parametrize("spoiled", ["gone", "not JSON", "of another file"])
def test_a_copy_without_its_report_is_not_taken_for_finished(done: Path, spoiled: str) -> None:
    state = done.parent / ".passerby" / "face.redacted.jpg.json"
    if spoiled == "gone":
        state.unlink()
    elif spoiled == "not JSON":
        state.write_text("{")
    else:
        state.write_text(state.read_text().replace(load_json(state)["input"]["sha256"], "0" * 64))
    assert passerby("redact", done).code == 2


def test_one_unfinished_output_stops_a_batch_before_it_starts(done: Path, made: Path, tmp_path: Path) -> None:
    (tmp_path / "close.png").write_bytes((made / "close.png").read_bytes())
    (tmp_path / "close.redacted.png").write_bytes(b"mine")
    (tmp_path / "third.png").write_bytes((made / "close.png").read_bytes())
    before = files_in(tmp_path)
    said = passerby("redact", done, tmp_path / "close.png", tmp_path / "third.png")
    assert said.code == 2
    assert "nothing was started" in sentence(said, "close.redacted.png")
    assert files_in(tmp_path) == before


def test_copies_given_as_inputs_are_left_alone(done: Path, tmp_path: Path) -> None:
    said = passerby("redact", tmp_path / "*.jpg")
    assert said.code == 0
    assert "left alone: face.redacted.jpg" in said.out
    assert files_in(tmp_path) == {"face.jpg", "face.redacted.jpg"}


def test_a_report_asked_for_later_is_written_for_a_finished_file(done: Path, tmp_path: Path) -> None:
    said = passerby("redact", done, "--report", tmp_path / "report.json")
    assert "skipped" in said.out
    assert load_json(tmp_path / "report.json") == load_json(tmp_path / ".passerby" / "face.redacted.jpg.json")


def test_a_plan_asked_for_later_is_not_silently_left_out(done: Path, tmp_path: Path) -> None:
    said = passerby("redact", done, "--plan", tmp_path / "plan.json")
    assert said.code == 2
    assert "--force" in said.err
    assert passerby("redact", done, "--plan", tmp_path / "plan.json", "--force").code == 0
    assert "skipped" in passerby("redact", done, "--plan", tmp_path / "plan.json").out


def test_a_folder_keeps_its_layout_and_leaves_other_files_out(made: Path, tmp_path: Path) -> None:
    source = tmp_path / "holiday"
    (source / "beach" / "deep").mkdir(parents=True)
    for name, target in (("face.jpg", "a.jpg"), ("close.png", "beach/b.png"), ("portrait.mp4", "beach/deep/c.mp4")):
        (source / target).write_bytes((made / name).read_bytes())
    (source / "notes.txt").write_text("dear diary")
    said = passerby("redact", source)
    assert said.code == 0
    assert "not copied: notes.txt" in said.out
    copies = {f"holiday.redacted/{name}" for name in ("a.jpg", "beach/b.png", "beach/deep/c.mp4")}
    assert {name for name in files_in(tmp_path) if name.startswith("holiday.redacted")} == copies
    assert "3 skipped" in passerby("redact", source).out


def test_two_jobs_make_the_same_copies_as_one(made: Path, tmp_path: Path) -> None:
    sources = [made / "portrait.mp4", made / "street.mp4", made / "face.jpg", tmp_path / "text.png"]
    sources[3].write_text("text")
    for jobs in ("1", "2"):
        said = passerby_process("redact", *sources, "-o", f"{tmp_path}/{jobs}/", "--jobs", jobs)
        assert said.code == 1
        sentence(said, "text.png")
        assert "4 files: " in said.out
        assert "3 done" in said.out
    for name in ("portrait.mp4", "street.mp4"):
        # What the encoder makes depends on its threads a little; what is found and done does not.
        told = [load_json(tmp_path / jobs / ".passerby" / f"{name}.json") for jobs in ("1", "2")]
        for what in ("tracks", "frames_covered", "gops_copied", "gops_encoded", "looks", "settings_sha256"):
            assert told[0][what] == told[1][what]
        for one, other in zip(*(decoded(tmp_path / jobs / name).pictures for jobs in ("1", "2")), strict=True):
            assert difference(one, other) < 4
    assert (tmp_path / "1" / "face.jpg").read_bytes() == (tmp_path / "2" / "face.jpg").read_bytes()
    assert files_in(tmp_path / "1") == files_in(tmp_path / "2") == {"portrait.mp4", "street.mp4", "face.jpg"}


DYING = """
import os, signal

from passerby.batch.running import Outcome


def dying(job):
    if job.name == "bad":
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job, "done")
"""


def test_a_worker_that_is_killed_fails_its_own_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A module of its own, which the workers can import.
    (tmp_path / "passerby_dying.py").write_text(DYING)
    monkeypatch.syspath_prepend(tmp_path)
    dying = importlib.import_module("passerby_dying").dying
    jobs = [Job(tmp_path / name, tmp_path / f"{name}.out", name) for name in ("a", "bad", "b", "c")]
    outcomes = {outcome.job.name: outcome for outcome in running._in_pool(jobs, partial(dying), 2)}
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses == {"a": "done", "b": "done", "c": "done", "bad": "failed"}
    assert "its process was killed" in outcomes["bad"].message


def test_every_file_of_a_batch_is_told_of_as_soon_as_it_ends(made: Path, tmp_path: Path) -> None:
    jobs = [Job(made / name, tmp_path / name, name) for name in ("face.jpg", "close.png")]
    outcomes = run_batch(jobs, Settings(), Artefacts())
    assert next(outcomes).job.name == "face.jpg"
    assert files_in(tmp_path) == {"face.jpg"}
    assert [outcome.status for outcome in outcomes] == ["done"]

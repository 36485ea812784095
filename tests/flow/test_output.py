"""What is said, and where: lines, JSON, silence, exit codes, reports."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import passerby
from passerby.account import Artefacts

from .commands import PROGRAM, files_in, passerby_process
from .commands import passerby as command
from .conftest import Getter
from .scenes import cut, load_json, spoil

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_object_per_file_and_nothing_else(made: Path, take: Getter, tmp_path: Path) -> None:
    good, bad = take("face.jpg"), tmp_path / "text.jpg"
    bad.write_text("text")
    spoil(made / "portrait.mp4", 0.1, tmp_path / "spoiled.mp4")
    cut(made / "start.mp4", 0.6, tmp_path / "short.mp4")
    sources = [good, bad, tmp_path / "spoiled.mp4", tmp_path / "short.mp4"]
    said = passerby_process("redact", *sources, "--json")
    assert said.code == 1
    found = {one["input"]: one for one in objects(said.out)}
    assert {name: one["status"] for name, one in found.items()} == {
        "face.jpg": "done",
        "text.jpg": "refused",
        "spoiled.mp4": "damaged",
        "short.mp4": "withheld",
    }
    assert found["face.jpg"]["output"] == str(tmp_path / "face.redacted.jpg")
    assert found["text.jpg"]["output"] is None
    assert "text.jpg" in found["text.jpg"]["message"]
    assert found["short.mp4"]["hint"]
    for one in found.values():
        jsonschema.validate(one["report"], load_json(SCHEMA))
    again = objects(command("redact", good, "--json").out)
    assert [one["status"] for one in again] == ["skipped"]


def test_json_says_wrong_settings_too(made: Path, tmp_path: Path) -> None:
    said = command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", "--margin", "-1", "--json")
    assert said.code == 2
    (one,) = objects(said.out)
    assert "margin" in one["error"]


def test_quiet_says_only_what_went_wrong(made: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("text")
    said = command("redact", made / "face.jpg", tmp_path / "text.jpg", "-o", f"{tmp_path}/out/", "--quiet")
    assert said.code == 1
    assert said.out == ""
    assert said.err.startswith("error: text.jpg")
    said = command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", "--quiet")
    assert (said.code, said.out, said.err) == (0, "", "")


def test_a_batch_is_summed_up(made: Path, tmp_path: Path) -> None:
    said = command("redact", made / "street.mp4", made / "face.jpg", "-o", f"{tmp_path}/out/", "--cover", "face")
    assert said.code == 0
    assert said.err == ""
    lines = said.out.splitlines()
    assert re.fullmatch(r"street\.mp4: street\.mp4, 1 face track covered in (2[4-9]|3\d) of 64 frames", lines[0])
    assert lines[1] == "face.jpg: face.jpg, 1 face covered"
    assert "2 files: 2 done" in said.out
    assert "Not in the copies: metadata" in said.out


def terminal(command: list[str], **env: str) -> bytes:
    """What a command writes to a terminal."""
    leader, follower = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=clean | {"TERM": "xterm"} | env) as running:
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            written += part
    os.close(leader)
    assert running.returncode == 0, written
    return written


def test_a_person_sees_progress_and_no_colour_is_respected(made: Path, tmp_path: Path) -> None:
    shown = {}
    for colour, env in ((True, {}), (False, {"NO_COLOR": "1"})):
        arguments = ["redact", str(made / "long.mp4"), "-o", str(tmp_path / f"{colour}.mp4")]
        shown[colour] = terminal([*PROGRAM, *arguments], **env)
        assert b"long.mp4: looking" in shown[colour]
    assert b"\x1b[3" in shown[True]
    assert b"\x1b[3" not in shown[False]


@pytest.mark.parametrize("verdict", ["done", "done-with-warnings", "withheld", "refused"])
def test_a_report_is_written_whatever_happens_and_is_as_its_schema_says(
    made: Path, tmp_path: Path, verdict: str
) -> None:
    report = tmp_path / "report.json"
    source = {
        "done": lambda: made / "street.mp4",
        "done-with-warnings": lambda: spoil(made / "portrait.mp4", 0.1, tmp_path / "in.mp4"),
        "withheld": lambda: cut(made / "start.mp4", 0.6, tmp_path / "in.mp4"),
        "refused": lambda: cut(made / "portrait.mp4", 0.6, tmp_path / "in.mp4"),
    }[verdict]()
    command("redact", source, "-o", tmp_path / "out.mp4", "--report", report)
    found = load_json(report)
    jsonschema.validate(found, load_json(SCHEMA))
    assert found["verdict"] == verdict
    assert bool(found["reason"]) == (verdict in ("withheld", "refused"))
    assert found["input"]["size_bytes"] == source.stat().st_size
    assert (found["output"] is not None) == verdict.startswith("done")
    if verdict == "done":
        assert found["models"]
        assert found["tracks"]
        assert set(found["timings_s"]) == {"look", "track", "write", "check"}
        assert sum(found["looks"].values()) == found["frames"] == 64


def test_the_schema_in_the_docs_is_that_of_the_code() -> None:
    from passerby.check.report import report_schema

    assert load_json(SCHEMA) == report_schema()


def test_a_contact_sheet_is_made_only_when_asked_for(made: Path, tmp_path: Path) -> None:
    command("redact", made / "face.jpg", "-o", tmp_path / "a.jpg")
    assert files_in(tmp_path) == {"a.jpg"}
    command("redact", made / "face.jpg", "-o", tmp_path / "b.jpg", "--contact-sheet")
    assert files_in(tmp_path) == {"a.jpg", "b.jpg", "b.jpg.contact-sheet.png"}


@pytest.mark.parametrize("words", [[], ["redact"], ["check"], ["probe"], ["models"]])
def test_every_command_explains_itself(words: list[str]) -> None:
    said = command(*words, "--help")
    assert said.code == 0
    assert "Usage" in said.out


def test_the_version_is_said() -> None:
    said = command("--version")
    assert (said.code, said.out) == (0, f"passerby {passerby.__version__}\n")


@pytest.mark.parametrize(
    "words", [["redact"], ["redact", "--nonsense", "a.mp4"], ["nonsense"], ["redact", "--jobs", "0", "a"]]
)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    said = command(*words)
    assert said.code == 2
    assert said.out == ""


def test_help_needs_no_heavy_library() -> None:
    script = (
        "import sys, passerby.cli\n"
        "sys.argv = ['passerby', 'redact', '--help']\n"
        "try:\n    passerby.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({'av', 'numpy', 'cv2', 'onnxruntime', 'PIL'} & set(sys.modules)))\n"
    )
    done = subprocess.run([PROGRAM[0], "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# From Python


def test_a_result_says_where_the_copy_is_and_what_was_done(made: Path, tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []
    result = passerby.redact_file(
        str(made / "portrait.mp4"),
        str(tmp_path / "out.mp4"),
        passerby.Settings(style="black"),
        name="a name for it",
        on_progress=lambda word: heard.append((word.name, word.stage)),
    )
    assert isinstance(result, passerby.Result)
    assert isinstance(result.report, passerby.Report)
    assert isinstance(result.plan, passerby.Plan)
    assert result.target == tmp_path / "out.mp4"
    assert result.target.stat().st_size == result.report.output.size_bytes  # type: ignore[union-attr]
    assert result.report.complete
    assert set(heard) == {("a name for it", stage) for stage in ("look", "write", "check")}
    assert "a name for it" not in result.report.model_dump_json()


def test_names_that_do_not_go_together_are_refused(made: Path, take: Getter, tmp_path: Path) -> None:
    source, taken = take("face.jpg"), tmp_path / "taken.jpg"
    taken.write_bytes(b"mine")
    before = source.read_bytes()
    with pytest.raises(passerby.SettingsError, match="never overwritten"):
        passerby.redact_photo(source, source)
    with pytest.raises(passerby.SettingsError, match="never overwritten"):
        passerby.redact_photo(source, source, replace=True)
    with pytest.raises(passerby.SettingsError, match="exists already"):
        passerby.redact_photo(source, taken)
    with pytest.raises(passerby.SettingsError, match="over the input"):
        passerby.redact_photo(source, tmp_path / "out.jpg", artefacts=Artefacts(report=source))
    with pytest.raises(passerby.SourceUnreadable, match="no such file"):
        passerby.redact_photo(tmp_path / "nowhere.jpg", tmp_path / "out.jpg")
    assert (source.read_bytes(), taken.read_bytes()) == (before, b"mine")
    passerby.redact_photo(source, taken, replace=True)
    assert taken.read_bytes()[:2] == b"\xff\xd8"
    assert files_in(tmp_path) == {"face.jpg", "taken.jpg"}


def test_a_folder_is_neither_photo_nor_video(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for redact in (passerby.redact_file, passerby.redact_photo, passerby.redact_video):
        with pytest.raises(passerby.PasserbyError):
            redact(tmp_path / "folder", tmp_path / "out.mp4")
    assert files_in(tmp_path) == set()


def test_contents_decide_and_not_the_name(made: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.mp4").write_bytes((made / "face.jpg").read_bytes())
    (tmp_path / "video.jpg").write_bytes((made / "portrait.mp4").read_bytes())
    assert passerby.redact_file(tmp_path / "photo.mp4", tmp_path / "out.jpg").report.input.kind == "photo"
    assert passerby.redact_file(tmp_path / "video.jpg", tmp_path / "out.mp4").report.input.kind == "video"


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    for wrong in ({"style": "blur"}, {"margin": -1}, {"colour": "red"}, {"cover": ()}, {"keep": (((0, 0), (2, 2)),)}):
        with pytest.raises(passerby.SettingsError, match=next(iter(wrong))):
            passerby.Settings.of(**wrong)


def test_the_caller_learns_of_a_refusal_what_was_found(made: Path, tmp_path: Path) -> None:
    cut(made / "start.mp4", 0.6, tmp_path / "short.mp4")
    with pytest.raises(passerby.RedactionIncomplete) as caught:
        passerby.redact_video(tmp_path / "short.mp4", tmp_path / "out.mp4")
    assert caught.value.report.verdict == "withheld"
    assert caught.value.report.frames > 0
    assert "--salvage" in str(caught.value.hint)

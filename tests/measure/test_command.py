"""`passerby accuracy` from end to end: on a face that it covers, on a copy that nobody covered, on bad input."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.stream import VideoStream
from PIL import Image

from passerby.measure.exposure import luma_of
from passerby.measure.material import LabelledFile, read_set
from passerby.measure.running import measure
from passerby.measure.ways import Cost, Pair, pictures_in
from tests.flow.commands import Said, passerby, sentence

Picture = npt.NDArray[np.uint8]
FACE = [57, 48, 152, 167, "face"]
MODEL = ("--no-redact", "--models", "centerface-int8")


@pytest.fixture
def folder(tmp_path: Path, astronaut: Picture) -> Path:
    """A photo with a labelled face, and one of nobody."""
    Image.fromarray(astronaut[20:276, 120:376]).save(tmp_path / "face.png")
    Image.fromarray(np.ascontiguousarray(astronaut[20:120, 400:500])).save(tmp_path / "nobody.png")
    return label(tmp_path, {"face.png": [FACE], "nobody.png": []})


def label(folder: Path, boxes: dict[str, list[Any]]) -> Path:
    (folder / "boxes.json").write_text(json.dumps({name: {"boxes": listed} for name, listed in boxes.items()}))
    return folder


def only_result(said: Said) -> dict[str, Any]:
    assert said.code == 0, said.err
    (line,) = said.out.splitlines()
    result: dict[str, Any] = json.loads(line)
    return result


def test_a_face_that_redact_covers_is_not_exposed(folder: Path) -> None:
    result = only_result(passerby("accuracy", folder, "--cover", "face", "--json"))
    assert result["labels"] == {
        "face": {"boxes": 1, "exposed": 0, "share": 0, "interval": [0, pytest.approx(0.793, abs=1e-3)]}
    }
    assert (result["set"], result["way"], result["pictures"], result["misses"]) == (folder.name, "redact", 2, [])
    assert result["painted"]["overall"] > 0.05
    assert result["painted"]["where_nobody_is"] == 0
    assert result["cpu_s_per_picture"] > 0


class Uncovered:
    """Hands every picture on as it is."""

    name = "uncovered"

    def may_cover(self, label: str) -> bool:
        return True

    def pairs(self, file: LabelledFile, cost: Cost) -> Iterator[Pair]:
        for index, picture in enumerate(pictures_in(file.path, clip=file.clip)):
            yield Pair(index, luma_of(picture), luma_of(picture))


def test_a_face_that_nobody_covered_is_exposed(folder: Path) -> None:
    (summary,) = measure([read_set(folder)], [Uncovered()])
    assert (summary.all.boxes, summary.all.exposed) == (1, 1)
    assert summary.misses[0].file == "face.png"
    assert summary.painted is not None
    assert (summary.painted.overall, summary.painted.elsewhere) == (0, 0)


def test_every_output_is_written(folder: Path, tmp_path: Path) -> None:
    label(folder, {"face.png": [FACE, [200, 200, 240, 240, "head"]], "nobody.png": []})
    out = tmp_path / "out"
    said = passerby("accuracy", folder, *MODEL, "--plots", out, "--markdown", out / "t.md", "--misses", out / "m.png")
    assert said.code == 0, said.err
    assert "centerface-int8" in said.out
    assert "| centerface-int8 | face | 1 | 0 | 0 % |" in (out / "t.md").read_text("utf-8")
    names = {"by-size", "by-light", "by-contrast", "by-side", "by-set", "false-cover", "cost"}
    assert {path.stem for path in out.glob("*.png")} == names | {"m"}
    for path in out.glob("*.png"):
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5, f"nothing is drawn in {path.name}"


def test_plots_of_the_same_figures_are_the_same_files(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert passerby("accuracy", folder, *MODEL, "--plots", tmp_path / name, "--json").code == 0
    assert (tmp_path / "a/by-size.png").read_bytes() == (tmp_path / "b/by-size.png").read_bytes()


def test_crops_of_people_are_written_on_request_only_and_where_there_are_any(folder: Path, tmp_path: Path) -> None:
    said = passerby("accuracy", folder, *MODEL, "--misses", tmp_path / "m.png")
    assert said.code == 0
    assert not (tmp_path / "m.png").exists()
    assert "keep it to yourself" in " ".join(passerby("accuracy", "--help").out.replace("│", " ").split())


def test_a_clip_is_measured_at_the_frames_that_have_labels(tmp_path: Path, astronaut: Picture) -> None:
    with av.open(str(tmp_path / "walk.mp4"), "w") as file:
        stream = file.add_stream("libx264", 10)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 192
        for x in range(100, 106):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(astronaut[20:212, x : x + 192]), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    frames = [{"frame": n, "boxes": [[77 - n, 48, 172 - n, 167, "face"]]} for n in (1, 4)]
    boxes = tmp_path / "walk.mp4.boxes.json"
    boxes.write_text(json.dumps({"frames": frames, "width": 192, "height": 192}))
    result = only_result(passerby("accuracy", boxes, "--cover", "face", "--json"))
    assert (result["set"], result["pictures"]) == ("walk", 2)
    assert result["labels"]["face"]["boxes"] == 2
    assert result["labels"]["face"]["exposed"] == 0
    shutil.move(boxes, tmp_path / "walk.json")
    (tmp_path / "walk.json").write_text(json.dumps({"frames": [{"frame": 6, "boxes": []}]}))
    said = passerby("accuracy", tmp_path / "walk.json", *MODEL)
    assert said.code == 1
    assert "walk.mp4: has 6 frames, and its labels speak of frame 6" in said.out


def test_several_processes_find_the_same(folder: Path) -> None:
    alone, both = (only_result(passerby("accuracy", folder, *MODEL, "--json", *jobs)) for jobs in ((), ("-j", "2")))
    for result in (alone, both):
        del result["cpu_s_per_picture"], result["cpu_s_per_megapixel"]
    assert alone == both


def test_a_head_in_which_no_face_is_labelled_is_turned_away(folder: Path) -> None:
    label(folder, {"face.png": [FACE, [40, 20, 170, 190, "head"], [180, 100, 250, 200, "head"]]})
    result = only_result(passerby("accuracy", folder, *MODEL, "--json"))
    sides = {part["group"]: part["tally"]["boxes"] for part in result["parts"] if part["aspect"] == "side"}
    assert sides == {"face seen": 1, "turned away": 1}


def test_a_photo_that_cannot_be_redacted_is_told_and_not_counted(folder: Path) -> None:
    content = (folder / "face.png").read_bytes()
    (folder / "face.png").write_bytes(content[: len(content) // 2])
    said = passerby("accuracy", folder, *MODEL)
    assert said.code == 1
    assert "no copy: face.png" in said.out


def test_files_are_chosen_by_name_and_number(folder: Path) -> None:
    chosen = only_result(passerby("accuracy", folder, *MODEL, "--pictures", "no*", "--json"))
    assert (chosen["pictures"], chosen["labels"]) == (1, {})
    assert only_result(passerby("accuracy", folder, *MODEL, "--limit", "1", "--json"))["labels"]["face"]["boxes"] == 1


def test_a_label_means_what_the_user_says(folder: Path) -> None:
    label(folder, {"face.png": [[*FACE[:4], "visage"]]})
    said = passerby("accuracy", folder, *MODEL)
    assert said.code == 2
    assert "'visage'" in sentence(said, "boxes.json", "face.png")
    assert "--label visage=" in said.err
    result = only_result(passerby("accuracy", folder, *MODEL, "--label", "visage=face", "--json"))
    assert result["labels"]["face"]["boxes"] == 1


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("no JSON", ("cannot be read as JSON",)),
        ("[]", ("no file of labelled boxes",)),
        ("{}", ("no file of labelled boxes",)),
        ('{"face.png": {"boxes": [[1, 2, 3, "face"]]}}', ("at face.png, boxes, 0",)),
        ('{"face.png": {"boxes": [[1, 2, 3, NaN, "face"]]}}', ("at face.png, boxes, 0",)),
        ('{"face.png": {"faces": []}}', ("face.png", "boxes")),
        ('{"away.png": {"boxes": []}}', ("away.png", "no such file")),
        (
            '{"face.png": {"boxes": [[300, 10, 340, 50, "face"]]}}',
            ("face.png", "256x256", "300, 10, 340, 50", "outside"),
        ),
        ('{"face.png": {"boxes": [[50, 10, 40, 50, "face"]]}}', ("face.png", "no area")),
        ('{"face.png": {"boxes": [], "width": 512, "height": 512}}', ("face.png", "256x256", "512x512")),
        ('{"frames": []}', ("no file of labelled boxes", "frames")),
        ('{"frames": [{"frame": 0, "boxes": []}]}', ("no video called boxes",)),
    ],
)
def test_bad_boxes_are_refused_before_any_work_in_one_sentence(
    content: str, names: tuple[str, ...], folder: Path
) -> None:
    (folder / "boxes.json").write_text(content)
    said = passerby("accuracy", folder, *MODEL)
    assert (said.code, said.out) == (1, "")
    sentence(said, *names, "nothing was measured")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("away.json",), ("away.json", "no such file")),
        (("boxes.json", "--label", "visage"), ("--label visage",)),
        (("boxes.json", "--label", "visage=nose"), ("visage=nose",)),
        (("boxes.json", "--cover", "noses"), ("cover",)),
        (("boxes.json", "--cover", "plate"), ("only face is labelled", "plate")),
        (("boxes.json", "--no-redact"), ("nothing looks",)),
        (("boxes.json", "--pictures", "x*"), ("no picture of it was chosen",)),
        (("boxes.json", "boxes.json"), ("two sets are called so",)),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_sentence(
    arguments: tuple[str, ...], names: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    said = passerby("accuracy", *arguments)
    assert (said.code, said.out) == (2, "")
    sentence(said, *names)


def test_an_unknown_model_is_refused_by_name(folder: Path) -> None:
    said = passerby("accuracy", folder, "--models", "nosefinder")
    assert said.code == 1
    sentence(said, "nosefinder", "not in the zoo")


def test_without_matplotlib_plots_are_refused_before_any_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    said = passerby("accuracy", folder, *MODEL, "--plots", folder / "plots")
    assert (said.code, said.out) == (2, "")
    sentence(said, "Matplotlib")
    assert "pip install 'passerby[accuracy]'" in said.err

"""The plan between looking and painting: written, corrected by hand, painted from. And parts that are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import passerby
from passerby.account import Artefacts
from passerby.detect.detector import NetDetector
from passerby.media import Frame, RedactedFrame
from passerby.redact.cover import Painter
from passerby.regions import Regions

from .commands import files_in, sentence
from .commands import passerby as command
from .conftest import Getter
from .scenes import decoded, faces_in, load_json, picture, still_shown


def frames_of(plan: Path) -> list[Any]:
    frames: list[Any] = load_json(plan)["frames"]
    return frames


def test_a_plan_that_is_given_is_painted_from_without_a_first_look(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tmp_path / "plan.json"
    painted: list[bytes] = []
    paint = Painter.cover

    def noted(self: Painter, frame: Frame, regions: Regions | None) -> RedactedFrame:
        redacted = paint(self, frame, regions)
        painted.append(b"".join(plane.tobytes() for plane in redacted.planes))
        return redacted

    # What is painted is compared, not what comes out: x264 on several cores codes the same pictures in several ways.
    monkeypatch.setattr(Painter, "cover", noted)
    assert command("redact", made / "portrait.mp4", "-o", tmp_path / "a.mp4", "--plan", plan).code == 0
    assert len(frames_of(plan)) == 24
    written = plan.read_bytes()
    first = painted.copy()
    painted.clear()

    looks: list[float] = []
    real = NetDetector.find

    def counted(self: NetDetector, *arguments: Any, scale: float = 1.0, **more: Any) -> Any:
        looks.append(scale)
        return real(self, *arguments, scale=scale, **more)

    monkeypatch.setattr(NetDetector, "find", counted)
    said = command("redact", made / "portrait.mp4", "-o", tmp_path / "b.mp4", "--plan", plan)
    assert said.code == 0
    assert "painted from a given plan" in said.out
    assert set(looks) == {0.75}, "only the second look looks"
    assert plan.read_bytes() == written
    assert len(first) == 24
    assert painted == first
    before, after = (decoded(path) for path in (made / "portrait.mp4", tmp_path / "b.mp4"))
    assert still_shown(before.pictures[12], after.pictures[12]) == ""


def test_what_a_person_takes_out_of_a_plan_is_shown_and_what_they_add_is_covered(made: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    command("redact", made / "portrait.mp4", "-o", tmp_path / "a.mp4", "--plan", plan)
    corrected = load_json(plan)
    for frame in corrected["frames"]:
        frame["regions"] = [{"label": "plate", "box": [220.0, 160.0, 300.0, 220.0]}]
    corrected["frames"][5]["regions"] = "whole"
    del corrected["frames"][9]
    plan.write_text(json.dumps(corrected))
    said = command("redact", made / "portrait.mp4", "-o", tmp_path / "b.mp4", "--plan", plan)
    assert said.code == 0, said
    assert "the second look found" in said.out
    seen = decoded(tmp_path / "b.mp4").pictures
    assert len(faces_in(seen[0])) == 1
    assert seen[0][165:215, 225:295].std(axis=(0, 1)).max() < 3
    for whole in (5, 9):
        assert seen[whole].std(axis=(0, 1)).max() < 3


def test_a_plan_of_another_file_is_refused(made: Path, take: Getter, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    command("redact", made / "face.jpg", "-o", tmp_path / "a.jpg", "--plan", plan)
    other = take("face.jpg")
    with other.open("ab") as file:
        file.write(b"\0")
    for source, target in ((made / "portrait.mp4", "b.mp4"), (other, "b.jpg")):
        said = command("redact", source, "-o", tmp_path / target, "--plan", plan)
        assert said.code == 2
        assert "a plan for another file" in sentence(said, "plan.json", source.name)
        assert not (tmp_path / target).exists()


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", '{"format": "passerby-plan", "version": 2}'])
def test_what_is_no_plan_is_refused(made: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.json").write_text(content)
    said = command("redact", made / "face.jpg", "-o", tmp_path / "out.jpg", "--plan", tmp_path / "plan.json")
    assert said.code == 2
    sentence(said, "plan.json")
    assert files_in(tmp_path) == {"plan.json"}


def test_one_plan_is_not_for_several_files(made: Path, tmp_path: Path) -> None:
    for option in ("--plan", "--report"):
        said = command("redact", made, "-o", f"{tmp_path}/out/", option, tmp_path / "file.json")
        assert said.code == 2
        sentence(said)
        assert files_in(tmp_path) == set()


def test_what_lies_wholly_in_a_kept_part_is_not_covered(made: Path, tmp_path: Path) -> None:
    said = command("redact", made / "face.png", "-o", tmp_path / "out.png", "--keep", "0,0 1,1")
    assert said.code == 0
    assert "nothing was found to cover" in said.out
    assert "the second look found" not in said.out
    with Image.open(made / "face.png") as before, Image.open(tmp_path / "out.png") as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))


def test_a_face_that_is_only_partly_in_a_kept_part_is_covered(made: Path, tmp_path: Path) -> None:
    upright = picture(0, (400, 300))
    box = faces_in(upright)[0]
    half = f"0,0 {(box[0] + box[2]) / 2 / 400:.3f},1"
    assert command("redact", made / "face.png", "-o", tmp_path / "out.png", "--keep", half).code == 0
    with Image.open(tmp_path / "out.png") as after:
        assert still_shown(upright, np.asarray(after)) == ""


def test_outside_of_the_only_part_nothing_is_covered(made: Path, tmp_path: Path) -> None:
    for part, covered in (("0.9,0.9 1,1", False), ("0,0 0.4,0.4", True)):
        target = tmp_path / f"{covered}.png"
        assert command("redact", made / "face.png", "-o", target, "--only", part).code == 0
        with Image.open(target) as after:
            assert (len(faces_in(np.asarray(after))) == 0) == covered


def test_a_margin_makes_regions_larger(made: Path, tmp_path: Path) -> None:
    areas = []
    for margin in ("0", "face=0.8"):
        plan, target = tmp_path / f"{margin}.json", tmp_path / f"{margin}.png"
        command("redact", made / "face.png", "-o", target, "--cover", "face", "--margin", margin, "--plan", plan)
        ((x1, y1, x2, y2),) = [region["box"] for region in frames_of(plan)[0]["regions"]]
        areas.append((x2 - x1) * (y2 - y1))
    assert areas[1] > 2 * areas[0]


def test_a_plan_can_be_made_and_given_from_python(made: Path, tmp_path: Path) -> None:
    artefacts = Artefacts(plan=tmp_path / "plan.json")
    first = passerby.redact_photo(made / "face.jpg", tmp_path / "a.jpg", artefacts=artefacts)
    second = passerby.redact_photo(made / "face.jpg", tmp_path / "b.jpg", artefacts=artefacts)
    assert first.report.plan_sha256 == second.report.plan_sha256
    assert len(second.plan.boxes) == len(first.plan.boxes) > 0
    loaded = passerby.Plan.load(tmp_path / "plan.json")
    assert np.allclose(loaded.boxes, first.plan.boxes, atol=0.02)

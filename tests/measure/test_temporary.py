"""What is measured as redact does lies in a temporary folder for a while: nobody shows there, and nothing stays."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from passerby.measure.material import LabelledFile
from passerby.measure.ways import AsRedact, Cost
from tests.flow.scenes import faces_in


def test_no_face_lies_in_the_temporary_folder_and_nothing_stays_there(
    astronaut: npt.NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, temporary = tmp_path / "astronaut.png", tmp_path / "temporary"
    Image.fromarray(astronaut).save(photo)
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert len(faces_in(astronaut)) == 1

    pictures = 0
    for pair in AsRedact().pairs(LabelledFile("astronaut.png", photo, False, {0: ()}), Cost()):
        assert pair.frame == 0
        for path in (path for path in temporary.rglob("*") if path.is_file() and path.suffix != ".json"):
            with Image.open(path) as copy:
                assert len(faces_in(np.asarray(copy.convert("RGB")))) == 0, path
            pictures += 1
    assert pictures == 1
    assert list(temporary.iterdir()) == []

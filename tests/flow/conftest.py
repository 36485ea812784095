"""Clips and photos that are made once, and copies of them to work on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from .scenes import FACE_SHOWN, Clip, face, make, picture

Getter = Callable[[str], Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what most tests begin with; nobody writes into it.

    street.mp4: eight closed GOPs with B-frames, a face in two of them. portrait.mp4: a face in all of its 24 frames.
    start.mp4: the same, index at its start. fragments.mp4: the same in fragments. long.mp4: six seconds of it.
    face.jpg, face.png: a photo. close.png: the face alone.
    """
    folder = tmp_path_factory.mktemp("made")
    make(folder / "street.mp4", Clip(frames=64, shown=lambda index: index in FACE_SHOWN))
    make(folder / "portrait.mp4", Clip())
    make(folder / "start.mp4", Clip(muxer={"movflags": "+faststart"}))
    make(folder / "fragments.mp4", Clip(muxer={"movflags": "+frag_keyframe+empty_moov"}))
    make(folder / "long.mp4", Clip(frames=150))
    photo = Image.fromarray(picture(0, (400, 300)))
    photo.save(folder / "face.jpg", quality=92)
    photo.save(folder / "face.png")
    Image.fromarray(face()).save(folder / "close.png")
    return folder


@pytest.fixture
def take(made: Path, tmp_path: Path) -> Getter:
    """Copies one of the files that were made into the test's own folder."""

    def copied(name: str) -> Path:
        target = tmp_path / name
        shutil.copyfile(made / name, target)
        return target

    return copied

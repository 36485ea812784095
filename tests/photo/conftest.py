"""What the photo tests share: a copy made of a file, with nothing painted, and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from passerby.check.photo_readback import read_back_photo
from passerby.media import PhotoInfo
from passerby.read.photo import open_photo
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.write.photo import output_format, write_photo


@dataclass(frozen=True)
class Copy:
    """A finished copy: what the source was, the copy's path and bytes, and what the check says of it."""

    info: PhotoInfo
    path: Path
    content: bytes
    problems: list[str]


Copier = Callable[[Path], Copy]


@pytest.fixture
def copied(tmp_path: Path) -> Copier:
    """Makes a copy of a photo in which nothing is painted, and reads it back."""

    def copy(source: Path) -> Copy:
        with open_photo(source) as photo:
            target = tmp_path / f"copy-{source.stem}{output_format(photo.info)[1]}"
            painter = Painter()
            write_photo(target, (painter.cover(frame, Regions()) for frame in photo.frames()), photo.info)
        return Copy(photo.info, target, target.read_bytes(), read_back_photo(target, photo.info, source=source))

    return copy


@pytest.fixture(scope="session")
def face(astronaut: npt.NDArray[np.uint8]) -> Image.Image:
    """A small picture with a face, neither square nor of even size: 201 x 150."""
    return Image.fromarray(np.ascontiguousarray(astronaut[50:200, 120:321]))

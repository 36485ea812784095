"""Ways of looking at labelled material and of covering what was found: as `redact` does, or with one model alone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from passerby.batch.planning import target_name
from passerby.detect.detector import NetDetector
from passerby.detect.zoo import entry_of
from passerby.errors import SourceUnreadable
from passerby.measure.exposure import Luma, luma_of
from passerby.measure.material import LabelledFile
from passerby.media import PHOTO_TIME_BASE, Frame, Picture, PixelLayout
from passerby.pipeline.files import redact_file
from passerby.read.photo import open_photo, pictures_of
from passerby.read.video import open_video, picture_of
from passerby.redact.cover import Painter
from passerby.regions import LABELS, MARGINS, Boxes, Detections, Regions, grow, no_boxes
from passerby.settings import Settings

_KIN = {
    "head": frozenset({"head", "face", "person"}),
    "face": frozenset({"head", "face", "person"}),
    "plate": frozenset({"plate", "text"}),
    "person": frozenset({"person"}),
    "text": frozenset({"text"}),
}
"""Covering any of these may cover what has this label."""


@dataclass(slots=True)
class Cost:
    """What looking took.

    Attributes:
        cpu_s: time that processors spent, in seconds, of all threads together.
        pictures: photos, and frames of clips, whether they have labels or not.
        pixels: of all of them.
    """

    cpu_s: float = 0.0
    pictures: int = 0
    pixels: int = 0

    def add(self, cpu_s: float, pictures: int, pixels: int) -> None:
        """Count some more."""
        self.cpu_s += cpu_s
        self.pictures += pictures
        self.pixels += pixels


@dataclass(slots=True, eq=False)
class Pair:
    """A labelled picture before and after: its frame number, and the luma of both."""

    frame: int
    original: Luma = field(repr=False)
    copy: Luma = field(repr=False)


class Way(Protocol):
    """A way of looking. It can be sent to another process."""

    @property
    def name(self) -> str:
        """In tables and plots."""
        ...

    def may_cover(self, label: str) -> bool:
        """Whether it looks for such things at all."""
        ...

    def pairs(self, file: LabelledFile, cost: Cost) -> Iterator[Pair]:
        """Every labelled picture of the file with its copy; what it took is added to `cost`.

        Raises:
            SourceError: the file cannot be read.
            RedactionIncomplete: its copy was withheld.
        """
        ...


@dataclass(frozen=True, slots=True)
class AsRedact:
    """What `passerby redact` writes, from end to end: every view, tracks, encoding."""

    settings: Settings = field(default_factory=Settings)

    @property
    def name(self) -> str:
        """Of the command."""
        return "redact"

    def may_cover(self, label: str) -> bool:
        """Always: what a user gets is of interest whatever it was made for."""
        return True

    def pairs(self, file: LabelledFile, cost: Cost) -> Iterator[Pair]:
        """See `Way.pairs`."""
        with tempfile.TemporaryDirectory(prefix="passerby-accuracy-") as folder:
            copy = Path(folder) / target_name(file.path.name)
            start = time.process_time()
            redact_file(file.path, copy, self.settings, name=file.name, threads=1)
            cost.add(time.process_time() - start, 0, 0)
            frames = 0
            both = zip(pictures_in(file.path, clip=file.clip), pictures_in(copy, clip=file.clip), strict=True)
            for index, (before, after) in enumerate(both):
                frames += 1
                cost.add(0, 1, before.shape[0] * before.shape[1])
                if index in file.frames:
                    yield Pair(index, luma_of(before), luma_of(after))
        _refuse_missing(file, frames)


@dataclass(frozen=True, slots=True)
class ModelAlone:
    """One model of the zoo: one look at full size, everything of its own least score is painted with its margin."""

    model: str
    provider: str | None = None

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model

    def may_cover(self, label: str) -> bool:
        """Whether it finds such things, or what contains them."""
        return not _KIN.get(label, frozenset()).isdisjoint(entry_of(self.model).finds)

    def pairs(self, file: LabelledFile, cost: Cost) -> Iterator[Pair]:
        """See `Way.pairs`; only labelled frames of a clip are looked at."""
        detector = _detector(self.model, self.provider)
        frames = 0
        for index, picture in enumerate(pictures_in(file.path, clip=file.clip)):
            frames += 1
            if index not in file.frames:
                continue
            start = time.process_time()
            found = detector.find(picture)
            cost.add(time.process_time() - start, 1, picture.shape[0] * picture.shape[1])
            yield Pair(index, luma_of(picture), luma_of(_painted(picture, found)))
        _refuse_missing(file, frames)


@lru_cache(maxsize=16)
def _detector(model: str, provider: str | None) -> NetDetector:
    return NetDetector(model, provider=provider, threads=1)


def pictures_in(path: Path, *, clip: bool) -> Iterator[Picture]:
    """Every picture of a file, RGB, upright."""
    if clip:
        with open_video(path) as video:
            yield from (picture_of(frame) for frame in video.frames())
        return
    with open_photo(path) as photo:
        yield from (pictures_of(frame)[-1] for frame in photo.frames())


def _painted(picture: Picture, found: Detections) -> Picture:
    """A copy in which everything that can be covered is."""
    pixels = picture.copy()
    planes = tuple(pixels[..., channel] for channel in range(3))
    frame = Frame(0, PHOTO_TIME_BASE, PixelLayout("RGB", "rgb"), planes, carrier=pixels)
    Painter().cover(frame, _regions(found))
    return pixels


def _regions(found: Detections) -> Regions:
    parts: list[tuple[Boxes, int]] = [(no_boxes(), 0)]
    for label, margin in MARGINS.items():
        which = found.labels == LABELS.index(label)
        parts.append((grow(found.boxes[which], margin), LABELS.index(label)))
    labels = np.concatenate([np.full(len(boxes), label, np.uint8) for boxes, label in parts])
    return Regions(np.concatenate([boxes for boxes, _ in parts]), labels)


def _refuse_missing(file: LabelledFile, frames: int) -> None:
    last = max(file.frames)
    if last >= frames:
        raise SourceUnreadable(f"{file.name}: has {frames} frames, and its labels speak of frame {last}")

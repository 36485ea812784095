"""Labelled material: pictures and clips with the boxes that somebody drew, and what their labels mean."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, FiniteFloat, TypeAdapter, ValidationError

from passerby.errors import SettingsError, SourceUnreadable
from passerby.measure.exposure import BoxPx
from passerby.read.photo import open_photo
from passerby.read.video import VIDEO_SUFFIXES, open_video
from passerby.regions import LABELS

IGNORED = "ignore"
"""A box that is neither counted nor held against us: what lies there is unknown."""

MEANINGS: Mapping[str, str] = {
    **dict.fromkeys(("head", "head_helmet", "helmet", "person_head"), "head"),
    **dict.fromkeys(("face", "good", "bad", "none", "with_mask", "without_mask", "mask_weared_incorrect"), "face"),
    **dict.fromkeys(("plate", "license_plate", "licence_plate", "number_plate", "license-plate"), "plate"),
    **dict.fromkeys(("person", "person_vbox", "body", "pedestrian"), "person"),
    **dict.fromkeys(("vehicle", "car", "truck", "bus", "motorcycle"), "vehicle"),
    **dict.fromkeys(("ignore", "invalid"), IGNORED),
    "text": "text",
}
"""What the labels of common sets mean: one of `regions.LABELS`, or `IGNORED`."""

BOXES_FILE = "boxes.json"
_CLIP_ENDING = ".boxes.json"
_FORM = '{"name.jpg": {"boxes": [[x1, y1, x2, y2, "label"], ...]}} or {"frames": [{"frame": 0, "boxes": [...]}]}'


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """What somebody saw: a box, and what is in it, of `regions.LABELS` or `IGNORED`."""

    box: BoxPx
    label: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One photo, or one clip.

    Attributes:
        name: in messages and results: the path in its set.
        path: where it is.
        clip: it is a video; a photo has one frame, 0.
        frames: the boxes of each labelled frame, by its number from 0. A frame may have none: nobody is in it.
        size: width and height that the labels were made for, in pixels of the upright picture, or None.
    """

    name: str
    path: Path
    clip: bool
    frames: Mapping[int, tuple[LabelledBox, ...]]
    size: tuple[int, int] | None = None

    @property
    def boxes(self) -> Iterator[LabelledBox]:
        """Those of all frames."""
        for boxes in self.frames.values():
            yield from boxes


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """What one file of boxes tells of."""

    name: str
    files: tuple[LabelledFile, ...]

    @property
    def labels(self) -> frozenset[str]:
        """What occurs in it, without what is ignored."""
        return frozenset(box.label for file in self.files for box in file.boxes) - {IGNORED}

    def matching(self, patterns: Iterable[str]) -> LabelledSet:
        """Those files whose names match one of the patterns, `*` and `?` as in a shell; no pattern, all of them."""
        asked = tuple(patterns)
        fits = (f for f in self.files if not asked or any(fnmatch.fnmatchcase(f.name, pattern) for pattern in asked))
        return replace(self, files=tuple(fits))

    def thinned(self, most: int) -> LabelledSet:
        """At most so many files, evenly chosen."""
        if len(self.files) <= most:
            return self
        return replace(self, files=tuple(self.files[index * len(self.files) // most] for index in range(most)))


_Box = (
    tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
    | tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat, str]
)


class _Picture(BaseModel):
    boxes: list[_Box]
    width: int | None = None
    height: int | None = None


class _Frame(BaseModel):
    frame: Annotated[int, Field(ge=0)]
    boxes: list[_Box]


class _Clip(BaseModel):
    frames: Annotated[list[_Frame], Field(min_length=1)]
    width: int | None = None
    height: int | None = None


_PICTURES = TypeAdapter(Annotated[dict[str, _Picture], Field(min_length=1)])


def read_set(path: Path, meanings: Mapping[str, str] | None = None, *, name: str | None = None) -> LabelledSet:
    """Read a file of boxes, or the `boxes.json` of a folder.

    Args:
        path: boxes of photos, whose names are relative to it; or of a clip that lies beside it: `street.mp4.boxes.json`
            or `street.json` for `street.mp4`.
        meanings: what labels mean besides `MEANINGS`, by theirs.
        name: what the set is called; by default as its folder, or as the clip.

    Raises:
        SettingsError: no such file, or a label whose meaning is unknown.
        SourceUnreadable: it is no file of boxes, or what it speaks of is not there.
    """
    if path.is_dir():
        path = path / BOXES_FILE
    known = {**MEANINGS, **(meanings or {})}
    content = _content(path)
    if isinstance(content, dict) and "frames" in content:
        clip = _clip(path, content, known)
        found = LabelledSet(name or clip.path.stem, (clip,))
    else:
        found = LabelledSet(name or path.resolve().parent.name, tuple(_photos(path, content, known)))
    missing = next((file for file in found.files if not file.path.is_file()), None)
    if missing is not None:
        raise SourceUnreadable(f"{path}: speaks of {missing.name}, and there is no such file; nothing was measured")
    return found


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: no such file; nothing was measured") from error
    except (OSError, ValueError) as error:
        raise SourceUnreadable(
            f"{path}: is no file of labelled boxes, it cannot be read as JSON; nothing was measured", hint=_hint()
        ) from error


def _photos(path: Path, content: Any, known: Mapping[str, str]) -> Iterator[LabelledFile]:
    try:
        pictures = _PICTURES.validate_python(content)
    except ValidationError as error:
        raise _no_boxes(path, error) from error
    for name, entry in pictures.items():
        frames = {0: _boxes(path, name, entry.boxes, known)}
        yield LabelledFile(name, path.parent / name, False, frames, _size(entry))


def _clip(path: Path, content: Any, known: Mapping[str, str]) -> LabelledFile:
    try:
        clip = _Clip.model_validate(content)
    except ValidationError as error:
        raise _no_boxes(path, error) from error
    video = _clip_of(path)
    frames = {entry.frame: _boxes(path, f"frame {entry.frame}", entry.boxes, known) for entry in clip.frames}
    return LabelledFile(video.name, video, True, frames, _size(clip))


def _clip_of(path: Path) -> Path:
    if path.name.endswith(_CLIP_ENDING):
        return path.with_name(path.name.removesuffix(_CLIP_ENDING))
    beside = sorted(other for other in path.parent.glob(f"{path.stem}.*") if other.suffix.lower() in VIDEO_SUFFIXES)
    if not beside:
        raise SourceUnreadable(
            f"{path}: tells the boxes of a clip, and no video called {path.stem} lies beside it; nothing was measured"
        )
    return beside[0]


def _size(entry: _Picture | _Clip) -> tuple[int, int] | None:
    return None if entry.width is None or entry.height is None else (entry.width, entry.height)


def _boxes(path: Path, where: str, given: Iterable[_Box], known: Mapping[str, str]) -> tuple[LabelledBox, ...]:
    return tuple(_box(path, where, box, known) for box in given)


def _box(path: Path, where: str, given: _Box, known: Mapping[str, str]) -> LabelledBox:
    x1, y1, x2, y2 = given[:4]
    label = given[4] if len(given) == 5 else ""
    if label not in known:
        what = f"the label {label!r}, which is not known" if label else "a box without a label"
        raise SettingsError(
            f"{path}: {where} has {what}; nothing was measured",
            hint=f"say what it means: --label {label}=head, or {', '.join((*LABELS[1:], IGNORED))}",
        )
    if x2 <= x1 or y2 <= y1:
        raise SourceUnreadable(f"{path}: a box of {where} has no area: {_numbers(given[:4])}; nothing was measured")
    return LabelledBox((x1, y1, x2, y2), known[label])


def _no_boxes(path: Path, error: ValidationError) -> SourceUnreadable:
    first = error.errors()[0]
    where = ", ".join(str(part) for part in first["loc"][:3] if not str(part).startswith("tuple"))
    what = first["msg"][0].lower() + first["msg"][1:]
    return SourceUnreadable(
        f"{path}: is no file of labelled boxes{f', at {where}' if where else ''}: {what}; nothing was measured",
        hint=_hint(),
    )


def _hint() -> str:
    return f"What is read is {_FORM}"


def _numbers(box: Iterable[float]) -> str:
    return ", ".join(f"{edge:g}" for edge in box)


def check_against_pictures(labelled: LabelledSet) -> None:
    """See that the labels belong to these pictures, before any work is done.

    Raises:
        SourceUnreadable: they were made for another size, or a box lies outside of its picture.
        SourceError: a picture cannot be opened.
    """
    for file in labelled.files:
        width, height = _upright_size(file)
        if file.size not in (None, (width, height)):
            made_for = "x".join(str(side) for side in file.size or ())
            raise SourceUnreadable(
                f"{file.name}: is {width}x{height} and its labels were made for {made_for}; nothing was measured"
            )
        for x1, y1, x2, y2 in (labelled.box for labelled in file.boxes):
            if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
                raise SourceUnreadable(
                    f"{file.name}: is {width}x{height}, and the box {_numbers((x1, y1, x2, y2))} lies outside of it; "
                    "nothing was measured"
                )


def _upright_size(file: LabelledFile) -> tuple[int, int]:
    if file.clip:
        with open_video(file.path, name=file.name) as video:
            return video.info.upright_size
    with open_photo(file.path, name=file.name) as photo:
        return photo.info.width, photo.info.height

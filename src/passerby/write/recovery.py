"""After a crash: unfinished segments are cut to their last whole part and get their name, or go."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from passerby.errors import OutputError
from passerby.live import SegmentInfo
from passerby.pending import hold, sync_folder
from passerby.write.notes import PartNote, SegmentNote, StoredFile, read_notes, segment_info
from passerby.write.segment_file import NOTES, UNFINISHED, beside
from passerby.write.stored import NotASegment, StoredPart, StoredSegment, is_sound, pictures_of, read_segment

_NAME = re.compile(r"(\d{8}T\d{6}\.\d{3})Z-([0-9a-f]{8})-\d+\.mp4")
_CHUNK_BYTES = 1 << 20


def recover(folder: Path, camera: str) -> list[tuple[SegmentInfo, Path]]:
    """Finish what a killed process left unfinished; what somebody is writing now is left alone.

    A segment keeps all parts that are whole, so that the last one at most is lost. What was painted comes from the
    notes; where those are lost, `copied_frames` is 0, `covered` is empty, and the segment is a recording of its own.

    Args:
        folder: of the archive.
        camera: its name.

    Returns:
        The segments that have got their final name, oldest first. Those without a whole part are gone.

    Raises:
        OutputError: the disk does not let go of a file or change it; all others are done.
    """
    found: list[tuple[SegmentInfo, Path]] = []
    failures: list[tuple[Path, OSError]] = []
    for path in _unfinished(folder / camera):
        try:
            info = _recover(folder, camera, path)
        except OSError as error:
            failures.append((path, error))
        else:
            found += [(info, path)] if info is not None else []
    for path, reason in failures:
        why = os.strerror(reason.errno or 0).lower()
        raise OutputError(f"{camera}: {path.name} cannot be recovered: {why}; it was left as it is") from reason
    return found


def _unfinished(folder: Path) -> list[Path]:
    """Final names of segments that are unfinished, oldest first; notes that belong to none are removed."""
    paths = []
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(NOTES):
                segment = Path(parent, name.removesuffix(NOTES))
                if not beside(segment, UNFINISHED).exists():
                    beside(segment, NOTES).unlink(missing_ok=True)
            elif name.endswith(UNFINISHED) and _NAME.fullmatch(name.removesuffix(UNFINISHED)):
                paths.append(Path(parent, name.removesuffix(UNFINISHED)))
    return sorted(paths)


def _recover(folder: Path, camera: str, path: Path) -> SegmentInfo | None:
    """The segment under its final name, or None when it is somebody else's or gone."""
    unfinished = beside(path, UNFINISHED)
    with unfinished.open("rb+") as file:
        if not hold(file):
            return None
        stored = _sound_part_of(file)
        if stored is None:
            unfinished.unlink()
            beside(path, NOTES).unlink(missing_ok=True)
            return None
        file.truncate(stored.end)
        os.fsync(file.fileno())
        info = _describe(file, stored, camera, path, path.relative_to(folder).as_posix())
        unfinished.rename(path)
    sync_folder(path.parent)
    beside(path, NOTES).unlink(missing_ok=True)
    return info


def _sound_part_of(file: BinaryIO) -> StoredSegment | None:
    """What can be played: up to the last whole part before the first that holds anything but pictures."""
    try:
        stored = read_segment(file)
    except NotASegment:
        return None
    sound: list[StoredPart] = []
    for part in stored.parts:
        if not all(is_sound(sample, data) for sample, data in pictures_of(file, part)):
            break
        sound.append(part)
    if not sound or not sound[0].samples[0].keyframe:
        return None
    return replace(stored, parts=tuple(sound), end=sound[-1].end)


def _describe(file: BinaryIO, stored: StoredSegment, camera: str, path: Path, relative: str) -> SegmentInfo:
    segment, written = _notes(path)
    known = segment is not None and segment.camera == camera
    width, height = stored.track.shown_size
    return segment_info(
        segment if segment is not None and known else _from_name(camera, path),
        _parts(stored, written if known else []),
        StoredFile(relative, stored.end, _digest(file), stored.track.codec, width, height),
    )


def _notes(path: Path) -> tuple[SegmentNote | None, list[PartNote]]:
    try:
        with beside(path, NOTES).open(encoding="utf-8", errors="replace") as lines:
            return read_notes(lines)
    except OSError:
        return None, []


def _parts(stored: StoredSegment, written: Sequence[PartNote]) -> list[PartNote]:
    """The notes of the parts that are there; what boxes tell is taken from the boxes."""
    notes: list[PartNote] = []
    for number, part in enumerate(stored.parts):
        told = PartNote(part.duration / stored.track.timescale, len(part.samples))
        note = written[number] if number < len(written) else told
        notes.append(replace(note, duration_s=told.duration_s) if note.frames == told.frames else told)
    return notes


def _from_name(camera: str, path: Path) -> SegmentNote:
    """What the name alone tells. Where the segment stands in its recording is not known, so it gets one of its own."""
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise ValueError("only files that are named as segments get here")
    begins_at = datetime.strptime(name[1], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    own = hashlib.sha256(path.name.encode()).hexdigest()
    return SegmentNote(camera, name[2] + own[:24], begins_at, 0.0)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()

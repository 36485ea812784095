"""Questions about files and models that redact nothing: what is in a file, is a copy sound, which models are there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from passerby.batch.planning import STATE_FOLDER
from passerby.check.photo_readback import read_back_photo
from passerby.check.readback import ExpectedVideo, read_back_video
from passerby.check.report import Report
from passerby.check.second_look import SecondLook, Standing
from passerby.detect.ensemble import Ensemble
from passerby.detect.runtime import available_providers
from passerby.detect.zoo import zoo
from passerby.errors import SettingsError, SourceUnreadable
from passerby.media import Frame
from passerby.pipeline.choosing import second_detector
from passerby.read.photo import is_photo, open_photo, pictures_of
from passerby.read.probe import Probe, probe
from passerby.read.video import open_video, picture_of
from passerby.regions import Regions
from passerby.settings import Settings
from passerby.write.video import container_of

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What reading a finished file back showed.

    Attributes:
        name: the file's.
        compared_with: the original's name, or None: then only the file itself could be examined.
        frames: frames that were decoded.
        looked_at: frames that were looked at.
        problems: what is wrong with the file, in words.
        standing: what looks like a face or a plate in it.
    """

    name: str
    compared_with: str | None
    frames: int
    looked_at: int
    problems: tuple[str, ...]
    standing: tuple[Standing, ...]

    @property
    def sound(self) -> bool:
        """Whether there is nothing to complain of."""
        return not self.problems and not self.standing


def check_file(file: Path, original: Path | None) -> Findings:
    """Read a finished copy back and look at it.

    Raises:
        SettingsError: a file is missing, or the copy is the original.
        SourceError: a file cannot be opened.
        RedactionIncomplete: the detector failed.
    """
    for path in filter(None, (file, original)):
        if not path.is_file():
            raise SettingsError(f"{path}: no such file; nothing was checked")
    if original is not None and file.samefile(original):
        raise SettingsError(f"{file.name}: the copy is the original; nothing was checked")
    return _check_photo(file, original) if is_photo(file) else _check_video(file, original)


def _check_photo(file: Path, original: Path | None) -> Findings:
    with open_photo(original or file) as photo:
        expected = photo.info
    problems = read_back_photo(file, expected, source=original)
    with open_photo(file) as copy:
        second = SecondLook(
            second_detector(Settings()), _nothing_planned, pts=range(copy.info.frame_count), name=file.name
        )
        frames = 0
        for frame in copy.frames():
            frames += 1
            if frame.pts in second.sample:
                second.look_at_picture(pictures_of(frame)[-1], frame.pts)
    return _findings(file, original, frames, problems, second)


def _check_video(file: Path, original: Path | None) -> Findings:
    with open_video(original or file) as video:
        pts = np.array([frame.pts for frame in video.frames()], np.int64)
        info = video.info
    codec = open_video(file).info.codec  # which one to write was free to choose
    container, audio_kept = container_of(file), _audio_was_kept(file)
    expected = ExpectedVideo.copy_of(info, container=container, codec=codec, pts=pts, audio_kept=audio_kept)
    second = SecondLook(
        second_detector(Settings()), _nothing_planned, pts=pts, time_base=info.time_base, name=file.name
    )
    frames = 0

    def on_frame(index: int, frame: Frame) -> None:
        nonlocal frames
        frames += 1
        if index in second.sample:
            second.look_at_picture(picture_of(frame), int(pts[index]))

    problems = read_back_video(file, expected, on_frame=on_frame)
    return _findings(file, original, frames, problems, second)


def _second_detector() -> Ensemble:
    """What looks where nobody says what was to be covered."""
    return second_detector(Settings(cover=("head", "plate")))


def _audio_was_kept(file: Path) -> bool:
    """Whether the report of the run that made the file says so; without one, sound has no business in it."""
    state = file.parent / STATE_FOLDER / f"{file.name}.json"
    try:
        return state.exists() and Report.load(state).settings.get("audio") == "keep"
    except SettingsError:
        return False


def _nothing_planned(_: int) -> Regions:
    return Regions()


def _findings(file: Path, original: Path | None, frames: int, problems: list[str], second: SecondLook) -> Findings:
    against = original.name if original is not None else None
    return Findings(file.name, against, frames, second.looked_at, tuple(problems), tuple(second.standing))


def contents_of(file: Path) -> Facts:
    """What is in a photo or video, as words and numbers that JSON knows; names of tags, never their values.

    Raises:
        SourceError: it cannot be opened.
    """
    if not file.is_file():
        raise SourceUnreadable(f"{file}: no such file")
    return _photo_contents(file) if is_photo(file) else _video_contents(probe(file))


def _photo_contents(file: Path) -> Facts:
    with open_photo(file) as photo:
        info = photo.info
    return {
        "file": info.name,
        "kind": "photo",
        "format": info.format,
        "size": f"{info.width}x{info.height}",
        "mode": info.mode,
        "bits": info.bits,
        "frames": info.frame_count,
        "would go": [*info.dropped, *info.metadata],
    }


def _video_contents(found: Probe) -> Facts:
    info, timing, gops = found.info, found.timing, found.gops
    return {
        "file": info.name,
        "kind": "video",
        "container": info.container,
        "streams": list(found.streams),
        "chosen": f"stream {info.stream_index}: {found.chosen_because}",
        "codec": f"{info.codec} {info.profile}".strip(),
        "size": f"{info.width}x{info.height}",
        "turned": info.orientation.name.lower().replace("_", " "),
        "sample aspect": str(info.sample_aspect),
        "pixels": f"{info.pixel_format}, {info.bits} bits" + (", interlaced" if info.interlaced else ""),
        "colour": asdict(info.colour),
        "rate": f"{float(info.rate_fps or Fraction(0)):.3f} fps, {'variable' if timing.variable else 'constant'}",
        "frames": info.frame_count,
        "starts at": _rounded(timing.start_s),
        "ends at": _rounded(timing.end_s),
        "time base": str(info.time_base),
        "hidden by an edit list": timing.hidden_packets,
        "before the first keyframe": timing.lead_in_packets,
        "closed GOPs": f"{gops.count}, of {gops.shortest} to {gops.longest} frames, {gops.copyable} could be copied",
        "not copied because": list(gops.reasons),
        "cut off": found.cut.truncated,
        "would go": [*info.dropped, *info.metadata, *found.messages],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def models_here() -> list[Facts]:
    """The zoo, and where each model would run on this machine."""
    return [
        {
            "name": entry.name,
            "finds": ", ".join(entry.finds),
            "licence": entry.licence,
            "sha256": entry.sha256,
            "runs on": list(available_providers()),
            "card": entry.card,
        }
        for entry in zoo()
    ]

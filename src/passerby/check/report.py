"""What was found and done to one file, as JSON: boxes and times, never pixels, never dates.

Every field says itself what it means; `docs/reference/report.schema.json` is made from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from passerby.errors import SettingsError
from passerby.pending import write_durably

FORMAT: Final = "passerby.report/1"

Verdict = Literal["done", "done-with-warnings", "withheld", "refused", "failed"]
Why = Literal["uncovered", "faint", "gap", "unseen", "second-look", "through"]

MOMENTS_AT_MOST = 200
"""Moments worth a person's look that are listed; the report says how many there were."""


def _without_folders(name: str) -> str:
    if "/" in name or "\\" in name:
        raise ValueError("a file name without folders is wanted")
    return name


FileName = Annotated[str, AfterValidator(_without_folders)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Box = tuple[float, float, float, float]


class _Part(BaseModel):
    """Values of exactly these types, unknown keys refused, no infinities."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class InputFile(_Part):
    """The file that was read."""

    name: FileName = Field(description="File name, without its folder.")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of its bytes; null where it could not be read.")
    size_bytes: Count | None = Field(default=None, description="Size in bytes; null where it could not be read.")
    kind: Literal["photo", "video", "unknown"] = Field(description="What it turned out to be.")


class OutputFile(_Part):
    """The file that was written."""

    name: FileName = Field(description="File name, without its folder.")
    sha256: Sha256 = Field(description="SHA-256 of its bytes.")
    size_bytes: Count = Field(description="Size in bytes.")
    container: str = Field(description="Container of a video, format of a photo.")
    codec: str = Field(default="", description="Codec of the video; empty for a photo.")
    encoder: str = Field(default="", description="What encoded it; empty where everything was copied.")


class Model(_Part):
    """A model that looked at the pictures."""

    name: str = Field(description="Its name in the zoo.")
    sha256: Sha256 = Field(description="SHA-256 of the model's file.")
    provider: str = Field(description="What it ran on: cpu, cuda, ...")


class LookCounts(_Part):
    """How closely the frames were looked at the first time; together as many as there are frames."""

    whole: Count = Field(default=0, description="Looked at everywhere.")
    part: Count = Field(default=0, description="Looked at where they differ from their neighbours.")
    carried: Count = Field(default=0, description="They differ nowhere from their neighbours, which speak for them.")
    unseen: Count = Field(default=0, description="Damaged, or the detector failed: painted whole.")


class Corner(_Part):
    """Where a track is at one moment."""

    pts: int = Field(description="PTS of the frame.")
    time_s: float = Field(description="The same in seconds.")
    box: Box = Field(description="x1, y1, x2, y2 in pixels of the upright frame, before the margin.")


class TrackSummary(_Part):
    """One head, face or plate through time, within this file."""

    label: str = Field(description="What it is.")
    first: Corner = Field(description="Where it begins, grown end included.")
    middle: Corner = Field(description="Where it is half-way through its frames.")
    last: Corner = Field(description="Where it ends, grown end included.")
    seen: Count = Field(description="Frames in which a detection stands behind it.")
    filled: Count = Field(description="Frames in which it was filled in, grown or carried.")
    mean_score: Share = Field(description="Mean score of the detections behind it.")
    best_score: Share = Field(description="Highest score of the detections behind it.")


class Gaps(_Part):
    """Stretches between two sightings of a track that were filled in."""

    count: Count = Field(default=0, description="How many.")
    frames: Count = Field(default=0, description="Frames in all of them together.")
    longest_s: Seconds = Field(
        default=0.0, description="From the sighting before the longest to the one after it, in seconds."
    )


class Moment(_Part):
    """A moment worth a person's look."""

    time_s: float = Field(description="When, in seconds of the video.")
    pts: int = Field(description="PTS of the frame.")
    box: Box | None = Field(description="x1, y1, x2, y2 in pixels of the upright frame; null: the whole frame.")
    score: Share | None = Field(description="Score of the detection; null where there is none.")
    why: Why = Field(
        description="uncovered: below the threshold and no track supports it, so it is not painted; "
        "faint: painted, on weak grounds; gap: painted over a long time without a sighting; "
        "unseen: nobody looked, painted whole; second-look: found in the finished file, outside of what is painted; "
        "through: found in the finished file inside of what should be painted."
    )


class SecondLookResult(_Part):
    """The second look at the finished file."""

    looked_at: Count = Field(description="Frames that were looked at.")
    scale: float = Field(gt=0, description="Size at which they were looked at.")
    mirrored: bool = Field(description="Whether their mirror images were looked at.")
    threshold: Share = Field(description="Least score that counted.")
    standing: tuple[Moment, ...] = Field(default=(), description="What was found left standing.")


class Report(_Part):
    """What was found and done to one file."""

    format: Literal["passerby.report/1"] = Field(default=FORMAT, description="Format and version of this report.")
    passerby: str = Field(description="Version of passerby.")
    verdict: Verdict = Field(
        description="done; done-with-warnings: written, and something in this report wants a look; "
        "withheld: looked at and not written; refused: the input cannot be used; failed: anything else."
    )
    reason: str = Field(default="", description="Why the copy was withheld, refused or failed, in one sentence.")
    incomplete_because: str = Field(
        default="",
        description="Why the copy holds less than was asked for, in one sentence; empty where it holds everything.",
    )
    input: InputFile = Field(description="What was read.")
    output: OutputFile | None = Field(default=None, description="What was written; null where nothing was.")
    settings: dict[str, Any] = Field(description="The settings, all of them.")
    settings_sha256: Sha256 = Field(description="Fingerprint of the settings that change what is written.")
    plan_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of the plan's file that was painted from or written; null if there is none."
    )
    models: tuple[Model, ...] = Field(default=(), description="What looked.")
    libraries: dict[str, str] = Field(default={}, description="Versions of the libraries, by name.")
    frames: Count = Field(default=0, description="Frames read, 1 for a photo.")
    frames_covered: Count = Field(default=0, description="Frames in which something is painted, whole ones included.")
    frames_covered_whole: Count = Field(default=0, description="Frames that are painted whole.")
    regions: Count = Field(default=0, description="Regions painted, over all frames.")
    regions_by_label: dict[str, Count] = Field(default_factory=dict, description="The same, by what was covered.")
    gops_copied: Count = Field(default=0, description="GOPs copied as they were.")
    gops_encoded: Count = Field(default=0, description="GOPs encoded anew.")
    looks: LookCounts = Field(default=LookCounts(), description="How closely the frames were looked at.")
    tracks: tuple[TrackSummary, ...] = Field(
        default=(), description="Who was followed, in the order in which they appear."
    )
    gaps: Gaps = Field(default=Gaps(), description="Gaps that were filled.")
    moments: tuple[Moment, ...] = Field(
        default=(), max_length=MOMENTS_AT_MOST, description="Moments worth a person's look, in order of time."
    )
    moments_found: Count = Field(default=0, description="How many there were before the list was cut.")
    damage: tuple[str, ...] = Field(default=(), description="What of the input is damaged, in words.")
    dropped: tuple[str, ...] = Field(default=(), description="What of the input is not in the output, in words.")
    stated: tuple[str, ...] = Field(default=(), description="What was done otherwise than might be expected, in words.")
    second_look: SecondLookResult | None = Field(default=None, description="Null where it did not come to one.")
    problems: tuple[str, ...] = Field(default=(), description="What the check of the finished file found, in words.")
    timings_s: dict[str, Seconds] = Field(default={}, description="Seconds spent, by stage.")

    @property
    def complete(self) -> bool:
        """Whether a copy was written that holds everything that was asked for."""
        return self.output is not None and not self.incomplete_because

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        write_durably(path, (self.model_dump_json(indent=2) + "\n").encode())

    @staticmethod
    def load(path: Path) -> Report:
        """Read a report that `save` wrote.

        Raises:
            SettingsError: it cannot be read, or is not a report of this version.
        """
        try:
            return Report.model_validate_json(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"{path.name}: the report cannot be read: {error.strerror}") from error
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "all of it"
            raise SettingsError(f"{path.name} is not a report of format {FORMAT}: {where} does not fit") from None


def report_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a report."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Report.model_json_schema(mode="serialization")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 lower-case hexadecimal digits; memory does not grow with it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settings_fingerprint(settings: Mapping[str, Any]) -> str:
    """SHA-256 of settings (values that JSON knows), the same in whatever order they stand."""
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of the libraries that had a part in the result, as far as they are installed under these names."""
    from importlib.metadata import PackageNotFoundError, version

    from av import ffmpeg_version_info

    versions = {"ffmpeg": ffmpeg_version_info}
    for name in ("av", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "pillow-heif"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions

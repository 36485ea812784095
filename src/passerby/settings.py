"""What a user may set. Unknown keys are refused; each stage gets the part it needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from passerby.errors import SettingsError
from passerby.regions import MARGINS

Covered = Literal["head", "face", "plate", "person", "text", "motion"]
Relative = Annotated[float, Field(ge=0, le=1)]
PolygonPoints = tuple[tuple[Relative, Relative], ...]


def by_label(given: Any) -> Any:
    """Margins by label, of one number for all of them, or of a text: `0.2`, or `head=0.2,plate=0.3`."""
    if isinstance(given, str) and "=" in given:
        pairs = (part.partition("=") for part in given.split(","))
        return {label.strip(): number.strip() for label, _, number in pairs}
    return dict.fromkeys(MARGINS, given) if isinstance(given, (int, float, str)) else given


class Settings(BaseModel):
    """What a user may set for one run. Everything has a default that is safe to publish with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cover: tuple[Covered, ...] = Field(
        default=("head", "plate"), min_length=1, description="What is looked for and covered."
    )
    style: Literal["fill", "black", "frost"] = Field(default="fill", description="How it is covered.")
    margin: Annotated[dict[Covered, Annotated[float, Field(ge=0, le=2)]], BeforeValidator(by_label)] = Field(
        default_factory=dict,
        description="How much a box grows on every side before it is painted, as a share of it: a number for all that "
        "is covered, or some by name. What is not named grows as much as was measured to be enough.",
    )
    thorough: bool = Field(default=False, description="Look at every frame of a video at full size.")
    keep: tuple[PolygonPoints, ...] = Field(
        default=(), description="Parts of the picture that stay as they are: what lies wholly inside is not covered."
    )
    only: tuple[PolygonPoints, ...] = Field(
        default=(),
        description="The only parts of the picture where something is covered; what touches one of them counts.",
    )
    audio: Literal["drop", "keep"] = Field(
        default="drop", description="Voices identify people: sound goes, unless kept."
    )
    codec: Literal["auto", "h264", "hevc", "av1"] = Field(
        default="auto", description="Of videos. auto: H.264; HEVC where 10 bits have to be kept."
    )
    quality: Literal["small", "good", "high", "near-lossless"] = Field(
        default="good", description="Of what is encoded anew."
    )
    speed: Literal["fastest", "fast", "balanced", "thorough"] = Field(
        default="fast", description="Of the video encoder; slower ones make smaller files."
    )
    hardware: str | None = Field(
        default=None, description="Encode on this hardware: nvenc, qsv, vaapi, videotoolbox, amf."
    )
    copy_clear: bool = Field(
        default=True, description="Copy the packets of GOPs in which nothing is covered; off, everything is encoded."
    )
    salvage: bool = Field(default=False, description="Write what can be read of a damaged or cut-off file.")
    provider: Literal["auto", "cpu", "cuda", "coreml", "directml", "openvino"] = Field(
        default="auto", description="What the detector runs on."
    )
    max_megapixels: float | None = Field(
        default=None, gt=0, description="Larger pictures are refused; unset, it is 200 for photos and 50 for videos."
    )
    max_frames: int = Field(default=10_000, gt=0, description="Animations with more frames are refused.")
    max_hours: float = Field(default=6, gt=0, description="Videos longer than this are refused.")

    @property
    def margins(self) -> dict[str, float]:
        """What is covered, and by how much a box of each grows on every side, as a share of its width and height."""
        return {label: self.margin.get(label, MARGINS[label]) for label in self.cover}

    @staticmethod
    def of(**values: Any) -> Settings:
        """Settings from values that a person wrote.

        Raises:
            SettingsError: a value is not allowed; the message names it, what was given and what is allowed.
        """
        try:
            return Settings(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            given = first.get("input")
            raise SettingsError(f"{key} is {given!r}: {first['msg'][0].lower()}{first['msg'][1:]}") from error

    def fingerprinted(self) -> dict[str, Any]:
        """The settings that change what is written; limits, hardware and what counts as good enough do not."""
        return self.model_dump(
            mode="json", exclude={"salvage", "max_megapixels", "max_frames", "max_hours", "provider"}
        )

"""What may be set for one camera."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from passerby.serve.town_areas import Areas
from passerby.settings import Covered, Settings, by_label

DEMO_URL = "demo:"
"""The built-in camera: a drawn street, made here; see `serve.demo`."""

LONG_RETENTION_H = 720
"""Over so many hours of storage, somebody has to say why."""

LEAST_DELAY_S = 1.0
"""Of a camera with two streams: both have to be there before a picture is painted."""

PLAIN_SITE = "town"
"""The site of cameras that name none."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$", description="a-z, 0-9 and -")]

_SECRET_KEY = re.compile(r"pass|pwd|psw|token|secret|auth|key", re.IGNORECASE)


class Part(BaseModel):
    """A table of the file; keys that it does not have are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


class CameraSettings(Part):
    """One camera. Its user and password never stand here."""

    name: Name = Field(description="By which everything names it, folders included: a-z, 0-9 and -.")
    title: str = Field(default="", max_length=120, description="As people read it; unset, the name.")
    site: Name = Field(default=PLAIN_SITE, description="The place that it belongs to.")
    url: str = Field(
        min_length=1,
        description="`rtsp://`, `rtsps://`, `http://` or `https://` without user and password, `/dev/video0`, a file "
        "that is played as a camera, or `demo:` for the built-in one.",
    )
    look_url: str = Field(
        default="",
        description="A second, smaller stream of the same camera to look at: the first one is decoded only where "
        "something is painted. Address, credentials and transport as for `url`; see "
        "[a smaller stream to look at](cameras.md#a-smaller-stream-to-look-at). Unset, `url` is looked at.",
    )
    transport: Literal["tcp", "udp"] = Field(default="tcp", description="How RTSP carries pictures.")
    enabled: bool = Field(default=True, description="Off, it is neither connected nor recorded.")
    cover: tuple[Covered, ...] = Field(
        default=("head", "plate"), min_length=1, description="What is looked for and covered."
    )
    style: Literal["fill", "black", "frost"] = Field(default="fill", description="How it is covered.")
    margin: Annotated[dict[Covered, Annotated[float, Field(ge=0, le=2)]], BeforeValidator(by_label)] = Field(
        default_factory=dict, description="How much a box grows on every side before it is painted, as a share of it."
    )
    keep: Areas = Field(
        default=(),
        description="Parts of the picture that stay as they are: what lies wholly inside is not covered, faces "
        "included. A text of points as shares of width and height each; two are corners of a rectangle.",
    )
    only: Areas = Field(
        default=(),
        description="The only parts of the picture where something is covered; what touches one of them counts.",
    )
    quality: Literal["small", "good", "high", "near-lossless"] = Field(
        default="good", description="Of what is encoded anew."
    )
    speed: Literal["fastest", "fast", "balanced", "thorough"] = Field(
        default="fastest", description="Of the encoder; slower ones make smaller files, and take more of the machine."
    )
    delay_s: float = Field(
        default=2.0, ge=0, le=30, description="Held in memory, so that a head found late is covered before that, too."
    )
    segment_s: float = Field(default=30.0, ge=10, le=60, description="Length of the stored files.")
    timeout_s: float = Field(default=10.0, ge=1, le=600, description="Silence after which the camera counts as lost.")
    watchdog_s: float = Field(
        default=45.0, ge=10, le=3600, description="Nothing playable stored for so long, and its process starts anew."
    )
    memory_mb: int = Field(
        default=1500,
        ge=200,
        description="Above it the process starts anew at a segment's end, above 1.5 times at once.",
    )
    retention_h: float = Field(
        default=72.0, gt=0, description=f"Older recordings are erased. More than {LONG_RETENTION_H} h need a reason."
    )
    retention_reason: str = Field(default="", max_length=2000, description="Why recordings are kept for so long.")
    quota_gb: float | None = Field(
        default=None, gt=0, description="Of recordings (10^9 bytes each); the oldest go first. Unset, no limit."
    )
    latitude: float | None = Field(default=None, ge=-90, le=90, description="Of its place, in degrees (WGS 84).")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="Likewise.")
    heading_deg: float | None = Field(default=None, ge=0, lt=360, description="Where it looks; 0 is north, 90 east.")
    angle_deg: float | None = Field(default=None, gt=0, le=360, description="How wide it sees.")
    reach_m: float | None = Field(default=None, gt=0, le=5000, description="How far it sees, in metres.")
    operator: str = Field(default="", max_length=300, description="Who runs it; for its public page.")
    purpose: str = Field(default="", max_length=2000, description="What it is for; for its public page.")
    contact: str = Field(default="", max_length=300, description="Whom to ask; for its public page.")

    @field_validator("url", "look_url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:  # whose words may quote the address
            raise ValueError("is no address") from None
        if "@" in parts.netloc:
            raise ValueError("user and password belong into the file of credentials, not into the address")
        if any(_SECRET_KEY.search(key) for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
            raise ValueError("what is secret in the address belongs into the file of credentials, as query")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.retention_h > LONG_RETENTION_H and not self.retention_reason:
            raise ValueError(f"retention_h is over {LONG_RETENTION_H} (30 days): say why in retention_reason")
        if self.watchdog_s < self.delay_s + self.timeout_s:
            raise ValueError("watchdog_s must be at least delay_s and timeout_s together")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude go together")
        if self.look_url and (self.look_url == DEMO_URL or self.look_url == self.url):
            raise ValueError("look_url is a second, smaller stream of the camera, not the one in url, and not demo:")
        if self.look_url and self.delay_s < LEAST_DELAY_S:
            raise ValueError(f"look_url needs a delay_s of at least {LEAST_DELAY_S:g}: the streams come at two times")
        return self

    @property
    def shown(self) -> str:
        """Its title, or its name where it has none."""
        return self.title or self.name

    @property
    def for_process(self) -> dict[str, Any]:
        """What its process has to know; it starts anew when this changes."""
        return self.model_dump(exclude=_FOR_PEOPLE)

    @property
    def redaction(self) -> Settings:
        """The part of the settings that stages of the engine need."""
        return Settings(
            cover=self.cover,
            style=self.style,
            margin=self.margin,
            keep=self.keep,
            only=self.only,
            quality=self.quality,
            speed=self.speed,
        )


_FOR_PEOPLE = {
    *("title", "site", "operator", "purpose", "contact", "latitude", "longitude", "heading_deg", "angle_deg"),
    *("reach_m", "retention_h", "retention_reason", "quota_gb"),
}
"""Settings that change what is shown and how long recordings stay, not what the process of a camera does."""

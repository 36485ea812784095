"""What the interface for programs answers: every field is in the OpenAPI, and none holds an address or a password."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from passerby.live import CameraState
from passerby.serve.permissions import Role

Share = Annotated[float, Field(ge=0, le=1, description="Of the picture, mean over time; 1 is painted whole.")]


class Answer(BaseModel):
    """One of them; made from the value of the engine that has the same fields."""

    model_config = ConfigDict(from_attributes=True)


class ErrorText(Answer):
    """What went wrong, for people."""

    message: str = Field(description="One sentence without a full stop.")
    hint: str | None = Field(description="What to do next, or null.")


class ErrorAnswer(Answer):
    """The body of every answer from 400 on."""

    error: ErrorText


class Figures(Answer):
    """Figures of a camera; counts are since its process started."""

    fps: float = Field(description="Frames that arrived in the last second.")
    frames: int
    dropped: int = Field(description="Frames left out because the machine could not keep up.")
    covered_whole: int = Field(description="Frames painted whole.")
    looks: int = Field(description="Looks of the detector.")
    look_s: float = Field(description="Mean time of the last looks, in seconds.")
    covered_share: float = Field(description="Painted share of the picture in the last second, 0 to 1.")
    delay_s: float = Field(description="From arrival to written, in the last second.")
    reconnects: int
    bytes_in: int
    bytes_written: int
    copied_gops: int = Field(description="GOPs stored as the camera sent them.")
    encoded_gops: int = Field(description="GOPs painted and encoded.")
    waiting_bytes: int = Field(description="Held in memory until the delay has passed.")
    memory_bytes: int = Field(description="Of the camera's process.")


class Camera(Answer):
    """A camera, as everybody may know it who sees its site."""

    name: str
    title: str = Field(description="As people read it.")
    site: str
    enabled: bool
    state: CameraState
    since: datetime = Field(description="When that state began.")
    why: str = Field(description="One sentence, or empty when all is well.")
    last_segment_at: datetime | None
    width: int = Field(description="In pixels; 0 until it is known.")
    height: int
    codec: str
    delay_s: float = Field(description="How far behind live pictures are, on purpose.")
    latitude: float | None
    longitude: float | None
    heading_deg: float | None
    angle_deg: float | None
    reach_m: float | None
    figures: Figures


class CameraList(Answer):
    """Cameras that the caller may see, in the order of the settings."""

    cameras: list[Camera]


class LookStream(Answer):
    """What the smaller stream showed."""

    width: int
    height: int
    rate_fps: float
    shows: Literal["same", "other", "unknown"] = Field(description="Compared with the main stream.")


class Trial(Answer):
    """What a camera showed when it was tried."""

    codec: str
    width: int
    height: int
    rate_fps: float
    gop_s: float | None
    clock_offset_s: float | None = Field(description="The camera's clock less ours.")
    why_not_copied: str = Field(description="Why clear GOPs cannot be stored as they come; empty where they can.")
    covered: list[str] = Field(description="What was covered in the picture, by label.")
    look: LookStream | None = Field(description="Its smaller stream; null where none was tried.")
    still: str = Field(description="A redacted picture, JPEG, in base64.")


class TimelineSpan(Answer):
    """A stretch of time that was recorded."""

    begins_at: datetime
    ends_at: datetime
    covered_share: Share


class Timeline(Answer):
    """When a camera recorded; what lies between the spans was not recorded."""

    camera: str
    begins_at: datetime
    ends_at: datetime
    spans: list[TimelineSpan]


class Second(Answer):
    """How much was painted in one second of a segment."""

    at_s: float = Field(description="From the start of the segment.")
    share: Share


class Segment(Answer):
    """A stored file."""

    id: int
    recording: str = Field(description="Segments of one recording follow each other without a gap.")
    begins_at: datetime
    ends_at: datetime
    media_start_s: float = Field(description="From the start of the recording.")
    duration_s: float
    frames: int
    copied_frames: int
    covered_share: Share
    covered: list[Second]
    size_bytes: int
    sha256: str
    codec: str = Field(description="As in RFC 6381.")
    width: int
    height: int


class SegmentList(Answer):
    """Segments that hold something of the time asked for, oldest first."""

    camera: str
    segments: list[Segment]
    more: bool = Field(description="There are more; ask again from where the last one ends.")


class Usage(Answer):
    """What one camera's recordings take."""

    camera: str
    segments: int
    size_bytes: int
    oldest_at: datetime
    newest_at: datetime


class Storage(Answer):
    """The disk, and what is on it."""

    free_bytes: int
    floor_bytes: int = Field(description="Below this, the oldest recordings go.")
    trouble: str = Field(description="Why recordings that are due were not erased, or empty when they were.")
    cameras: list[Usage]


class ErasureEntry(Answer):
    """What was erased on one day (UTC) from one camera, for one reason; `at` is the last time."""

    camera: str
    begins_at: datetime
    ends_at: datetime
    segments: int
    size_bytes: int
    why: str
    at: datetime


class ErasureList(Answer):
    """Latest first."""

    erasures: list[ErasureEntry]


class Me(Answer):
    """Who is logged in."""

    account: str
    role: Role
    sites: list[str] | None = Field(description="Null is the whole town.")
    permissions: list[str]
    form_token: str = Field(description="To send as X-CSRF-Token with what changes something; empty for API tokens.")


class AccountEntry(Answer):
    """An account."""

    name: str
    role: Role
    sites: list[str] | None = Field(description="Null is the whole town.")
    from_file: bool = Field(description="It stands in the settings file and is changed there.")
    created_at: datetime
    last_login_at: datetime | None


class AccountList(Answer):
    """All accounts, by name."""

    accounts: list[AccountEntry]


class OneTimeLink(Answer):
    """To be handed to whom it is for; it works once."""

    path: str = Field(description="To put behind the address of this server.")
    valid_h: int


class TokenEntry(Answer):
    """An API token; its secret cannot be looked up."""

    id: int
    account: str
    label: str
    role: Role
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class TokenList(Answer):
    """Newest first."""

    tokens: list[TokenEntry]


class NewToken(TokenEntry):
    """A token that was just made."""

    secret: str = Field(description="Shown this once.")


class LogLine(Answer):
    """Who did what."""

    at: datetime
    who: str
    action: str
    subject: str
    note: str


class LogPage(Answer):
    """Newest first."""

    entries: list[LogLine]


class Health(Answer):
    """Whether the server does its work."""

    status: Literal["ok", "not ok"]

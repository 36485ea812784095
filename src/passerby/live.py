"""What is told of a live camera: its state, its figures, and what it leaves behind.

Instants are aware UTC datetimes; media times are seconds from the start of a recording or segment. The two never mix.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class CameraState(StrEnum):
    """How a camera is, in one word that is the same everywhere."""

    STARTING = "starting"
    LEARNING = "learning"
    LIVE = "live"
    DEGRADED = "degraded"
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CoveredSecond:
    """How much of the picture was painted in one second.

    Attributes:
        at_s: where the second begins, from the start of its segment.
        share: of the picture, from 0 to 1; 1 is painted whole.
    """

    at_s: float
    share: float


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A finished segment, as the catalogue stores it.

    Attributes:
        camera: its name.
        recording: the unbroken run of segments that it belongs to, 32 hexadecimal digits.
        path: below the archive's folder, with slashes.
        begins_at: when its first frame arrived.
        ends_at: when its last frame ended.
        media_start_s: from the start of the recording.
        duration_s: in media time.
        frames: how many.
        copied_frames: those that are as the camera sent them.
        covered_share: painted share of the picture, the mean over time, from 0 to 1.
        covered: the same for each second.
        size_bytes: of the file.
        sha256: of the file, 64 lower-case hexadecimal digits.
        codec: as in RFC 6381 ("avc1.64001f").
        width: of the picture, in pixels.
        height: likewise.
    """

    camera: str
    recording: str
    path: str
    begins_at: datetime
    ends_at: datetime
    media_start_s: float
    duration_s: float
    frames: int
    copied_frames: int
    covered_share: float
    covered: tuple[CoveredSecond, ...]
    size_bytes: int
    sha256: str
    codec: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LivePart:
    """A piece of fragmented MP4 for who watches: `init` once for each recording, then a `part` of at most a second.

    Attributes:
        kind: which of the two.
        data: its bytes; nothing in them that was not redacted.
        keyframe: it begins with one, so that a viewer can start here.
        codec: as in RFC 6381.
        at: when its first frame arrived.
        media_s: its first frame, from the start of the recording.
        recording: 32 hexadecimal digits.
    """

    kind: Literal["init", "part"]
    data: bytes = field(repr=False)
    keyframe: bool
    codec: str
    at: datetime
    media_s: float
    recording: str


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """Figures of one camera; counts are since its process started.

    Attributes:
        fps: frames that arrived in the last second.
        frames: that were written.
        dropped: that were left out before anything was painted, because the machine could not keep up.
        covered_whole: that were painted whole.
        looks: of the detector.
        look_s: mean time of the last looks, in seconds.
        covered_share: painted share of the picture in the last second, from 0 to 1.
        delay_s: from arrival to written, in the last second.
        reconnects: to the camera.
        bytes_in: received.
        bytes_written: stored.
        copied_gops: stored as the camera sent them.
        encoded_gops: painted and encoded.
        waiting_bytes: held in memory until the delay has passed.
        memory_bytes: of the process.
    """

    fps: float = 0.0
    frames: int = 0
    dropped: int = 0
    covered_whole: int = 0
    looks: int = 0
    look_s: float = 0.0
    covered_share: float = 0.0
    delay_s: float = 0.0
    reconnects: int = 0
    bytes_in: int = 0
    bytes_written: int = 0
    copied_gops: int = 0
    encoded_gops: int = 0
    waiting_bytes: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """What everybody is told of a camera.

    Attributes:
        name: of the camera.
        state: in one word.
        since: when that state began.
        why: one sentence without addresses and passwords; empty when all is well.
        figures: see there.
        last_segment_at: when the last segment was finished that plays.
        width: of the picture, in pixels; 0 until it is known.
        height: likewise.
        codec: what the camera sends; empty until it is known.
    """

    name: str
    state: CameraState
    since: datetime
    why: str = ""
    figures: CameraFigures = CameraFigures()
    last_segment_at: datetime | None = None
    width: int = 0
    height: int = 0
    codec: str = ""

    def in_state(self, state: CameraState, why: str, now: datetime) -> CameraStatus:
        """The same camera in another state; `since` stays where the state does."""
        since = self.since if state == self.state else now
        return replace(self, state=state, why=why, since=since)

    def as_json(self) -> dict[str, Any]:
        """For the interface of programs: instants in ISO 8601."""
        told = asdict(self)
        told["since"] = self.since.isoformat()
        told["last_segment_at"] = self.last_segment_at.isoformat() if self.last_segment_at else None
        return told

"""What the web asks of the cameras: `Network`, which `serve.supervisor.Supervisor` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from passerby.live import CameraStatus

if TYPE_CHECKING:
    from passerby.archive import Archive
    from passerby.serve.credentials import Credentials
    from passerby.serve.fan_out import Subscription
    from passerby.serve.finding import CameraFinder
    from passerby.serve.town import CameraSettings, Town


@dataclass(frozen=True, slots=True)
class LookTrial:
    """What the smaller stream showed, that is to be looked at.

    Attributes:
        width: of the picture, in pixels.
        height: likewise.
        rate_fps: frames that arrived in a second.
        shows: "same" as the main stream, "other", or "unknown" where too little stands out in both.
    """

    width: int
    height: int
    rate_fps: float
    shows: str


@dataclass(frozen=True, slots=True)
class CameraTrial:
    """What a camera showed when it was tried.

    Attributes:
        codec: what it sends ("h264").
        width: of the picture, in pixels.
        height: likewise.
        rate_fps: frames that arrived in a second.
        gop_s: from keyframe to keyframe, or None where two were not seen.
        clock_offset_s: the camera's clock less ours, or None where it does not tell.
        why_not_copied: why clear GOPs cannot be stored as the camera sends them, or "" where they can.
        still: a redacted picture, JPEG.
        covered: labels of what was covered in it.
        look: its smaller stream, or None where none was tried.
    """

    codec: str
    width: int
    height: int
    rate_fps: float
    gop_s: float | None
    clock_offset_s: float | None
    why_not_copied: str
    still: bytes = field(repr=False)
    covered: tuple[str, ...] = ()
    look: LookTrial | None = None


class Network(Protocol):
    """All cameras of a town, running. Every method may be called from any thread, and none waits for a camera except
    `try_camera`."""

    finder: CameraFinder
    """Who finds cameras in this network."""

    @property
    def town(self) -> Town:
        """The settings as they are now, cameras that were added on the page included."""

    @property
    def archive(self) -> Archive:
        """Recordings and their catalogue."""

    @property
    def erasing_trouble(self) -> str:
        """Why recordings that are due were not erased the last time, a sentence; "" when they were."""

    def statuses(self) -> list[CameraStatus]:
        """How every camera is, in the order of the settings."""

    def status(self, name: str) -> CameraStatus:
        """How one camera is. KeyError: there is no such camera."""

    def still(self, name: str) -> tuple[bytes, datetime] | None:
        """The last redacted picture (JPEG) and when it arrived, or None. KeyError: there is no such camera."""

    def subscribe(self, name: str, on_ready: Callable[[], None] | None = None) -> Subscription:
        """Live parts of a camera, from the last keyframe on. `on_ready` is called from another thread, and must return
        at once, whenever `get(0)` would have something. KeyError: there is no such camera."""

    def is_fixed(self, name: str) -> bool:
        """Whether the camera stands in the file of the town: then the page can restart it, and change nothing."""

    def add_camera(self, camera: CameraSettings, credentials: Credentials | None) -> None:
        """Start another camera, and remember it. SettingsError: the name is taken, the address is of a file."""

    def edit_camera(self, name: str, camera: CameraSettings, credentials: Credentials | None) -> None:
        """Give a camera other settings (the name stays); None keeps its credentials.

        KeyError: there is no such camera. SettingsError: it is fixed, or the settings are not allowed.
        """

    def remove_camera(self, name: str) -> None:
        """Stop a camera and forget it; its recordings stay until retention erases them.

        KeyError: there is no such camera. SettingsError: it is fixed.
        """

    def restart_camera(self, name: str) -> None:
        """Finish its segment, end its process, start another. KeyError: there is no such camera."""

    def try_camera(self, url: str, username: str, password: str, transport: str, look_url: str = "") -> CameraTrial:
        """Connect, look for some seconds, and say what was seen; of both streams, if there is a smaller one.

        Raises:
            SettingsError: the address is none that may be tried here.
            CameraError: the camera cannot be reached or used; named "camera", never by its address.
        """

"""A town to ask about: a real archive with real segments of two cameras at two sites, without their processes.

`tests/web/test_server.py` asks a real `Supervisor`; here nothing runs, so that hundreds of requests are quick.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
from PIL import Image

from passerby.archive import Archive, open_archive
from passerby.errors import CameraUnreachable, SettingsError
from passerby.live import CameraFigures, CameraState, CameraStatus, LivePart
from passerby.media import Frame
from passerby.redact.cover import Painter
from passerby.regions import Regions
from passerby.serve.credentials import Credentials
from passerby.serve.fan_out import FanOut, Subscription
from passerby.serve.finding import CameraFinder
from passerby.serve.network import CameraTrial
from passerby.serve.town import CameraSettings, SiteSettings, Town
from passerby.write.segments import SegmentOptions, SegmentWriter
from tests.drawn import SIZE, drawn_frame, drawn_info

BEGAN = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
RATE = 10
SECONDS = 24
HOUR = {"begin": "2026-11-23T13:30:00Z", "end": "2026-11-23T14:30:00Z"}
"""What routes are asked for, to be told of all of it."""

GATE = CameraSettings(
    name="gate",
    title="School gate",
    site="school",
    url="rtsp://10.0.0.7/stream1",
    operator="The <b>school</b>",
    purpose="Broken windows.\n\nSince 2024.",
    contact="office@school.example",
)
MARKET = CameraSettings(name="market", site="square", url="rtsp://10.0.0.8/stream1", cover=("head", "plate", "person"))


def now() -> datetime:
    """A moment after the last recording."""
    return datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def frames_in(content: bytes) -> int:
    """How many pictures an answer holds."""
    with av.open(io.BytesIO(content), "r") as file:
        return len(list(file.decode(video=0)))


@dataclass
class QuietTown:
    """A `Network` whose cameras have recorded something once."""

    archive: Archive
    town: Town = field(
        default_factory=lambda: Town(
            title="Little <Town>",
            camera=(GATE, MARKET),
            site=(SiteSettings(name="school"), SiteSettings(name="square")),
        )
    )
    fan_outs: dict[str, FanOut] = field(default_factory=lambda: {"gate": FanOut(), "market": FanOut()})
    parts: dict[str, list[LivePart]] = field(default_factory=dict)
    stored: dict[str, Credentials | None] = field(default_factory=dict)
    finder: CameraFinder = field(default_factory=lambda: CameraFinder(("127.0.0.1", 9), wait_s=0.01))
    erasing_trouble: str = ""
    restarted: list[str] = field(default_factory=list)

    def statuses(self) -> list[CameraStatus]:
        return [self.status(camera.name) for camera in self.town.camera]

    def status(self, name: str) -> CameraStatus:
        self.town.camera_named(name)
        figures = CameraFigures(fps=10.0, frames=240, dropped=3, covered_share=0.25, look_s=0.05, delay_s=2.1)
        return CameraStatus(name, CameraState.LIVE, BEGAN, "", figures, BEGAN, 160, 96, "h264")

    def still(self, name: str) -> tuple[bytes, datetime] | None:
        self.town.camera_named(name)
        picture = io.BytesIO()
        Image.new("RGB", (64, 36), "gray").save(picture, "JPEG")
        return picture.getvalue(), BEGAN

    def subscribe(self, name: str, on_ready: Callable[[], None] | None = None) -> Subscription:
        return self.fan_outs[name].subscribe(on_ready or (lambda: None))

    def is_fixed(self, name: str) -> bool:
        return False

    def add_camera(self, camera: CameraSettings, credentials: Credentials | None) -> None:
        if any(known.name == camera.name for known in self.town.camera):
            raise SettingsError(f"there is a camera {camera.name} already; nothing was added")
        self.town = self.town.model_copy(update={"camera": (*self.town.camera, camera)})
        self.fan_outs[camera.name] = FanOut()
        self.stored[camera.name] = credentials

    def edit_camera(self, name: str, camera: CameraSettings, credentials: Credentials | None) -> None:
        if camera.name != name:
            raise SettingsError(f"camera {name} keeps its name")
        cameras = tuple(camera if known.name == name else known for known in self.town.camera)
        self.town = self.town.model_copy(update={"camera": cameras})
        self.stored[name] = credentials

    def remove_camera(self, name: str) -> None:
        cameras = tuple(known for known in self.town.camera if known.name != name)
        self.town = self.town.model_copy(update={"camera": cameras})
        self.fan_outs.pop(name).close()

    def restart_camera(self, name: str) -> None:
        self.town.camera_named(name)
        self.restarted.append(name)

    def try_camera(self, url: str, username: str, password: str, transport: str, look_url: str = "") -> CameraTrial:
        raise CameraUnreachable("camera on trial: nobody answers", hint="see whether it is switched on")


def open_town(folder: Path) -> QuietTown:
    """The town, with two segments of each camera in its archive."""
    town = QuietTown(open_archive(folder))
    for camera in ("gate", "market"):
        town.parts[camera] = record(town.archive, camera)
    return town


def record(archive: Archive, camera: str, began: datetime = BEGAN, size: tuple[int, int] = SIZE) -> list[LivePart]:
    """Put a recording of so many seconds into an archive; its parts."""
    parts: list[LivePart] = []
    writer = SegmentWriter(
        archive.folder,
        camera,
        drawn_info(RATE, size),
        b"",
        options=SegmentOptions(segment_s=10),
        on_part=parts.append,
        on_segment=archive.add,
        begins_at=began,
    )
    painter = Painter()
    for index in range(RATE * SECONDS):
        frame = painter.cover(_frame(index, size), Regions())
        writer.encode(frame, began + timedelta(seconds=index / RATE), 0.25, keyframe=index % RATE == 0)
    writer.close()
    return parts


def _frame(number: int, size: tuple[int, int]) -> Frame:
    """A grey picture with a lighter bar that wanders."""
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    picture[:, number % 160 : number % 160 + 8] = 200
    return drawn_frame(number, RATE, picture)

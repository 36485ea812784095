"""Looks that fail, hang or take too long let nobody be seen: in no part, segment or still picture of the stream."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from passerby.detect.detector import Detector
from passerby.errors import ModelError
from passerby.live import LivePart
from passerby.media import Picture
from passerby.pipeline.choosing import video_detector
from passerby.pipeline.stream import StreamOptions, redact_stream
from passerby.read.camera import CameraAddress, open_camera
from passerby.regions import Boxes, Detections
from passerby.settings import Settings
from tests.egress import scene
from tests.egress.search import Given, Search
from tests.stream.scenes import Outlet

COVERED = Settings(cover=("head", "plate"))


class Troubled(Detector):
    """The real nets; before each look something happens, which is told the look's number."""

    def __init__(self, trouble: Callable[[int], object]) -> None:
        self._nets: Detector = video_detector(COVERED)
        self._trouble, self._numbers = trouble, itertools.count()

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        self._trouble(next(self._numbers))
        return self._nets.find(picture, scale=scale, threshold=threshold)

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        self._trouble(next(self._numbers))
        return self._nets.find_in_areas(picture, areas, scale=scale, threshold=threshold)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.make_clip(tmp_path_factory.mktemp("clip") / "street.mp4")


@pytest.fixture(scope="module")
def search(clip: Path) -> Search:
    return Search(clip)


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over, so that nothing hangs beyond it."""
    event = threading.Event()
    yield event
    event.set()


def fail(number: int) -> None:
    raise ModelError("the net broke")


def fail_from_the_fourth_on(number: int) -> None:
    if number >= 3:
        fail(number)


def fail_every_other_time(number: int) -> None:
    if number % 2:
        fail(number)


def take_longer_than_the_delay(number: int) -> None:
    time.sleep(1.3)


@pytest.mark.parametrize("trouble", [fail, fail_from_the_fourth_on, fail_every_other_time, take_longer_than_the_delay])
def test_looks_that_fail_or_come_too_late_show_nobody(
    trouble: Callable[[int], None], clip: Path, search: Search, tmp_path: Path
) -> None:
    assert_nobody_shows(search, play_with(trouble, clip, tmp_path), tmp_path)


def test_a_look_that_never_ends_shows_nobody(over: threading.Event, clip: Path, search: Search, tmp_path: Path) -> None:
    def hang(number: int) -> None:
        if number >= 3:
            over.wait()

    assert_nobody_shows(search, play_with(hang, clip, tmp_path), tmp_path)


def play_with(trouble: Callable[[int], object], clip: Path, folder: Path) -> Outlet:
    """Through the clip and into its second round, so that somebody comes while there is trouble, too."""
    stop = threading.Event()

    def end_in_the_second_round(part: LivePart) -> None:
        if part.media_s > 1.2 * scene.FRAMES / scene.RATE:
            stop.set()

    outlet = Outlet(on_part=end_in_the_second_round)
    options = StreamOptions(COVERED, delay_s=1.0)
    with open_camera(CameraAddress.parse("street", str(clip)), stop=stop, speed=3.0) as camera:
        redact_stream(camera, folder, options, outlet, camera_name="street", stop=stop, detector=Troubled(trouble))
    return outlet


def assert_nobody_shows(search: Search, outlet: Outlet, folder: Path) -> None:
    given = [Given("live video", b"".join(part.data for part in outlet.parts))]
    given += [Given(f"still {number}", jpeg) for number, jpeg in enumerate(outlet.stills)]
    given += [Given(path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    findings = search.through(given)
    assert not findings.leaks
    assert findings.pictures > len(outlet.stills) > 0

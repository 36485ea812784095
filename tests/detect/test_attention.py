"""How closely frames are looked at: nothing new goes unseen, nothing known is looked at twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.attention import AttentionOptions, look_at
from passerby.detect.detector import Detector, NetDetector
from passerby.errors import ModelError
from passerby.media import Frame, Orientation, Picture, PixelLayout
from passerby.regions import Boxes, Detections, Look

GRAY = PixelLayout("gray", "gray")
GRAY_10 = PixelLayout("gray10le", "gray", bits=10)
SIZE = (640, 360)
STEP = 40
MILLISECONDS = Fraction(1, 1000)
Gray = npt.NDArray[np.uint8]


def picture_of(frame: Frame) -> Picture:
    gray = (frame.planes[0] >> (frame.layout.bits - 8)).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(frame.orientation.turn(gray)[:, :, None], 3, axis=2))


class Counting(Detector):
    """The real detector, with counts; `fails` says at which look it breaks instead."""

    def __init__(self, detector: NetDetector, fails: Callable[[int], bool] = lambda _: False) -> None:
        self.whole = self.part = 0
        self.share = 0.0
        self._detector = detector
        self._fails = fails
        self._lock = threading.Lock()

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        self._count(whole=True)
        return self._detector.find(picture, scale=scale, threshold=threshold)

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        self._count(whole=False)
        return self._detector.find_in_areas(picture, areas, scale=scale, threshold=threshold)

    def _count(self, *, whole: bool) -> None:
        with self._lock:
            index = self.whole + self.part
            self.whole += whole
            self.part += not whole
        if self._fails(index):
            raise RuntimeError("the net broke")


@pytest.fixture(scope="module")
def detector() -> NetDetector:
    return NetDetector()


@pytest.fixture(scope="module")
def face(astronaut: npt.NDArray[np.uint8]) -> Gray:
    return np.asarray(cv2.cvtColor(astronaut[40:215, 140:310], cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.fixture(scope="module")
def street() -> Gray:
    """A quiet backdrop with some texture and no face."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(90, 150, (SIZE[1] // 30, SIZE[0] // 32)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def with_face(backdrop: Gray, face: Gray, x: float, y: float, height: int = 70) -> Gray:
    small = cv2.resize(face, (height * face.shape[1] // face.shape[0], height), interpolation=cv2.INTER_AREA)
    picture, left, top = backdrop.copy(), round(x), round(y)
    part = picture[max(0, top) : top + small.shape[0], max(0, left) : left + small.shape[1]]
    part[:] = small[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1]]
    return picture


def frames_of(
    pictures: Iterable[Gray], pts: Sequence[int] | None = None, damaged: Iterable[int] = ()
) -> Iterator[Frame]:
    broken = set(damaged)
    for index, picture in enumerate(pictures):
        at = pts[index] if pts else index * STEP
        yield Frame(at, MILLISECONDS, GRAY, (picture.copy(),), damaged=index in broken)


def looks_of(detector: Counting, frames: Iterable[Frame], options: AttentionOptions | None = None) -> list[Look]:
    return list(look_at(frames, picture_of, detector, options))


def centres(look: Look, least: float = 0.3) -> list[tuple[int, int]]:
    strong = look.detections[look.detections.scores >= least].boxes
    return [(int(x1 + x2) // 2, int(y1 + y2) // 2) for x1, y1, x2, y2 in strong]


def is_near(look: Look, x: float, y: float, within: float = 40) -> bool:
    boxes = look.detections.boxes
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return bool((np.abs(middles - (x, y)) < within).all(axis=1).any())


def noisy(picture: Gray, count: int, sigma: float = 2.0) -> Iterator[Gray]:
    rng = np.random.default_rng(2)
    for _ in range(count):
        yield np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def test_every_frame_gets_one_look_in_order(detector: NetDetector, street: Gray, face: Gray) -> None:
    pictures = [with_face(street, face, 40 + 8 * i, 100) for i in range(40)]
    looks = looks_of(Counting(detector), frames_of(pictures))
    assert [look.pts for look in looks] == [i * STEP for i in range(40)]
    assert looks[0].how == "whole"
    assert looks[-1].how in ("whole", "part")


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_a_face_in_light_of_one_colour_is_seen_in_rgb_video(
    detector: NetDetector, street: Gray, face: Gray, colour: int
) -> None:
    pictures = [with_face(street, face, 300, 100) if 12 <= i < 50 else street for i in range(60)]
    black = np.zeros_like(street)
    lit = [tuple(picture if plane == colour else black for plane in range(3)) for picture in pictures]
    frames = (Frame(i * STEP, MILLISECONDS, PixelLayout("rgb24", "rgb"), planes) for i, planes in enumerate(lit))
    looks = list(look_at(frames, lambda frame: np.stack(frame.planes, axis=2).astype(np.uint8), detector))
    assert all(is_near(look, 334, 135) for look in looks[12:50])


@pytest.mark.parametrize("colour", [0, 2])
def test_a_face_in_dim_light_of_one_colour_is_seen_in_yuv_video(
    detector: NetDetector, street: Gray, face: Gray, colour: int
) -> None:
    lit = []
    for i in range(60):
        picture = np.zeros((*street.shape, 3), np.uint8)
        picture[..., colour] = (with_face(street, face, 300, 100) if 12 <= i < 50 else street) // 2
        lit.append(picture)
    # Full range, BT.601, chroma as it is stored.
    stored = [cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., (0, 2, 1)] for picture in lit]
    layout = PixelLayout("yuvj444p", "yuv")
    frames = (
        Frame(i * STEP, MILLISECONDS, layout, tuple(np.ascontiguousarray(planes[..., c], np.uint8) for c in range(3)))
        for i, planes in enumerate(stored)
    )
    looks = list(look_at(frames, lambda frame: lit[frame.pts // STEP], detector))
    assert all(is_near(look, 334, 135) for look in looks[12:50])


def test_thorough_looks_at_every_frame_whole(detector: NetDetector, street: Gray) -> None:
    counting = Counting(detector)
    looks = looks_of(counting, frames_of([street] * 12), AttentionOptions(thorough=True))
    assert (counting.whole, counting.part) == (12, 0)
    assert {look.how for look in looks} == {"whole"}


def test_a_still_scene_costs_one_look_in_seconds(detector: NetDetector, street: Gray, face: Gray) -> None:
    counting = Counting(detector)
    looks = looks_of(counting, frames_of(noisy(with_face(street, face, 300, 100), 90)))
    assert (counting.whole, counting.part) == (1, 0)
    assert all(is_near(look, 334, 140) for look in looks)


def test_a_moving_face_is_followed_between_looks(detector: NetDetector, street: Gray, face: Gray) -> None:
    counting = Counting(detector)
    looks = looks_of(counting, frames_of(with_face(street, face, 40 + 6 * i, 100) for i in range(60)))
    assert counting.whole <= 10
    assert all(is_near(look, 74 + 6 * i, 140, within=25) for i, look in enumerate(looks))


def test_a_small_face_that_appears_in_a_still_scene_is_found_at_once(
    detector: NetDetector, street: Gray, face: Gray
) -> None:
    def picture(i: int) -> Gray:
        return with_face(street, face, 500, 200, height=44) if i >= 33 else street

    counting = Counting(detector)
    looks = looks_of(counting, frames_of(picture(i) for i in range(60)))
    assert counting.whole == 1
    assert not any(is_near(look, 521, 222) for look in looks[:33])
    assert all(is_near(look, 521, 222) for look in looks[33:])


def test_a_change_of_twelve_pixels_is_looked_at_in_spite_of_noise(
    detector: NetDetector, street: Gray, face: Gray
) -> None:
    before = list(noisy(street, 20))
    after = list(noisy(with_face(street, face, 500, 200, height=12), 5))
    looks = looks_of(Counting(detector), frames_of(before + after))
    assert {look.how for look in looks[1:20]} == {"carried"}
    assert looks[20].how == "part"


def test_a_face_that_comes_and_goes_between_two_looks_is_found(
    detector: NetDetector, street: Gray, face: Gray, astronaut: npt.NDArray[np.uint8]
) -> None:
    texture = np.random.default_rng(0).integers(0, 255, (90, 300)).astype(np.uint8)
    scenery = np.asarray(cv2.resize(texture, (1800, 540), interpolation=cv2.INTER_CUBIC), np.uint8)

    def picture(i: int) -> Gray:
        moving = scenery[60 : 60 + SIZE[1], 6 * i : 6 * i + SIZE[0]].copy()
        return with_face(moving, face, 300, 120, height=60) if i in (10, 11, 12) else moving

    slow = AttentionOptions(every_s=0.8)
    looks = looks_of(Counting(detector), frames_of(picture(i) for i in range(36)), slow)
    assert any(is_near(look, 330, 150) for look in looks[10:13])
    assert sum(look.how == "carried" for look in looks) > 15


def test_a_face_that_leaves_is_not_seen_any_more(detector: NetDetector, street: Gray, face: Gray) -> None:
    looks = looks_of(
        Counting(detector), frames_of(with_face(street, face, 300, 100) if i < 20 else street for i in range(50))
    )
    assert not centres(looks[25])
    assert not centres(looks[-1])


def test_a_cut_is_marked_and_looked_at_on_both_sides(
    detector: NetDetector, street: Gray, face: Gray, astronaut: npt.NDArray[np.uint8]
) -> None:
    gray = np.asarray(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), np.uint8)
    other = np.asarray(cv2.resize(gray, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    pictures = [with_face(street, face, 40 + 5 * i, 100) for i in range(17)] + [other] * 10
    looks = looks_of(Counting(detector), frames_of(pictures))
    assert [i for i, look in enumerate(looks) if look.cut] == [17]
    assert looks[17].how == "whole"
    assert looks[16].how in ("whole", "part")


def test_a_fast_pan_is_no_cut(detector: NetDetector, street: Gray) -> None:
    texture = np.random.default_rng(3).integers(0, 255, (30, 200)).astype(np.uint8)
    wide = np.asarray(cv2.resize(texture, (3000, SIZE[1]), interpolation=cv2.INTER_CUBIC), np.uint8)
    looks = looks_of(Counting(detector), frames_of(wide[:, 12 * i : 12 * i + SIZE[0]] for i in range(30)))
    assert not any(look.cut for look in looks)


def test_time_between_looks_is_taken_from_the_pts(detector: NetDetector, street: Gray, face: Gray) -> None:
    pts = [0, 10, 20, 30, 2000, 2010, 4000, 4010]
    pictures = [with_face(street, face, 40 + 60 * i, 100) for i in range(8)]
    looks = looks_of(Counting(detector), frames_of(pictures, pts))
    assert [look.pts for look in looks] == pts
    assert {looks[i].how for i in (0, 4, 6)} <= {"whole", "part"}


def test_damaged_frames_are_unseen_and_not_looked_at(detector: NetDetector, street: Gray, face: Gray) -> None:
    damaged = {0, 1, 9, 20, 21, 29}
    pictures = [np.zeros_like(street) if i in damaged else with_face(street, face, 40 + 6 * i, 100) for i in range(30)]
    looks = looks_of(Counting(detector), frames_of(pictures, damaged=damaged))
    assert {i for i, look in enumerate(looks) if look.how == "unseen"} == damaged
    assert not any(look.cut for look in looks)
    assert [look.pts for look in looks] == [i * STEP for i in range(30)]


def test_a_clip_of_damaged_frames_alone_is_unseen(detector: NetDetector, street: Gray) -> None:
    looks = looks_of(Counting(detector), frames_of([street] * 40, damaged=range(40)))
    assert [look.how for look in looks] == ["unseen"] * 40


@pytest.mark.parametrize("at", ["first", "middle", "last"])
def test_frames_that_rely_on_a_failed_look_are_unseen(detector: NetDetector, street: Gray, face: Gray, at: str) -> None:
    pictures = [with_face(street, face, 40 + 6 * i, 100) for i in range(40)]
    clean = Counting(detector)
    looks_of(clean, frames_of(pictures), AttentionOptions(threads=1))
    last = clean.whole + clean.part - 1
    failing = {"first": 0, "middle": last // 2, "last": last}[at]
    looks = looks_of(
        Counting(detector, lambda index: index == failing), frames_of(pictures), AttentionOptions(threads=1)
    )
    assert len(looks) == 40
    unseen = [i for i, look in enumerate(looks) if look.how == "unseen"]
    assert unseen
    assert {"first": unseen[0] == 0, "middle": unseen[0] > 0, "last": unseen[-1] == 39}[at]
    assert len(unseen) < 30


def test_a_failed_look_in_thorough_mode_leaves_one_frame_unseen(detector: NetDetector, street: Gray) -> None:
    counting = Counting(detector, lambda index: index == 3)
    looks = looks_of(counting, frames_of([street] * 8), AttentionOptions(thorough=True, threads=1))
    assert [look.how == "unseen" for look in looks] == [i == 3 for i in range(8)]


def test_a_detector_that_never_works_is_an_error(detector: NetDetector, street: Gray) -> None:
    with pytest.raises(ModelError, match="failed at each of"):
        looks_of(Counting(detector, lambda _: True), frames_of([street] * 5))


def test_a_source_that_breaks_ends_the_looking_with_its_own_error(detector: NetDetector, street: Gray) -> None:
    def breaking() -> Iterator[Frame]:
        yield from frames_of([street] * 5)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        looks_of(Counting(detector), breaking())


def test_few_frames_are_held_at_a_time(detector: NetDetector, street: Gray, face: Gray) -> None:
    held = most = 0
    lock = threading.Lock()

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal held
            if self.base is None:
                with lock:
                    held -= 1

    def counted() -> Iterator[Frame]:
        nonlocal held, most
        for i in range(120):
            plane = Counted(street.shape, np.uint8)
            plane[:] = with_face(street, face, 20 + 4 * i, 100)
            with lock:
                held += 1
                most = max(most, held)
            yield Frame(i * 10, MILLISECONDS, GRAY, (plane,))
            del plane

    looks_of(Counting(detector), counted())
    assert 3 <= most <= 16


def test_turned_and_deep_frames_are_looked_at_upright(detector: NetDetector, street: Gray, face: Gray) -> None:
    upright = [with_face(street, face, 40 + 6 * i, 100) for i in range(20)]
    stored = [np.asarray(np.rot90(picture), np.uint16) * np.uint16(4) for picture in upright]
    frames = (
        Frame(i * STEP, MILLISECONDS, GRAY_10, (plane,), Orientation.QUARTER_RIGHT) for i, plane in enumerate(stored)
    )
    looks = looks_of(Counting(detector), frames)
    assert all(is_near(look, 74 + 6 * i, 140, within=25) for i, look in enumerate(looks))


def test_tiny_pictures_are_looked_at(detector: NetDetector) -> None:
    pictures = [np.full((5, 9), 40 * (i % 3), np.uint8) for i in range(20)]
    assert len(looks_of(Counting(detector), frames_of(pictures))) == 20


def test_no_frames_give_no_looks(detector: NetDetector) -> None:
    assert looks_of(Counting(detector), []) == []

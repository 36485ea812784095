"""A live camera, from its packets to segments: what must not be seen is in none of them, whatever fails."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from passerby.detect.detector import NetDetector
from passerby.errors import CameraLost, OutputError
from passerby.live import CameraState, LivePart
from passerby.read.camera import LivePicture
from passerby.settings import Settings
from tests.stream.scenes import (
    GOP,
    KNOWN,
    RATE,
    STRANGE,
    Finder,
    Outlet,
    Rgb,
    Shown,
    decoded,
    head,
    is_whole,
    like,
    make_clip,
    place,
    play,
    slices,
    stills,
    thing,
    wall,
)


def shows(shown: Shown) -> str:
    """Where something of the thing is left, in words; empty if nowhere."""
    left = sum(int(like(shown.picture, colour).sum()) for colour in (KNOWN, STRANGE))
    return f"{left} pixels at {shown.at_s:.2f} s" if left else ""


def seen_in(outlet: Outlet) -> list[str]:
    """In all that came out: the pictures of segments, and the stills."""
    return [told for told in map(shows, [*decoded(outlet), *stills(outlet)]) if told]


def states(outlet: Outlet) -> list[CameraState]:
    return [state for state, _ in outlet.states]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street in which nobody ever is."""
    return make_clip(tmp_path_factory.mktemp("empty") / "empty.mp4", 64, wall)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street in which the thing is in every frame."""
    return make_clip(tmp_path_factory.mktemp("busy") / "busy.mp4", 64, thing)


@pytest.fixture(scope="module")
def sometimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street through which the thing comes in two GOPs, beginning in the middle of one."""
    shown = range(4 * GOP + 3, 6 * GOP)
    return make_clip(
        tmp_path_factory.mktemp("sometimes") / "sometimes.mp4", 12 * GOP, lambda i: thing(i) if i in shown else wall(i)
    )


def test_nothing_of_a_head_is_left_from_the_first_frame_on(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "head.mp4", 64, head)
    outlet = play(clip, tmp_path / "archive")
    frames = decoded(outlet)
    assert len(frames) == 64
    net = NetDetector("centerface")
    assert len(net.find(head(0), threshold=0.3))
    for number, shown in enumerate(frames):
        found = net.find(shown.picture, threshold=0.15)
        assert not len(found), f"{found.scores} at {shown.at_s:.2f} s"
        if not is_whole(shown):
            left, top = place(number % 64)
            assert_unlike(shown.picture, head(number % 64), left, top)
    for jpeg in outlet.stills:
        picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        assert not len(net.find(np.ascontiguousarray(picture[:, :, ::-1]), threshold=0.15))


def assert_unlike(after: Rgb, before: Rgb, left: int, top: int) -> None:
    """The face, without broad shading, does not correlate with what it was."""
    details = []
    for picture in (before, after):
        grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY).astype(np.float32)
        details.append((grey - cv2.GaussianBlur(grey, (0, 0), 4))[top + 12 : top + 60, left + 12 : left + 52].ravel())
    power = float(np.linalg.norm(details[0]) * np.linalg.norm(details[1]))
    assert power == 0 or abs(float(details[0] @ details[1])) / power < 0.35


def test_a_thing_is_covered_in_every_frame_and_the_rest_shows(busy: Path, tmp_path: Path) -> None:
    outlet = play(busy, tmp_path, detector=Finder())
    frames = decoded(outlet)
    assert len(frames) == 64
    assert not seen_in(outlet)
    assert sum(map(is_whole, frames)) < len(frames) / 2
    assert all(0 < info.covered_share < 0.5 for info, _ in outlet.segments)


def test_what_is_found_late_is_covered_in_the_frames_that_still_wait(tmp_path: Path) -> None:
    """For two frames the thing has a colour that the detector does not know."""
    first = 3 * GOP + 2

    def scene(index: int) -> Rgb:
        return wall(index) if index < first else thing(index, STRANGE if index < first + 2 else KNOWN)

    clip = make_clip(tmp_path / "late.mp4", 8 * GOP, scene)
    outlet = play(clip, tmp_path / "archive", detector=Finder())
    frames = decoded(outlet)
    assert not seen_in(outlet)
    late = [shown for shown in frames if first <= round(shown.at_s * RATE) < first + 2]
    assert len(late) == 2
    assert not any(map(is_whole, late))


def test_a_detector_that_fails_leaves_everything_covered(busy: Path, tmp_path: Path) -> None:
    def fail() -> None:
        raise RuntimeError("the net broke")

    finder = Finder(fail)
    outlet = play(busy, tmp_path, detector=finder)
    frames = decoded(outlet)
    assert len(frames) > RATE
    assert all(map(is_whole, frames))
    assert finder.looks > 1
    assert states(outlet)[-1] == CameraState.DEGRADED
    assert "detector failed" in outlet.states[-1][1]


def test_a_detector_that_cannot_rest_leaves_everything_covered_and_ends_nothing(busy: Path, tmp_path: Path) -> None:
    class Restless(Finder):
        def rest(self) -> None:
            raise RuntimeError("the memory cannot be given back")

    outlet = play(busy, tmp_path, detector=Restless())
    frames = decoded(outlet)
    assert len(frames) > RATE
    assert is_whole(frames[0])
    assert CameraState.DEGRADED in states(outlet)
    assert not seen_in(outlet)


def test_a_detector_that_works_again_is_used_again(busy: Path, tmp_path: Path) -> None:
    looks = itertools.count()

    def fail_at_first() -> None:
        if next(looks) < 5:
            raise RuntimeError("the net broke")

    outlet = play(busy, tmp_path, detector=Finder(fail_at_first))
    frames = decoded(outlet)
    assert is_whole(frames[0])
    assert not is_whole(frames[-1])
    assert not seen_in(outlet)


def test_a_detector_that_hangs_leaves_everything_covered_and_stops_nothing(busy: Path, tmp_path: Path) -> None:
    release = threading.Event()
    try:
        outlet = play(busy, tmp_path, frames=32, delay_s=0.5, detector=Finder(release.wait))
        frames = decoded(outlet)
        assert len(frames) > RATE
        assert all(map(is_whole, frames))
    finally:
        release.set()


@pytest.mark.parametrize("look_s", [0.4, 1.2])
def test_looks_that_are_too_slow_let_nothing_pass(sometimes: Path, tmp_path: Path, look_s: float) -> None:
    outlet = play(sometimes, tmp_path, speed=1.0, delay_s=1.0, detector=Finder(lambda: time.sleep(look_s)))
    assert len(decoded(outlet)) > 2 * RATE
    assert not seen_in(outlet)


def test_a_writer_that_is_too_slow_drops_pictures_and_lets_nothing_pass(sometimes: Path, tmp_path: Path) -> None:
    outlet = Outlet(on_part=lambda part: time.sleep(0.8))
    play(sometimes, tmp_path, frames=150, delay_s=0.5, part_s=0.5, outlet=outlet, detector=Finder())
    assert outlet.told[-1].dropped > 0
    assert any("left out" in why for state, why in outlet.states if state == CameraState.DEGRADED)
    assert decoded(outlet)
    assert not seen_in(outlet)


def test_memory_stays_bounded_while_the_writer_is_blocked(busy: Path, tmp_path: Path) -> None:
    most = 2 * 2**20
    blocked = threading.Event()
    outlet = Outlet(on_part=lambda part: blocked.wait(1.5))
    play(busy, tmp_path, most_waiting_bytes=most, delay_s=0.5, outlet=outlet, detector=Finder())
    assert all(told.waiting_bytes <= most for told in outlet.told)
    assert outlet.told[-1].dropped > 0
    assert not seen_in(outlet)


def test_a_clear_gop_is_copied_bit_by_bit_and_what_shows_something_never(sometimes: Path, tmp_path: Path) -> None:
    outlet = play(sometimes, tmp_path, detector=Finder())
    source = slices(sometimes)
    written = {data for _, path in outlet.segments for data in slices(path)}
    shown = range(4 * GOP + 3, 6 * GOP)
    assert not written & {source[index] for index in shown}
    assert written >= set(source[: 3 * GOP])
    assert not seen_in(outlet)
    assert sum(info.copied_frames for info, _ in outlet.segments) > 3 * GOP


def test_where_nobody_is_every_gop_is_copied(empty: Path, tmp_path: Path) -> None:
    outlet = play(empty, tmp_path, detector=Finder())
    assert set(slices(outlet.segments[0][1])) <= set(slices(empty))
    assert outlet.segments[0][0].covered_share == 0


def test_nothing_is_copied_where_that_is_not_wanted(empty: Path, tmp_path: Path) -> None:
    settings = Settings(cover=("head",), copy_clear=False)
    outlet = play(empty, tmp_path, settings=settings, detector=Finder())
    assert not set(slices(outlet.segments[0][1])) & set(slices(empty))


def test_a_damaged_picture_is_covered_and_nothing_after_it_is_copied_up_to_the_next_gop(
    empty: Path, tmp_path: Path
) -> None:
    def damage(index: int, picture: LivePicture) -> LivePicture:
        return replace(picture, frame=replace(picture.frame, damaged=True)) if index == GOP + 2 else picture

    outlet = play(empty, tmp_path, detector=Finder(), change=damage)
    frames, source, written = decoded(outlet), slices(empty), slices(outlet.segments[0][1])
    assert [number for number, shown in enumerate(frames) if is_whole(shown)] == [GOP + 2]
    copied = [number for number, data in enumerate(written) if data in source]
    assert set(range(GOP + 2, 2 * GOP)).isdisjoint(copied)
    assert set(range(GOP + 2)) <= set(copied)


def test_a_clock_that_is_set_begins_a_new_recording(empty: Path, tmp_path: Path) -> None:
    def step(index: int, picture: LivePicture) -> LivePicture:
        return replace(picture, arrived_at=picture.arrived_at + timedelta(hours=1)) if index >= 12 else picture

    outlet = play(empty, tmp_path, detector=Finder(), change=step)
    first, second = (info for info, _ in outlet.segments)
    assert first.recording != second.recording
    assert first.frames == 12
    assert second.begins_at - first.ends_at > timedelta(minutes=59)
    assert second.media_start_s == 0


def test_a_clock_that_drifts_a_little_begins_nothing(empty: Path, tmp_path: Path) -> None:
    def drift(index: int, picture: LivePicture) -> LivePicture:
        return replace(picture, arrived_at=picture.arrived_at + timedelta(seconds=0.03 * index))

    assert len(play(empty, tmp_path, detector=Finder(), change=drift).segments) == 1


def test_a_camera_that_is_lost_is_told_after_all_that_it_sent_was_written(busy: Path, tmp_path: Path) -> None:
    def lose(index: int, picture: LivePicture) -> LivePicture:
        if index == 20:
            raise CameraLost("camera street ended the connection")
        return picture

    outlet = Outlet()
    with pytest.raises(CameraLost):
        play(busy, tmp_path, outlet=outlet, detector=Finder(), change=lose)
    frames = decoded(outlet)
    assert len(frames) == 20
    assert not any(map(is_whole, frames))
    assert not seen_in(outlet)


def test_an_archive_that_cannot_be_written_ends_the_stream(busy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError):
        play(busy, tmp_path / "file", detector=Finder())


def test_an_outlet_that_fails_ends_the_stream(busy: Path, tmp_path: Path) -> None:
    def refuse(part: LivePart) -> None:
        raise OutputError("nobody takes this")

    with pytest.raises(OutputError, match="nobody takes this"):
        play(busy, tmp_path, outlet=Outlet(on_part=refuse), detector=Finder())


def test_the_states_of_a_camera_that_is_well_are_starting_learning_live(busy: Path, tmp_path: Path) -> None:
    outlet = play(busy, tmp_path, detector=Finder())
    assert outlet.states == [(CameraState.STARTING, ""), (CameraState.LEARNING, ""), (CameraState.LIVE, "")]
    told = outlet.told[-1]
    assert told.looks > 0
    assert told.bytes_in > 0
    assert told.bytes_written > 0
    assert 0 < told.covered_share < 1
    assert told.delay_s > 0


def test_what_moves_is_covered_once_the_background_is_learned(sometimes: Path, tmp_path: Path) -> None:
    outlet = play(sometimes, tmp_path, frames=96, settings=Settings(cover=("motion",)))
    frames = decoded(outlet)
    assert is_whole(frames[0])
    assert not is_whole(frames[-1])
    assert not seen_in(outlet)
    assert CameraState.LIVE in states(outlet)

"""A camera whose smaller stream is looked at: what that shows is covered in the main one, whatever the two do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from passerby.detect.detector import NetDetector
from passerby.errors import CameraLost
from passerby.live import CameraState
from passerby.pipeline import stream_pair
from passerby.settings import Settings
from tests.stream.pairs import AnyPicture, bricks, make_pair, place, play_pair, thing, wall
from tests.stream.scenes import GOP, RATE, Finder, Outlet, Rgb, decoded, face, is_whole, make_clip, slices, stills
from tests.stream.test_stream import seen_in

FRAMES = 72
AROUND = 5
"""Pictures at either end for which the smaller stream has none on one of the two sides."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_pair(tmp_path_factory.mktemp("empty"), FRAMES, wall)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_pair(tmp_path_factory.mktemp("busy"), FRAMES, thing)


@pytest.fixture(scope="module")
def sometimes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The thing comes in the middle of a GOP, and goes in another one."""
    return make_pair(tmp_path_factory.mktemp("sometimes"), FRAMES, lambda i: thing(i) if i in SHOWN else wall(i))


SHOWN = range(5 * GOP - 1, 7 * GOP - 2)


def whole(outlet: Outlet) -> list[int]:
    """Numbers of the pictures that were painted all over."""
    return [round(shown.at_s * RATE) for shown in decoded(outlet) if is_whole(shown)]


def copied(outlet: Outlet, source: Path) -> list[int]:
    """Numbers of the pictures that are as the camera sent them."""
    sent = set(slices(source))
    return [number for number, data in enumerate(slices(outlet.segments[0][1])) if data in sent]


def words(outlet: Outlet) -> list[str]:
    return [why for state, why in outlet.states if state == CameraState.DEGRADED]


def test_where_nobody_is_all_is_copied_and_next_to_nothing_decoded(empty: list[Path], tmp_path: Path) -> None:
    outlet, packets = play_pair(empty, tmp_path, detector=Finder())
    assert len(decoded(outlet)) == FRAMES
    assert len(copied(outlet, empty[0])) >= FRAMES - GOP - AROUND
    # The first GOP, of which nothing was known before, a keyframe to compare, and the last, for which nobody spoke.
    assert packets <= GOP + 1 + GOP
    assert outlet.stills
    assert not any("same picture" in why for why in words(outlet))


def test_the_delay_holds_packets_of_the_main_stream(empty: list[Path], busy: list[Path], tmp_path: Path) -> None:
    """A frame of the main stream takes 259 kB, and one of the smaller 115."""
    outlet, _ = play_pair(empty, tmp_path, detector=Finder())
    most = max(told.waiting_bytes for told in outlet.told)
    assert 0 < most < FRAMES * 180_000 + 2 * GOP * 259_000


def test_what_the_smaller_stream_shows_is_covered_in_the_main_one(busy: list[Path], tmp_path: Path) -> None:
    outlet, _ = play_pair(busy, tmp_path, detector=Finder())
    assert len(decoded(outlet)) == FRAMES
    assert not seen_in(outlet)
    assert len(whole(outlet)) <= 2 * AROUND
    assert all(0 < info.covered_share < 0.5 for info, _ in outlet.segments)


def test_what_comes_in_the_middle_of_a_gop_is_painted_and_what_was_clear_is_copied(
    sometimes: list[Path], tmp_path: Path
) -> None:
    outlet, packets = play_pair(sometimes, tmp_path, detector=Finder())
    assert not seen_in(outlet)
    numbers = copied(outlet, sometimes[0])
    assert not set(numbers) & set(SHOWN)
    assert set(range(GOP, 3 * GOP)) <= set(numbers)
    # It is covered from 0.75 s before it came: half of what a track reaches back, and half of the tolerance of times.
    assert 3 * GOP in numbers
    assert 4 * GOP - 1 not in numbers
    assert packets < FRAMES - GOP


def test_a_head_is_left_in_no_picture_of_the_main_stream(tmp_path: Path) -> None:
    def head(index: int) -> Rgb:
        picture = wall(index)
        left, top = place(index)
        picture[top : top + 152, left : left + 136] = cv2.resize(face(), (136, 152), interpolation=cv2.INTER_AREA)
        return picture

    outlet, _ = play_pair(make_pair(tmp_path / "clips", FRAMES, head), tmp_path / "archive")
    net = NetDetector("centerface")
    assert len(net.find(head(0), threshold=0.3))
    frames = decoded(outlet)
    assert len(frames) == FRAMES
    assert len(whole(outlet)) <= 2 * AROUND
    for shown in [*frames[::3], *stills(outlet)]:
        found = net.find(shown.picture, threshold=0.15)
        assert not len(found), f"{found.scores} at {shown.at_s:.2f} s"


@pytest.mark.parametrize("late_s", [-0.1, 0.1])
def test_streams_of_which_one_comes_a_little_later_are_still_covered(
    sometimes: list[Path], tmp_path: Path, late_s: float
) -> None:
    """Neither tells when its pictures were taken, so that arrival alone can tell."""

    def arriving(late_s: float) -> Callable[[int, AnyPicture], AnyPicture]:
        return lambda index, picture: replace(picture, taken_s=None, arrived_s=picture.arrived_s + late_s)

    outlet, _ = play_pair(
        sometimes,
        tmp_path,
        change=arriving(max(0, late_s)),
        change_look=arriving(max(0, -late_s)),
        detector=Finder(),
    )
    assert not seen_in(outlet)
    assert len(whole(outlet)) <= 4 * AROUND


def test_a_time_that_cannot_be_true_is_not_believed(sometimes: list[Path], tmp_path: Path) -> None:
    def wrong(index: int, picture: AnyPicture) -> AnyPicture:
        assert picture.taken_s is not None
        return replace(picture, taken_s=picture.taken_s + 3600)

    outlet, _ = play_pair(sometimes, tmp_path, change_look=wrong, detector=Finder())
    assert not seen_in(outlet)
    assert len(whole(outlet)) <= 4 * AROUND


def test_while_the_smaller_stream_stands_still_the_main_one_is_covered_whole(
    sometimes: list[Path], tmp_path: Path
) -> None:
    """It stops sending before the thing comes, and does not end."""
    last = 6 * GOP

    def stop_after(index: int, picture: AnyPicture) -> AnyPicture | None:
        return picture if index < last else None

    # Long enough that a busy machine matches the two before, and goes on long enough to say that it cannot any more.
    chosen: dict[str, Any] = {"frames": 2 * FRAMES, "speed": 1.0, "delay_s": 3.0, "punctual": False}
    outlet, _ = play_pair(sometimes, tmp_path, change_look=stop_after, detector=Finder(), **chosen)
    assert not seen_in(outlet)
    after = [shown for shown in decoded(outlet) if round(shown.at_s * RATE) >= last + AROUND]
    assert after
    assert all(map(is_whole, after))
    assert any("no pictures of the same time" in why for why in words(outlet))


def test_pictures_that_the_smaller_stream_leaves_out_are_covered_whole_in_the_main_one_and_no_others(
    empty: list[Path], tmp_path: Path
) -> None:
    gap = range(30, 46)

    def leave_out(index: int, picture: AnyPicture) -> AnyPicture | None:
        return None if index in gap else picture

    outlet, _ = play_pair(empty, tmp_path, frames=FRAMES, change_look=leave_out, detector=Finder())
    numbers = whole(outlet)
    assert set(range(gap.start + AROUND, gap.stop - AROUND)) <= set(numbers)
    assert not set(range(2 * AROUND, gap.start - AROUND)) & set(numbers)
    assert not set(range(gap.stop + AROUND, FRAMES - 2 * AROUND)) & set(numbers)


def other_wall(index: int) -> Rgb:
    return wall(index, seed=1)


def shifted(index: int) -> Rgb:
    return np.roll(wall(index), 15, axis=1)


def zoomed(index: int) -> Rgb:
    picture = wall(index)
    height, width = picture.shape[:2]
    rows, columns = (np.linspace(0.05 * size, 0.95 * size - 1, size).round().astype(int) for size in (height, width))
    return np.ascontiguousarray(picture[rows][:, columns])


@pytest.mark.parametrize("looked_at", [other_wall, shifted, zoomed], ids=["other", "shifted", "zoomed"])
def test_a_stream_that_shows_something_else_leaves_all_covered_whole(
    tmp_path: Path, looked_at: Callable[[int], Rgb]
) -> None:
    clips = make_pair(tmp_path / "clips", FRAMES, thing, looked_at)
    outlet, _ = play_pair(clips, tmp_path / "archive", detector=Finder())
    assert len(whole(outlet)) == len(decoded(outlet)) == FRAMES
    assert any("does not show the same picture" in why for why in words(outlet))


def test_a_stream_that_turns_away_is_noticed_when_it_is_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_pair, "_COMPARE_S", 0.5)
    away, frames = 4 * RATE, 10 * RATE
    clips = make_pair(tmp_path / "clips", frames, wall, lambda i: wall(i) if i < away else other_wall(i))
    outlet, _ = play_pair(clips, tmp_path / "archive", frames=frames, detector=Finder())
    numbers = set(whole(outlet))
    assert not set(range(3 * AROUND, away - AROUND)) & numbers
    assert set(range(away + 4 * RATE, frames)) <= numbers


def test_walls_without_anything_on_them_cannot_be_told_apart(tmp_path: Path) -> None:
    def blank(index: int) -> Rgb:
        return np.full_like(bricks(), 120)

    outlet, _ = play_pair(make_pair(tmp_path / "clips", FRAMES, blank), tmp_path / "archive", detector=Finder())
    assert len(whole(outlet)) == len(decoded(outlet))
    assert any("too little stands out" in why for why in words(outlet))


@pytest.mark.parametrize("which", ["change", "change_look"])
def test_either_stream_that_is_lost_ends_the_connection_after_all_that_came_was_written(
    sometimes: list[Path], tmp_path: Path, which: str
) -> None:
    def lose(index: int, picture: AnyPicture) -> AnyPicture:
        if index == 6 * GOP:
            raise CameraLost("camera street ended the connection")
        return picture

    outlet = Outlet()
    with pytest.raises(CameraLost):
        play_pair(sometimes, tmp_path, outlet=outlet, detector=Finder(), **{which: lose})  # type: ignore[arg-type]
    assert len(decoded(outlet)) > 3 * GOP
    assert not seen_in(outlet)


def test_what_moves_in_the_smaller_stream_is_covered_in_the_main_one(sometimes: list[Path], tmp_path: Path) -> None:
    outlet, _ = play_pair(sometimes, tmp_path, settings=Settings(cover=("motion",)))
    frames = decoded(outlet)
    assert is_whole(frames[0])
    assert len(whole(outlet)) < FRAMES
    assert not seen_in(outlet)
    assert CameraState.LIVE in {state for state, _ in outlet.states}


@pytest.mark.parametrize("settings", [{"bf": "2", "x264-params": "open-gop=0:bframes=2"}, {"gop": 300}])
def test_streams_that_are_not_copied_are_decoded_and_covered(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Reordered frames; and a single GOP that never ends."""
    folder = tmp_path / "clips"
    clips = make_pair(folder, FRAMES, thing)
    clips[0] = make_clip(folder / "reordered.mp4", FRAMES, thing, **settings)
    outlet, _ = play_pair(clips, tmp_path / "archive", detector=Finder())
    assert len(decoded(outlet)) >= FRAMES - GOP
    assert not seen_in(outlet)
    assert len(whole(outlet)) <= 3 * AROUND

from __future__ import annotations

import math
import threading
import time
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from passerby.errors import CameraLost, CameraUnreachable, CameraUnusable, SettingsError
from passerby.read.camera import open_camera
from passerby.read.picture import own
from tests.video_read.clips import STEP, Clip, frames_again, make, read

from .made import GOP, H264, HEVC, MJPEG, address, some


def play(path: Path, count: int) -> list[tuple[int, bool]]:
    with open_camera(address(path), speed=math.inf) as camera:
        return [(picture.frame.pts, picture.frame.damaged) for picture in islice(camera.pictures(), count)]


@pytest.mark.parametrize("clip", [H264, HEVC, MJPEG, Clip(frames=30)], ids=["h264", "hevc", "mjpeg", "reordered"])
def test_a_file_begins_again_at_its_end_and_times_go_on(clip: Clip, tmp_path: Path) -> None:
    got = play(make(tmp_path / "clip.mov", clip), 100)
    assert [pts for pts, _ in got] == [index * STEP for index in range(100)]
    assert not any(damaged for _, damaged in got)


def test_each_round_shows_the_frames_of_the_file(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", Clip(frames=25))
    stored = [[np.array(plane) for plane in frame.planes] for frame in frames_again(read(path).source)]
    with open_camera(address(path), speed=math.inf) as camera:
        for number, picture in enumerate(islice(camera.pictures(), 60)):
            assert all(map(np.array_equal, picture.frame.planes, stored[number % 25]))


def test_a_file_plays_in_real_time(tmp_path: Path) -> None:
    with open_camera(address(make(tmp_path / "clip.mp4", H264)), speed=4) as camera:
        arrived = [picture.arrived_s for picture in some(camera, 45)]
    # It may be late, as this machine may be busy, but never early.
    assert arrived[-1] - arrived[0] >= 44 * 0.04 / 4 - 0.01


def test_packets_of_h264_come_with_their_frames_and_carry_their_times(tmp_path: Path) -> None:
    with open_camera(address(make(tmp_path / "clip.mp4", H264)), speed=math.inf) as camera:
        got = some(camera, 65)
        assert camera.extradata[:1] == b"\1"
    assert all(picture.packet is not None and not picture.why_not_copied for picture in got)
    assert [picture.starts_closed for picture in got] == [index % GOP == 0 for index in range(65)]
    for picture in got:
        assert picture.packet is not None
        assert picture.packet.pts == picture.packet.dts == picture.frame.pts


def test_reordered_frames_come_without_packets(tmp_path: Path) -> None:
    with open_camera(address(make(tmp_path / "clip.mp4", Clip(frames=30))), speed=math.inf) as camera:
        got = some(camera, 50)
    assert any(picture.packet is None for picture in got)
    assert all(picture.why_not_copied == "its frames are reordered" for picture in got if picture.packet is None)


@pytest.mark.parametrize("clip", [HEVC, MJPEG], ids=["hevc", "mjpeg"])
def test_other_codecs_come_without_packets(clip: Clip, tmp_path: Path) -> None:
    with open_camera(address(make(tmp_path / "clip.mov", clip)), speed=math.inf) as camera:
        got = some(camera, 15)
        assert camera.extradata == b""
    assert all(picture.packet is None and "only H.264 is copied" in picture.why_not_copied for picture in got)


def test_painting_a_frame_spreads_to_no_other(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", H264)
    with open_camera(address(path), speed=math.inf) as camera:
        untouched = [[np.array(plane) for plane in picture.frame.planes] for picture in some(camera, 30)]
    with open_camera(address(path), speed=math.inf) as camera:
        for picture, stored in zip(camera.pictures(), untouched, strict=False):
            assert all(map(np.array_equal, picture.frame.planes, stored))
            for plane in own(picture.frame).planes:
                plane[:] = 0


def test_every_picture_says_when_it_arrived(tmp_path: Path) -> None:
    before = time.monotonic()
    with open_camera(address(make(tmp_path / "clip.mp4", H264)), speed=8) as camera:
        got = some(camera, 20)
    assert all(first.arrived_s <= second.arrived_s for first, second in pairwise(got))
    assert before <= got[0].arrived_s
    assert got[-1].arrived_s <= time.monotonic()
    assert all(picture.arrived_at.utcoffset() is not None for picture in got)


def test_reordered_frames_arrive_no_earlier_than_those_shown_before_them(tmp_path: Path) -> None:
    """Else they would look late, and be dropped, when they have only waited for their turn."""
    with open_camera(address(make(tmp_path / "clip.mp4", Clip(frames=30)))) as camera:
        got = some(camera, 30)
    assert all(before.arrived_s <= after.arrived_s for before, after in pairwise(got))
    assert all(before.arrived_at <= after.arrived_at for before, after in pairwise(got))


def test_setting_stop_ends_the_pictures_quietly(tmp_path: Path) -> None:
    stop = threading.Event()
    with open_camera(address(make(tmp_path / "clip.mp4", H264)), stop=stop, speed=0.001) as camera:
        threading.Timer(0.2, stop.set).start()
        began_s = time.monotonic()
        assert len(list(camera.pictures())) <= 30
    # Played to its end it takes 20 minutes; how much less this is, the machine says.
    assert time.monotonic() - began_s < 120


def test_a_file_that_is_gone_or_no_video_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(CameraUnreachable, match="the file of camera front does not exist"):
        open_camera(address(tmp_path / "none.mp4"))
    text = tmp_path / "notes.mp4"
    text.write_text("these are no pictures")
    with pytest.raises(CameraUnusable, match="camera front"):
        open_camera(address(text))


def test_a_file_that_is_taken_away_while_it_plays_is_lost(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", H264)
    with open_camera(address(path), speed=math.inf) as camera:
        pictures = camera.pictures()
        next(pictures)
        path.unlink()
        with pytest.raises(CameraLost, match="camera front"):
            list(islice(pictures, 100))


def test_a_speed_is_above_zero(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        open_camera(address(tmp_path / "clip.mp4"), speed=0)

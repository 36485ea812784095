"""Packets that wait undecoded: a frame that is asked for is the one that decoding everything gives, or is damaged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from passerby.read import camera_held
from passerby.read.camera import CameraAddress, CameraStream, HeldPicture, LivePicture, open_camera
from tests.video_read.clips import Clip, make

from .made import GOP, H264, HEVC, MJPEG, address, pictures, units
from .rtsp import rtsp_server
from .scripted import Script, scripted_camera, steadily

FRAMES = 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clips") / "clip.mp4", H264)


def held(camera: CameraStream, count: int) -> list[LivePicture | HeldPicture]:
    return list(islice(camera.held_pictures(), count))


def opened(path: Path) -> CameraStream:
    return open_camera(CameraAddress.parse("front", str(path), timeout_s=60), speed=20)


def same(one: LivePicture | HeldPicture, other: LivePicture) -> bool:
    return np.array_equal(one.frame.carrier.to_ndarray(), other.frame.carrier.to_ndarray())


@pytest.mark.parametrize("wanted", [range(FRAMES), range(0, FRAMES, 7), [GOP + 4, GOP + 5, 2 * GOP + 9], [FRAMES - 1]])
def test_frames_are_those_that_decoding_all_gives(clip: Path, wanted: Sequence[int]) -> None:
    with opened(clip) as camera:
        everything = list(islice(camera.pictures(), FRAMES))
    with opened(clip) as camera:
        got = held(camera, FRAMES)
        assert [picture.pts for picture in got] == [picture.pts for picture in everything]
        assert [picture.starts_closed for picture in got] == [number % GOP == 0 for number in range(FRAMES)]
        assert all(same(got[number], everything[number]) for number in wanted)
        assert not any(picture.damaged or picture.why_not_copied for picture in got)


def test_a_frame_takes_those_of_its_gop_before_it_and_no_others_through_the_decoder(clip: Path) -> None:
    with opened(clip) as camera:
        got = held(camera, FRAMES)
        assert camera.decoded == GOP  # the first GOP, of which nothing was known
        assert not got[GOP + 4].frame.damaged
        assert camera.decoded == GOP + 5
        assert not got[2 * GOP].frame.damaged
        assert camera.decoded == GOP + 6


def test_packets_are_those_that_are_copied_before_and_after_they_are_decoded(clip: Path) -> None:
    with opened(clip) as camera:
        got = held(camera, FRAMES)[GOP : 2 * GOP]
        before = [(p.packet.pts, p.packet.dts, bytes(p.packet)) for p in got if p.packet]
        assert not got[-1].frame.damaged
        assert [(p.packet.pts, p.packet.dts, bytes(p.packet)) for p in got if p.packet] == before
        assert [pts for pts, _, _ in before] == [p.pts for p in got]


REORDERED = Clip(frames=FRAMES, size=H264.size, settings={"preset": "ultrafast", "g": str(GOP), "bf": "2"})


@pytest.mark.parametrize("other", [HEVC, MJPEG, REORDERED], ids=["hevc", "mjpeg", "reordered"])
def test_what_is_never_copied_is_decoded_as_it_comes(other: Clip, tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mov", other)
    with opened(path) as camera:
        everything = list(islice(camera.pictures(), FRAMES))
    with opened(path) as camera:
        got = held(camera, FRAMES)
        assert all(isinstance(picture, LivePicture) for picture in got)
        assert all(map(same, got, everything))


def test_over_rtsp_it_is_the_same(clip: Path) -> None:
    with rtsp_server(clip) as server:
        everything = pictures(server.url, 3 * GOP)
        with open_camera(address(server.url)) as camera:
            got = held(camera, 3 * GOP)
            assert camera.decoded == GOP
            assert all(map(same, got, everything))
        with open_camera(address(server.url, transport="udp")) as camera:
            assert all(isinstance(picture, LivePicture) for picture in held(camera, 3 * GOP))


def from_script(sent: list[bytes], count: int) -> list[LivePicture | HeldPicture]:
    with scripted_camera(Script(steadily(sent, wait_s=0.005), stays=True)) as url, open_camera(address(url)) as camera:
        got = held(camera, count)
        assert all(picture.frame.damaged == picture.damaged for picture in got)
        return got


def test_after_a_frame_that_never_came_all_are_damaged_up_to_the_next_keyframe_and_none_is_copied() -> None:
    sent = list(units())
    lost = GOP + 4
    got = from_script([*sent[:lost], *sent[lost + 1 :], *sent], 50)
    damaged = [number for number, picture in enumerate(got) if picture.damaged]
    assert damaged == list(range(lost, 2 * GOP - 1))
    assert all(got[number].why_not_copied for number in damaged)
    # The next GOP is decoded at once, and the one after it is held again.
    kinds = [isinstance(picture, HeldPicture) for picture in got]
    assert kinds == [*[False] * GOP, *[True] * (GOP - 1), *[False] * GOP, *[True] * (len(got) - 3 * GOP + 1)]


def test_what_does_not_decode_is_damaged_and_the_next_gop_is_sound() -> None:
    sent = list(units()) + list(units())
    broken = GOP + 3
    sent[broken] = sent[broken][:6] + bytes(len(sent[broken]) - 6)
    got = from_script(sent, 50)
    assert all(picture.damaged for picture in got[broken : 2 * GOP])
    assert not any(picture.damaged for picture in [*got[:broken], *got[2 * GOP :]])


def test_of_a_gop_that_is_long_only_so_much_is_held(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_held, "_MOST_PASSED_BYTES", 100)
    with opened(clip) as camera:
        got = held(camera, FRAMES)
        for picture in got:
            picture.pass_by()
        assert camera.decoded > FRAMES // 2


def test_a_gop_that_nobody_takes_is_given_up_and_its_frames_are_damaged(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_held, "_MOST_HELD_BYTES", 100)
    with opened(clip) as camera:
        got = held(camera, FRAMES)
        frame = got[2 * GOP - 1].frame
        assert frame.damaged
        assert frame.planes[0].max() <= 16

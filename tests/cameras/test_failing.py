"""Cameras that fail in the ways that cameras do."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from passerby.errors import CameraError, CameraLost, CameraUnreachable
from passerby.read.camera import LivePicture, open_camera
from tests.video_read.clips import Clip

from .http_camera import HttpScript, http_camera
from .made import GOP, H264, HEVC, MJPEG, address, pictures, units, until_the_end
from .rtsp import Sent, rtsp_server
from .scripted import START, Picture, Script, h264_sdp, scripted_camera, steadily, wait_for

SECRET = "s3cret-p4ss"
FRAME = 3600


@pytest.mark.parametrize("request_", ["CONNECT", "OPTIONS", "DESCRIBE", "SETUP", "PLAY"])
def test_a_camera_that_hangs_while_connecting_is_given_up_after_the_time_out(request_: str) -> None:
    script = Script(steadily(units()), silent_from=request_)
    with (
        scripted_camera(script) as url,
        pytest.raises(CameraUnreachable, match=r"^camera front cannot be reached: it did not answer within 0\.4 s$"),
    ):
        open_camera(address(url, timeout_s=0.4))


def test_a_camera_that_sends_nothing_is_given_up_after_the_time_out() -> None:
    with (
        scripted_camera(Script(sdp=h264_sdp(units()[0]), stays=True)) as url,
        pytest.raises(CameraUnreachable, match=r"did not answer within 0\.4 s"),
    ):
        open_camera(address(url, timeout_s=0.4))


def test_a_camera_that_falls_silent_is_lost_and_its_last_frames_come_before() -> None:
    with scripted_camera(Script(steadily(units()[:12]), stays=True)) as url:
        got, error = until_the_end(url, timeout_s=3)
    assert isinstance(error, CameraLost)
    assert str(error) == "camera front sent nothing for 3 s"
    assert len(got) == 12


def test_a_camera_that_ends_the_connection_is_lost() -> None:
    with scripted_camera(Script(steadily(units()[:12]))) as url:
        got, error = until_the_end(url)
    assert isinstance(error, CameraLost)
    assert len(got) == 12


@pytest.mark.parametrize("while_connecting", [True, False])
def test_stop_is_noticed_while_a_camera_hangs(while_connecting: bool) -> None:
    stop = threading.Event()
    script = Script(steadily(units()[:5]), silent_from="DESCRIBE" if while_connecting else "", stays=True)
    threading.Timer(0.5, stop.set).start()
    began_s = time.monotonic()
    with scripted_camera(script) as url:
        if while_connecting:
            with pytest.raises(CameraUnreachable, match="on request"):
                open_camera(address(url, timeout_s=60), stop=stop)
        else:
            with open_camera(address(url, timeout_s=60), stop=stop) as camera:
                assert len(list(camera.pictures())) <= 5
        # Far below the time-out; how far, the machine says.
        assert time.monotonic() - began_s < 55


def test_frames_that_come_seldom_come_one_by_one() -> None:
    with scripted_camera(Script(steadily(units()[:4], wait_s=0.6, fps=1 / 0.6))) as url:
        got = pictures(url, 3, timeout_s=20)
    assert [picture.frame.pts for picture in got] == [0, 54000, 108000]
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)


def test_a_camera_at_200_frames_a_second_loses_none() -> None:
    many = [units()[index % 30] for index in range(600)]
    with scripted_camera(Script(steadily(many, fps=200, wait_s=0.005))) as url:
        got = pictures(url, 500)
    assert [picture.frame.pts for picture in got] == [index * 450 for index in range(500)]
    assert not any(picture.frame.damaged for picture in got)


@pytest.mark.parametrize(
    "garbage",
    [b"\xff" * 5000, b"$\0\xff\xff" + b"\0" * 200, b"$\0\0\x20" + bytes(range(32)), b"RTSP/1.0 500 Sorry\r\n\r\n"],
    ids=["bytes", "a length without content", "a packet", "an answer"],
)
def test_garbage_gives_damaged_frames_or_loses_the_camera(garbage: bytes) -> None:
    steps = steadily(units(), wait_s=0.005)
    steps[15] = Picture(steps[15].data, steps[15].timestamp, garbage=garbage)
    with scripted_camera(Script(steps)) as url:
        got, error = until_the_end(url)
    assert isinstance(error, CameraLost)
    assert all(before.frame.pts < after.frame.pts for before, after in pairwise(got))
    stored = [np.array(picture.frame.planes[0]) for picture in pictures_of_a_sound_camera()]
    for picture in got:
        shown = [np.array_equal(picture.frame.planes[0], plane) for plane in stored]
        assert picture.frame.damaged or any(shown)


def pictures_of_a_sound_camera() -> list[LivePicture]:
    with scripted_camera(Script(steadily(units()))) as url:
        return list(until_the_end(url)[0])


def test_a_camera_that_sends_only_garbage_is_unusable_or_unreachable() -> None:
    noise = np.random.default_rng(1)
    steps = [Picture(b"\0\0\1\x41" + noise.bytes(300), START + index * FRAME) for index in range(30)]
    with scripted_camera(Script(steps, sdp=h264_sdp(units()[0]))) as url, pytest.raises(CameraError):
        open_camera(address(url, timeout_s=1))


def test_a_frame_that_never_arrives_damages_those_predicted_from_it() -> None:
    steps = steadily(units())
    del steps[GOP + 4]
    with scripted_camera(Script(steps)) as url:
        got = until_the_end(url)[0]
    damaged = [picture.frame.damaged for picture in got]
    assert damaged == [False] * (GOP + 4) + [True] * (GOP - 5) + [False] * GOP
    assert [bool(picture.why_not_copied) for picture in got] == damaged


def test_a_damaged_packet_gives_a_damaged_frame_and_so_do_those_after_it() -> None:
    steps = steadily(units())
    spoiled = bytearray(steps[3].data)
    spoiled[100:] = b"\0\1" * ((len(spoiled) - 100) // 2)
    steps[3] = Picture(bytes(spoiled), steps[3].timestamp)
    with scripted_camera(Script(steps)) as url:
        got = until_the_end(url)[0]
    assert [picture.frame.damaged for picture in got] == [False] * 3 + [True] * (GOP - 3) + [False] * 2 * GOP
    assert len(got) == 30


@pytest.mark.parametrize("after_idr", [True, False])
def test_every_packet_that_does_not_decode_is_a_damaged_frame(after_idr: bool) -> None:
    noise, steps = np.random.default_rng(1), steadily(units())
    spoiled = range(3, GOP) if after_idr else range(3, 3 * GOP)
    for index in spoiled:
        steps[index] = Picture(b"\0\0\1\x41\x9a" + noise.bytes(60).replace(b"\0", b"\1"), steps[index].timestamp)
    with scripted_camera(Script(steps)) as url:
        got = until_the_end(url)[0]
    assert len(got) == 30
    assert [index for index, picture in enumerate(got) if picture.frame.damaged] == list(spoiled)


@pytest.mark.parametrize(
    "jump", [lambda _: 5, lambda index: -index * FRAME, lambda index: index * FRAME + 90000 * 3600 * (index >= 15)]
)
def test_wrong_timestamps_are_replaced_and_never_fall_back(jump: object) -> None:
    assert callable(jump)
    steps = steadily(units(), timestamp=lambda index: START + jump(index), wait_s=0.02)
    with scripted_camera(Script(steps)) as url:
        got = until_the_end(url)[0]
    assert len(got) == 30
    pts = [picture.frame.pts for picture in got]
    assert all(before < after for before, after in pairwise(pts))
    played_s, took_s = (pts[-1] - pts[0]) / 90000, got[-1].arrived_s - got[0].arrived_s
    assert played_s < took_s + 1.5


def test_the_gop_in_which_times_jump_is_not_copied_and_the_next_one_is() -> None:
    steps = steadily(
        units(), timestamp=lambda index: START + index * FRAME + 90000 * 3600 * (index >= GOP + 5), wait_s=0.02
    )
    with scripted_camera(Script(steps)) as url:
        got = until_the_end(url)[0]
    reasons = [picture.why_not_copied for picture in got]
    assert reasons == [""] * (GOP + 5) + ["times had to be repaired"] * (GOP - 5) + [""] * GOP
    assert all(picture.packet is not None and picture.packet.pts == picture.frame.pts for picture in got)


@pytest.mark.parametrize("clip", [H264, HEVC], ids=["h264", "hevc"])
def test_another_size_on_the_way_loses_the_camera(clip: Clip) -> None:
    sent = [*units(clip), *units(replace(clip, size=(192, 112)))]
    with rtsp_server(codec="h264" if clip is H264 else "hevc", packets=timed(sent), round_s=10) as server:
        got, error = until_the_end(server.url)
    assert isinstance(error, CameraLost)
    assert "camera front changed" in str(error)
    assert len(got) == 30
    assert {picture.frame.size for picture in got} == {(160, 96)}


def test_another_size_over_http_loses_the_camera() -> None:
    sent = [*units(MJPEG), *units(replace(MJPEG, size=(192, 112)))]
    with http_camera(HttpScript(sent, gap_s=0.001)) as url:
        got, error = until_the_end(url)
    assert str(error) == "camera front changed its pictures from 160x96 yuvj420p to 192x112 yuvj420p"
    assert len(got) == 30


def timed(packets: Sequence[bytes]) -> list[Sent]:
    return [Sent(index * 0.02, data) for index, data in enumerate(packets)]


def test_a_camera_that_nobody_takes_pictures_from_leaves_out_up_to_a_keyframe(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, sound = [*units()] * 4, pictures_of_a_sound_camera()
    monkeypatch.setattr("passerby.read.camera_packets._MOST_WAITING_BYTES", sum(map(len, units()[:14])))
    with scripted_camera(Script(steadily(sent, fps=100, wait_s=0.01))) as url, open_camera(address(url)) as camera:
        pictures = camera.pictures()
        got = [next(pictures)]
        assert wait_for(lambda: camera.dropped >= 5)
        with pytest.raises(CameraLost):
            got.extend(pictures)
        assert len(got) == len(sent) - camera.dropped
    places = [picture.frame.pts // 900 for picture in got]
    after = next(index for index in range(1, len(got)) if places[index] != places[index - 1] + 1)
    assert got[after].starts_closed
    for picture, place in zip(got, places, strict=True):
        assert not picture.frame.damaged
        assert np.array_equal(picture.frame.planes[0], sound[place % 30].frame.planes[0])


def test_a_camera_that_is_met_within_a_gop_begins_with_its_first_keyframe() -> None:
    script = Script(steadily(units()[4:]), sdp=h264_sdp(units()[0]))
    with scripted_camera(script) as url:
        got, _ = until_the_end(url)
    assert len(got) == 2 * GOP
    assert got[0].starts_closed
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)


def test_a_missing_frame_of_hevc_damages_those_predicted_from_it() -> None:
    sent = timed(units(HEVC))
    del sent[GOP + 4]
    with rtsp_server(codec="hevc", packets=sent, round_s=0.6) as server:
        got = pictures(server.url, 29)
    assert [picture.frame.damaged for picture in got] == [False] * (GOP + 4) + [True] * (GOP - 5) + [False] * GOP

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from passerby import nal
from passerby.errors import CameraLost
from passerby.read.camera import open_camera
from passerby.read.camera_h264 import FrameNumbers, annex_b, standing_sets
from passerby.read.copying import PARAMETERS_CHANGE, H264Judge, judge_of
from tests.video_read.clips import X264, Clip, make

from .made import GOP, H264, address, some, units, until_the_end
from .rtsp import packets_of
from .scripted import Script, h264_sdp, scripted_camera, steadily

START_CODE = b"\0\0\0\1"
PLAIN = dict(H264.settings)
JUDGED = {
    "plain": H264,
    "main": replace(H264, settings=PLAIN | {"preset": "veryfast", "profile": "main"}),
    "high": replace(H264, settings=PLAIN | {"preset": "veryfast", "profile": "high"}),
    "odd size": replace(H264, size=(182, 98)),
    "4:2:2": replace(H264, pixel_format="yuv422p"),
    "4:4:4": replace(H264, pixel_format="yuv444p"),
    "10 bits": replace(H264, pixel_format="yuv420p10le"),
    "fields": replace(H264, settings=PLAIN | {"flags": "+ildct+ilme", "x264-params": "tff=1"}),
    "slices": replace(H264, settings=PLAIN | {"slices": "4"}),
    "reordered": replace(H264, settings=X264),
}


def whole(data: bytes) -> Packet[VideoStream]:
    packet: Packet[Any] = Packet(data)
    return packet


def packet(*parts: bytes) -> Packet[VideoStream]:
    return whole(b"".join(START_CODE + unit for unit in parts))


def parts(data: bytes) -> list[bytes]:
    return list(nal.annex_b_units(data))


def of_kind(data: bytes, kind: int) -> bytes:
    return next(unit for unit in parts(data) if nal.unit_type(unit) == kind)


def live_judge(data: Sequence[bytes], pixel_format: str = "yuv420p") -> H264Judge:
    return H264Judge(b"", standing_sets(b"", data[0]), pixel_format, start_codes=True)


@pytest.mark.parametrize("clip", JUDGED.values(), ids=JUDGED.keys())
def test_a_stream_is_judged_alike_in_annex_b_and_in_mp4(clip: Clip, tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4", clip)
    sent = [sent.data for sent in packets_of(path)[1]]
    live = live_judge(sent, clip.pixel_format)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        stored = judge_of(stream, "mov,mp4", clip.pixel_format)
        for data, there in zip(sent, (packet for packet in file.demux(stream) if packet.size), strict=True):
            here = whole(data)
            assert live.starts_closed(here) == stored.starts_closed(there)
            assert live.why_not(here) == stored.why_not(there)


def test_only_plain_pictures_are_copied() -> None:
    data = units()
    assert [live_judge(data).why_not(whole(sent)) for sent in data] == [""] * 30


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (b"\x07\x42\xc0\x0b\xda\x0a\x36\x85", PARAMETERS_CHANGE),
        (b"\x68\xce\x0f\xc9", PARAMETERS_CHANGE),
        (b"\x13\x88\x84", "pictures or data besides the shown ones"),
        (b"\x74\x88\x84", "pictures or data besides the shown ones"),
        (b"\x18\x00\x01\x02", "pictures or data besides the shown ones"),
        (b"\x41\x9a\x00", "packets that are not one picture each"),
    ],
    ids=["another sequence", "another picture set", "auxiliary picture", "another view", "unknown", "second picture"],
)
def test_what_stands_beside_the_picture_keeps_it_from_being_copied(more: bytes, why: str) -> None:
    data = units()
    assert live_judge(data).why_not(packet(*parts(data[1]), more)) == why


def test_after_other_parameter_sets_nothing_is_copied() -> None:
    judge, data = live_judge(units()), units()
    assert judge.why_not(packet(b"\x68\xce\x0f\xc9", *parts(data[GOP]))) == PARAMETERS_CHANGE
    assert judge.why_not(whole(data[GOP])) == PARAMETERS_CHANGE


def test_of_two_parameter_sets_with_one_number_that_of_the_pictures_stands() -> None:
    small, large = units()[0], units(replace(H264, size=(192, 112)))[0]
    sets = standing_sets(b"".join(START_CODE + of_kind(large, kind) for kind in (nal.SPS, nal.PPS)), small)
    assert sets.sps == (of_kind(small, nal.SPS),)
    assert standing_sets(annex_b(sets), b"") == sets


def test_a_session_that_tells_old_parameter_sets_does_not_hinder_copying() -> None:
    old = h264_sdp(units(replace(H264, size=(192, 112)))[0])
    with scripted_camera(Script(steadily(units()), sdp=old)) as url, open_camera(address(url)) as camera:
        got = some(camera, 20)
        assert of_kind(camera.extradata, nal.SPS) == of_kind(units()[0], nal.SPS)
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)


def test_a_session_that_tells_none_does_not_either() -> None:
    silent = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
    with scripted_camera(Script(steadily(units()), sdp=silent)) as url, open_camera(address(url)) as camera:
        got = some(camera, 20)
        assert of_kind(camera.extradata, nal.SPS) == of_kind(units()[0], nal.SPS)
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)


def test_other_parameter_sets_on_the_way_lose_the_camera() -> None:
    high = replace(H264, settings=PLAIN | {"preset": "veryfast", "profile": "high"})
    sent = [*units()[:15], *_sent(high)]
    with scripted_camera(Script(steadily(sent))) as url:
        got, error = until_the_end(url)
    assert isinstance(error, CameraLost)
    assert str(error) == "camera front changed how it encodes its pictures"
    assert len(got) == 15


def _sent(clip: Clip) -> list[bytes]:
    with TemporaryDirectory() as folder:
        return [sent.data for sent in packets_of(make(Path(folder, "clip.mp4"), clip))[1]]


def test_the_packets_of_a_gop_show_the_frames_that_were_looked_at() -> None:
    with scripted_camera(Script(steadily(units()))) as url, open_camera(address(url)) as camera:
        got, extradata = some(camera, 2 * GOP), camera.extradata
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = extradata
    shown = []
    for picture in got[GOP:]:
        assert picture.packet is not None
        shown += decoder.decode(picture.packet)
    shown += decoder.decode(None)
    assert len(shown) == GOP
    for frame, picture in zip(shown, got[GOP:], strict=True):
        assert np.array_equal(frame.to_ndarray(), picture.frame.carrier.to_ndarray())
        assert frame.pts == picture.frame.pts
        assert picture.frame.time_base == Fraction(1, 90000)


@pytest.mark.parametrize("left_out", range(1, 30))
def test_a_frame_that_others_need_is_missed_before_the_next_one(left_out: int) -> None:
    data = units()
    numbers = FrameNumbers(standing_sets(b"", data[0]))
    missing = [numbers.missing(parts(sent)) for number, sent in enumerate(data) if number != left_out]
    # The next GOP starts anew, whether the last frame of the one before arrived or not.
    noticed = left_out % GOP != GOP - 1 and left_out % GOP != 0
    expected = [False] * 29
    if noticed or (left_out % GOP == 0):
        expected[left_out] = True
    assert missing == expected


@pytest.mark.parametrize("clip", ["main", "high", "slices", "reordered"])
def test_nothing_is_missed_in_a_whole_stream(clip: str, tmp_path: Path) -> None:
    data = [sent.data for sent in packets_of(make(tmp_path / "clip.mp4", JUDGED[clip]))[1]]
    numbers = FrameNumbers(standing_sets(b"", data[0]))
    assert not any(numbers.missing(parts(sent)) for sent in data)

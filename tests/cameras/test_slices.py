"""Pictures in several slices, as many cameras send them, and parameter sets wherever a camera puts them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest

from passerby import nal
from passerby.errors import CameraError
from passerby.read.camera import LivePicture, open_camera
from tests.video_read.clips import make

from .made import GOP, H264, HEVC, address, pictures, some, units, until_the_end
from .rtsp import packets_of, rtsp_server
from .scripted import Script, h264_sdp, scripted_camera, steadily

SLICES = 4
SLICED = replace(H264, settings=dict(H264.settings) | {"slices": str(SLICES)})
SLICED_HEVC = replace(
    HEVC, size=(480, 272), settings=dict(HEVC.settings) | {"x265-params": HEVC.settings["x265-params"] + ":slices=2"}
)
SETS = (nal.SPS, nal.PPS)
NO_SETS_TOLD = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n"


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("clips") / "clip.mp4", SLICED)


@pytest.fixture(scope="module")
def sent(sliced: Path) -> list[bytes]:
    return [one.data for one in packets_of(sliced)[1]]


def annex_b(units: Sequence[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def damage(got: Sequence[LivePicture]) -> str:
    return "".join("x" if picture.frame.damaged else "." for picture in got)


def played(sent: Sequence[bytes], sdp: str = "") -> list[LivePicture]:
    with scripted_camera(Script(steadily(sent), sdp=sdp)) as url:
        return until_the_end(url)[0]


def as_gstreamer_sends(data: bytes) -> bytes:
    """With the parameter sets before every slice."""
    all_units = list(nal.annex_b_units(data))
    sets = [unit for unit in all_units if nal.unit_type(unit) in SETS]
    slices = [unit for unit in all_units if nal.unit_type(unit) in (nal.IDR, nal.SLICE)]
    return annex_b([unit for one in slices for unit in (*sets, one)])


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_in_slices_are_whole(sliced: Path, sent: list[bytes], transport: str) -> None:
    """The server repeats the parameter sets before each slice of an IDR picture."""
    assert len([unit for unit in nal.annex_b_units(sent[0]) if nal.unit_type(unit) == nal.IDR]) == SLICES
    with av.open(str(sliced)) as file:
        stored = [frame.to_ndarray() for frame in file.decode(video=0)]
    with rtsp_server(sliced) as server:
        got = pictures(server.url, 65, transport=transport)
    for number, picture in enumerate(got):
        assert np.array_equal(picture.frame.carrier.to_ndarray(), stored[number % 30])
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)
    assert [picture.starts_closed for picture in got] == [number % GOP == 0 for number in range(65)]
    assert [picture.frame.pts - got[0].frame.pts for picture in got] == [number * 3600 for number in range(65)]


def test_pictures_of_hevc_in_slices_are_whole(tmp_path: Path) -> None:
    with rtsp_server(make(tmp_path / "clip.mov", SLICED_HEVC)) as server:
        assert damage(pictures(server.url, 35)) == "." * 35


@pytest.mark.parametrize("how", [bytes, as_gstreamer_sends], ids=["in one piece", "in pieces"])
@pytest.mark.parametrize("left_out", range(SLICES))
@pytest.mark.parametrize("at", [0, GOP])
def test_an_idr_picture_without_one_of_its_slices_is_damaged(
    sent: list[bytes], how: Callable[[bytes], bytes], left_out: int, at: int
) -> None:
    """And so is what is predicted from it; the next GOP is sound."""
    whole = list(nal.annex_b_units(sent[at]))
    first = next(number for number, unit in enumerate(whole) if nal.unit_type(unit) == nal.IDR)
    less = annex_b(whole[: first + left_out] + whole[first + left_out + 1 :])
    broken = [less if number == at else data for number, data in enumerate(sent)]
    told = damage(played([how(data) if number % GOP == 0 else data for number, data in enumerate(broken)]))
    lost = len(told) - len(sent)
    assert set(told[at : at + GOP + lost]) == {"x"}
    assert told[:at] + told[at + GOP + lost :] == "." * (len(sent) - GOP)


def test_a_slice_that_is_missing_later_damages_the_rest_of_its_gop(sent: list[bytes]) -> None:
    whole = list(nal.annex_b_units(sent[GOP + 3]))
    broken = [*sent[: GOP + 3], annex_b(whole[:2] + whole[3:]), *sent[GOP + 4 :]]
    assert damage(played(broken)) == "." * (GOP + 3) + "x" * (GOP - 3) + "." * GOP


def test_two_pictures_at_one_time_stay_two() -> None:
    """They begin anew, each with its first slice: nothing is put together that does not belong together."""
    twice = [*units()[: GOP + 1], *units()[GOP:]]
    script = Script(steadily(twice, timestamp=lambda index: 5000 + 3600 * (index - (index > GOP))))
    with scripted_camera(script) as url:
        assert len(until_the_end(url)[0]) == len(twice)


def test_a_camera_that_begins_to_send_in_pieces_later_is_whole_from_the_second_of_them_on(sent: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        plain = [one.data for one in packets_of(make(Path(folder, "clip.mp4"), replace(SLICED, frames=GOP)))[1]]
    told = damage(played([*plain, *(as_gstreamer_sends(sent[at]) if at % GOP == 0 else sent[at] for at in range(30))]))
    assert told.startswith("." * GOP + "x")
    assert told.endswith("." * 2 * GOP)


@pytest.mark.parametrize(
    ("in_session", "in_band"), [(True, False), (False, True), (True, True)], ids=["session", "band", "both"]
)
def test_parameter_sets_may_come_in_the_session_or_with_the_pictures(in_session: bool, in_band: bool) -> None:
    data = list(units())
    told = h264_sdp(data[0]) if in_session else NO_SETS_TOLD
    if not in_band:
        data = [annex_b([u for u in nal.annex_b_units(one) if nal.unit_type(u) not in SETS]) for one in data]
    with scripted_camera(Script(steadily(data), sdp=told)) as url, open_camera(address(url)) as camera:
        got = some(camera, 25)
        sets = {nal.unit_type(unit) for unit in nal.annex_b_units(camera.extradata)}
    assert sets == set(SETS)
    assert not any(picture.frame.damaged or picture.why_not_copied for picture in got)


def test_of_a_camera_that_tells_no_parameter_sets_nothing_is_shown() -> None:
    data = [annex_b([u for u in nal.annex_b_units(one) if nal.unit_type(u) not in SETS]) for one in units()]
    with scripted_camera(Script(steadily(data), sdp=NO_SETS_TOLD)) as url, pytest.raises(CameraError):
        open_camera(address(url, timeout_s=5))

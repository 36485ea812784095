from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition

from passerby import nal
from passerby.media import Gop
from passerby.read.video import open_video

from .clips import X264, Clip, add_video, again, make, read


def why_not(path: Path) -> set[str]:
    return {gop.why_not for gop in read(path).source.gops}


def test_every_idr_picture_starts_a_gop_that_can_be_copied(tmp_path: Path) -> None:
    source = read(make(tmp_path / "clip.mp4")).source
    assert [gop.index for gop in source.gops] == [0, 1, 2, 3]
    for gop in source.gops:
        assert gop.copyable
        assert gop.why_not == ""
        assert len(gop.pts) == len(gop.dts) == 10
        assert gop.dts[0] <= gop.pts[0]


def test_an_open_gop_starts_none(tmp_path: Path) -> None:
    settings = X264 | {"preset": "veryfast", "g": "10", "x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0"}
    path = make(tmp_path / "open.mp4", Clip(settings=settings))
    with av.open(str(path)) as file:
        keyframes = sum(packet.is_keyframe for packet in file.demux(video=0))
    got = read(path)
    assert keyframes == 4
    assert len(got.source.gops) == 1
    assert again(got.source, copy=True) == got.pts


def test_very_short_gops_are_joined(tmp_path: Path) -> None:
    source = read(make(tmp_path / "intra.mp4", Clip(settings=X264 | {"g": "1"}))).source
    assert [len(gop.pts) for gop in source.gops] == [8] * 5
    assert all(gop.copyable for gop in source.gops)


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (Clip(format="matroska"), "only MP4 and MOV are copied"),
        (Clip(format="mpegts"), "only MP4 and MOV are copied"),
        (Clip(pixel_format="yuv420p10le"), "pixel format yuv420p10le"),
        (Clip(pixel_format="yuv444p"), "pixel format yuv444p"),
        (Clip(settings=X264 | {"flags": "+ildct+ilme", "x264-params": "tff=1"}), "may hold fields (interlaced)"),
        (Clip("mpeg4", tick=Clip().tick, settings={"g": "10"}), "only H.264 is copied, not mpeg4"),
    ],
    ids=["matroska", "ts", "10 bit", "4:4:4", "interlaced", "mpeg4"],
)
def test_a_gop_that_cannot_be_copied_says_why(clip: Clip, reason: str, tmp_path: Path) -> None:
    assert why_not(make(tmp_path / "clip", clip)) == {reason}


def _with_units(packet: av.Packet[Any], units: list[bytes]) -> av.Packet[Any]:
    data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units) + bytes(packet)
    changed: av.Packet[Any] = av.Packet(data)
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.is_keyframe, changed.duration = packet.is_keyframe, packet.duration
    return changed


def _remux(source: Path, target: Path, units: dict[int, list[bytes]]) -> Path:
    """A copy with extra NAL units before those of some packets."""
    with av.open(str(source)) as file, av.open(str(target), "w", format="mp4") as out:
        stream = file.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for number, packet in enumerate(file.demux(stream)):
            if packet.size:
                changed = _with_units(packet, units.get(number, []))
                changed.stream = copy
                out.mux(changed)
    return target


def test_parameter_sets_that_change_on_the_way_rule_out_the_rest(tmp_path: Path) -> None:
    source = make(tmp_path / "clip.mp4")
    with av.open(str(source)) as file:
        sets = nal.read_avcc(file.streams.video[0].codec_context.extradata or b"")
    assert sets is not None
    same = read(_remux(source, tmp_path / "same.mp4", {10: [*sets.sps, *sets.pps]})).source
    assert all(gop.copyable for gop in same.gops)
    # Another PPS under another number, which nothing uses.
    other = bytes([0x68, 0b01001110, 0x38, 0x80])
    changed = read(_remux(source, tmp_path / "other.mp4", {20: [other]})).source
    assert [gop.copyable for gop in changed.gops] == [True, True, False, False]
    assert changed.gops[3].why_not == "the parameter sets change"


def test_parameter_sets_that_something_follows_are_not_copied(tmp_path: Path) -> None:
    clip, longer = make(tmp_path / "clip.mp4"), tmp_path / "longer.mp4"
    with av.open(str(clip)) as file:
        avcc = file.streams.video[0].codec_context.extradata or b""
    length, secret = int.from_bytes(avcc[6:8], "big"), b"52.5200N 13.4050E"
    changed = avcc[:6] + (length + len(secret)).to_bytes(2, "big") + avcc[8 : 8 + length] + secret + avcc[8 + length :]
    with av.open(str(clip)) as file, av.open(str(longer), "w") as out:
        stream = file.streams.video[0]
        copy = out.add_stream_from_template(stream)
        copy.codec_context.extradata = changed
        for packet in file.demux(stream):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    assert why_not(longer) == {"something follows the parameter sets"}


def test_a_picture_besides_the_shown_ones_rules_out_its_gop(tmp_path: Path) -> None:
    auxiliary = bytes([0x73, 0x88, 0x84, 0x21, 0xA0])
    source = read(_remux(make(tmp_path / "clip.mp4"), tmp_path / "more.mp4", {12: [auxiliary]})).source
    assert [gop.copyable for gop in source.gops] == [True, False, True, True]
    assert source.gops[1].why_not == "pictures or data besides the shown ones"


def test_a_packet_with_two_pictures_rules_out_its_gop(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4")
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0)]
    second = [unit for unit in nal.prefixed_units(packets[25], 4) if nal.unit_type(unit) == nal.SLICE]
    source = read(_remux(path, tmp_path / "more.mp4", {24: second})).source
    assert [gop.copyable for gop in source.gops] == [True, True, False, True]


def _crop(width: int) -> str:
    return f"h264_metadata=crop_right={width}"


@pytest.mark.parametrize(("pixels", "copyable"), [(14, True), (48, False)])
def test_a_gop_whose_sps_crops_away_more_than_15_pixels_is_not_copied(
    pixels: int, copyable: bool, tmp_path: Path
) -> None:
    from av.bitstream import BitStreamFilterContext

    source = make(tmp_path / "clip.mp4")
    with av.open(str(source)) as file, av.open(str(tmp_path / "cropped.mp4"), "w") as out:
        stream = file.streams.video[0]
        copy = out.add_stream_from_template(stream)
        bits = BitStreamFilterContext(_crop(pixels), stream, copy)
        for packet in file.demux(stream):
            for changed in bits.filter(packet if packet.size else None):
                changed.stream = copy
                out.mux(changed)
    got = read(tmp_path / "cropped.mp4")
    assert got.source.info.width == 160 - pixels
    assert all(gop.copyable is copyable for gop in got.source.gops)
    if not copyable:
        assert got.source.gops[0].why_not == "crops away more than 15 pixels"
    assert next(iter(got.source.frames())).size == (160 - pixels, 96)


def test_runs_hold_one_gop_to_copy_or_a_maximal_stretch_to_decode(tmp_path: Path) -> None:
    got = read(make(tmp_path / "clip.mp4", Clip(frames=60)))
    asked: list[int] = []

    def clear(gop: Gop) -> bool:
        asked.append(gop.index)
        return gop.index in (0, 3, 4)

    shape, pts = [], []
    for run in got.source.runs(clear):
        assert (run.packets is None) != (run.frames is None)
        shape.append(([gop.index for gop in run.gops], run.packets is not None))
        if run.packets is not None:
            packets = list(run.packets)
            assert [packet.dts for packet in packets] == run.gops[0].dts.tolist()
            pts += sorted(packet.pts for packet in packets if packet.pts is not None)
        if run.frames is not None:
            pts += [frame.pts for frame in run.frames]
    assert shape == [([0], True), ([1, 2], False), ([3], True), ([4], True), ([5], False)]
    assert pts == got.pts
    assert asked == [0, 1, 2, 3, 4, 5]


def test_a_run_that_is_not_used_up_is_skipped(tmp_path: Path) -> None:
    got = read(make(tmp_path / "clip.mp4", Clip(frames=60)))
    last: list[int] = []
    for run in got.source.runs(lambda gop: gop.index % 2 == 0):
        if run.frames is not None and run.gops[0].index == 5:
            last = [frame.pts for frame in run.frames]
        elif run.frames is not None:
            next(run.frames)
    assert last == got.pts[50:]


def test_copied_packets_are_those_of_the_file_byte_by_byte(tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4")
    with av.open(str(path)) as file:
        whole = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    copied = [bytes(packet) for run in read(path).source.runs(lambda gop: True) for packet in run.packets or ()]
    assert copied == whole


def test_the_largest_stream_is_the_video_and_the_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as file:
        sizes = [(96, 64), (160, 96)]
        clips = [Clip(size=size, frames=12) for size in sizes]
        streams = [file.add_stream("libx264", 25) for _ in clips]
        sound = file.add_stream("aac", 8000)
        for stream, clip in zip(streams, clips, strict=True):
            stream.width, stream.height = clip.size
        for index in range(12):
            for stream, clip in zip(streams, clips, strict=True):
                frame = av.VideoFrame(*clip.size, "yuv420p")
                frame.pts = index
                file.mux(stream.encode(frame))
        for stream in streams:
            file.mux(stream.encode(None))
        silence = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        silence.sample_rate, silence.pts = 8000, 0
        for plane in silence.planes:
            plane.update(bytes(plane.buffer_size))
        file.mux(sound.encode(silence))
        file.mux(sound.encode(None))
        file.set_chapters([{"id": 1, "start": 0, "end": 100, "time_base": Clip().tick, "metadata": {"title": "Ann"}}])
    info = open_video(path).info
    assert (info.stream_index, info.width) == (1, 160)
    assert info.dropped[:2] == ("second video stream (h264, 96x64)", "audio (aac)")
    assert info.dropped[-1] == "chapters"
    assert "Ann" not in repr(info)


def test_an_attached_picture_is_never_the_video(tmp_path: Path) -> None:
    path = tmp_path / "cover.mp4"
    with av.open(str(path), "w") as file:
        cover = file.add_stream("mjpeg", 25)
        cover.width, cover.height, cover.pix_fmt = 320, 200, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        packets = cover.encode(av.VideoFrame(320, 200, "yuvj420p"))
        add_video(file, Clip(frames=5))
        file.mux(packets)
        file.mux(cover.encode(None))
    info = open_video(path).info
    assert (info.width, info.codec) == (160, "h264")
    assert info.dropped == ("attached cover picture (mjpeg)",)


def test_tags_are_told_by_name_never_by_value(tmp_path: Path) -> None:
    path = tmp_path / "tags.mp4"
    with av.open(str(path), "w", container_options={"movflags": "use_metadata_tags"}) as file:
        file.metadata.update(
            {"title": "Birthday of Ann", "location": "+52.5+013.4/", "com.apple.quicktime.make": "Cam"}
        )
        add_video(file, Clip(frames=3))
    info = open_video(path).info
    assert {"title", "location", "com.apple.quicktime.make"} <= set(info.metadata)
    assert "Ann" not in repr(info)
    assert "52.5" not in repr(info)

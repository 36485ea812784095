from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from passerby.errors import SourceUnreadable
from passerby.media import VideoInfo
from passerby.read.cut import CutOff
from passerby.read.damage import LONGEST_LIST, DamageBook
from passerby.read.gops import GopDraft
from passerby.read.order import Group, Shown, Slot
from passerby.read.video import open_video

from .clips import BASE, STEP, X264, Clip, again, cut, frames_again, make, read, spoil

SEVERAL = X264 | {"preset": "veryfast", "bf": "3"}
FAST_START = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.001, 0.1])
def test_a_spoiled_video_keeps_its_frames_and_times_and_every_altered_one_is_damaged(
    share: float, seed: int, tmp_path: Path
) -> None:
    whole = make(tmp_path / "whole.mp4", Clip(frames=60, settings=SEVERAL))
    before = read(whole, keep_planes=True)
    got = read(spoil(whole, share, tmp_path / "spoiled.mp4", seed), keep_planes=True)
    assert got.pts == before.pts
    for damaged, now, then in zip(got.damaged, got.planes, before.planes, strict=True):
        same = all(np.array_equal(one, other) for one, other in zip(now, then, strict=True))
        # A few flipped bytes may also decode without an error to another picture, which is then the one looked at.
        assert same or damaged or share < 0.01
    damage = got.source.damage
    assert not damage.whole
    assert damage.frames_damaged == sum(got.damaged) > 0
    assert damage.frames_expected == 60
    assert not damage.truncated
    assert damage.stretches[0].pts_from == got.pts[got.damaged.index(True)]
    assert again(got.source) == got.pts


def test_the_second_pass_hands_out_the_same_damaged_frames(tmp_path: Path) -> None:
    got = read(spoil(make(tmp_path / "whole.mp4", Clip(frames=60)), 0.02, tmp_path / "spoiled.mp4"))
    for run in got.source.runs(lambda gop: True):
        if run.frames is not None:
            for frame in run.frames:
                assert frame.damaged >= got.damaged[got.pts.index(frame.pts)]


def test_damage_ends_with_its_gop(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mp4", Clip(frames=40))
    data = bytearray(whole.read_bytes())
    source = read(whole).source
    packets = [packet for run in source.runs(lambda gop: True) for packet in run.packets or ()]
    hit = packets[14]
    assert hit.pos is not None
    data[hit.pos + 8 : hit.pos + hit.size] = bytes(hit.size - 8)
    spoiled = tmp_path / "spoiled.mp4"
    spoiled.write_bytes(data)
    got = read(spoiled)
    assert got.pts == [index * STEP for index in range(40)]
    assert not any(got.damaged[:10])
    assert any(got.damaged[10:20])
    assert not any(got.damaged[20:])
    assert [gop.copyable for gop in got.source.gops] == [True, False, True, True]
    assert got.source.gops[1].why_not == "damaged"
    assert again(got.source, copy=True) == got.pts


def test_a_picture_that_never_came_out_is_replaced_by_black_in_both_passes(tmp_path: Path) -> None:
    got = read(spoil(make(tmp_path / "whole.mp4", Clip(frames=60)), 0.2, tmp_path / "spoiled.mp4"), keep_planes=True)
    assert got.source.damage.frames_replaced > 5
    black = [
        np.all(luma == 16) and np.all(first == 128) and np.all(second == 128) for luma, first, second in got.planes
    ]
    assert sum(black) >= got.source.damage.frames_replaced
    for frame in frames_again(got.source):
        if black[got.pts.index(frame.pts)]:
            assert np.all(frame.planes[0] == 16)
            assert frame.damaged


def test_an_mp4_cut_off_before_its_index_cannot_be_opened_and_the_hint_says_why(tmp_path: Path) -> None:
    path = cut(make(tmp_path / "whole.mp4"), 0.6, tmp_path / "part.mp4")
    with pytest.raises(SourceUnreadable, match=r"part\.mp4 cannot be opened, because the index .* missing") as refused:
        open_video(path)
    assert refused.value.hint is not None
    assert "cut off" in refused.value.hint


@pytest.mark.parametrize("muxer", [FAST_START, FRAGMENTS], ids=["index at the start", "fragmented"])
def test_an_mp4_cut_off_later_opens_and_says_how_much_is_readable(muxer: dict[str, str], tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.mp4", Clip(frames=80, muxer=muxer))
    assert read(whole).source.damage.whole
    got = read(cut(whole, 0.6, tmp_path / "part.mp4"))
    damage = got.source.damage
    assert damage.truncated
    assert 25 < len(got.pts) < 60
    assert damage.frames_replaced == 0
    assert not any(got.damaged)
    assert abs(damage.readable_s - len(got.pts) / 25) < 0.2
    assert not got.source.gops[-1].copyable
    assert got.source.gops[0].copyable
    assert again(got.source) == got.pts
    if muxer is FAST_START:
        assert damage.missing_frames > 15
        assert damage.frames_expected == 80
        assert damage.announced_s is not None
        assert abs(damage.announced_s - 80 * STEP * float(BASE)) < 0.1


@pytest.mark.parametrize("kind", ["matroska", "avi"])
def test_a_cut_off_matroska_or_avi_file_is_noticed(kind: str, tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", Clip(format=kind))
    assert not read(whole).source.damage.truncated
    damage = read(cut(whole, 0.6, tmp_path / "part")).source.damage
    assert damage.truncated
    assert not damage.whole


def test_a_damaged_transport_stream_is_read_to_its_end(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole.ts", Clip(format="mpegts", frames=60))
    data = bytearray(whole.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 188 * 4] = bytes(188 * 4)
    spoiled = tmp_path / "spoiled.ts"
    spoiled.write_bytes(data)
    got = read(spoiled)
    assert len(got.pts) >= 55
    assert any(got.damaged)
    assert not any(got.damaged[-10:])
    assert again(got.source) == got.pts


def test_hevc_and_vp9_report_damage_too(tmp_path: Path) -> None:
    hevc = Clip("libx265", settings={"preset": "ultrafast", "x265-params": "log-level=none:keyint=10"}, frames=30)
    vp9 = Clip("libvpx-vp9", settings={"deadline": "realtime", "cpu-used": "8", "g": "10"}, frames=30)
    for name, clip in (("hevc", hevc), ("vp9", vp9)):
        got = read(spoil(make(tmp_path / f"{name}.mp4", clip), 0.02, tmp_path / f"spoiled-{name}.mp4"))
        assert len(got.pts) == 30
        assert sum(got.damaged) > 10


def test_damage_is_listed_in_bounded_length() -> None:
    info = VideoInfo("it", "mov", "h264", "", 0, 8, 8, "yuv420p", 8, BASE, None, None, None)
    book = DamageBook(info, CutOff())
    for pts in range(5000):
        slot = Slot(pts, pts, Group(), None, GopDraft(0, 0))
        book.add(pts, 1, Shown(slot, None, damaged=pts % 2 == 0, reason="why"))
    assert len(book.stretches) == LONGEST_LIST
    assert book.stretches[-1].pts_to == 4998

from __future__ import annotations

from pathlib import Path

import pytest

from passerby.errors import PasserbyError, SourceUnreadable
from passerby.media import Orientation
from passerby.read.video import open_video

from .clips import again, plain_pts, read

FOLDERS = ("video-people", "video-cars", "videos-odd")
SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".ts")
REFUSED = ("sample_audio_only.mp4", "sample_malformed_free_box.mp4")
DAMAGED = ("corrupted.mp4", "sample_with_invalid_nalu.mp4")


def test_every_clip_is_refused_or_read_whole_and_the_same_twice(shared: Path) -> None:
    clips = [path for folder in FOLDERS for path in sorted((shared / "media" / folder).rglob("*"))]
    clips = [path for path in clips if path.suffix.lower() in SUFFIXES]
    assert len(clips) > 50
    for path in clips:
        if path.name in REFUSED:
            with pytest.raises(PasserbyError):
                open_video(path)
            continue
        got = read(path)
        if path.name in DAMAGED:
            assert got.source.damage.frames_damaged
            assert got.source.info.frame_count == len(got.pts)
        else:
            assert got.source.damage.whole, path.name
            assert got.pts == plain_pts(path, _video_index(path)), path.name
        assert again(got.source, copy=True) == got.pts, path.name


def _video_index(path: Path) -> int:
    # PyAV counts video streams by themselves.
    return 1 if path.name == "nasa_13013.mp4" else 0


@pytest.mark.parametrize(
    ("name", "orientation"),
    [
        ("decord/video_0.mov", Orientation.UPRIGHT),
        ("decord/video_90.mov", Orientation.QUARTER_RIGHT),
        ("decord/video_180.mov", Orientation.UPSIDE_DOWN),
        ("decord/video_270.mov", Orientation.QUARTER_LEFT),
        ("torchcodec/nasa_13013_rotated.mp4", Orientation.QUARTER_LEFT),
        ("androidx/sample_rotate_and_reflect.mp4", Orientation.TRANSPOSED),
        ("androidx/dolbyVision-hdr.MOV", Orientation.QUARTER_RIGHT),
    ],
)
def test_turned_clips_are_read_as_players_show_them(name: str, orientation: Orientation, shared: Path) -> None:
    assert open_video(shared / "media/videos-odd" / name).info.orientation == orientation


def test_data_tracks_are_named_by_their_kind(shared: Path) -> None:
    info = open_video(shared / "media/videos-odd/androidx/dolbyVision-hdr.MOV").info
    assert info.dropped == ("audio (aac)", "3 x data (mebx)")
    assert "com.apple.quicktime.location.ISO6709" in info.metadata


def test_a_file_without_pictures_says_what_is_in_it(shared: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"no video stream that can be decoded; it holds audio \(aac\)"):
        open_video(shared / "media/videos-odd/androidx/sample_audio_only.mp4")

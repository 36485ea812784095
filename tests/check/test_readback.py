"""What is wrong with a finished video is found, each thing by itself, and an honest file passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.stream import Disposition

from passerby.check.readback import ExpectedVideo, Extents, read_back_video
from passerby.media import Colour, Frame, Orientation

from .conftest import Making, expect

MakeClip = Callable[[Path, Making], Path]
QUARTER = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)


def problems_of(path: Path, content: bytes, expected: ExpectedVideo) -> list[str]:
    path.write_bytes(content)
    return read_back_video(path, expected)


def assert_found(problems: list[str], words: str) -> None:
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("name", "making", "changes"),
    [
        ("h264.mp4", Making(), {}),
        ("h264.mov", Making(), {"container": "mov"}),
        ("h264.mkv", Making(), {"container": "mkv"}),
        ("hevc.mp4", Making("libx265"), {"codec": "hevc"}),
        ("ten.mp4", Making("libx265", pixel_format="yuv420p10le"), {"codec": "hevc", "bits": 10}),
        ("av1.mp4", Making("libsvtav1"), {"codec": "av1"}),
        ("vp9.webm", Making("libvpx-vp9"), {"codec": "vp9", "container": "webm"}),
        ("turned.mp4", Making(matrix=QUARTER), {"display_matrix": QUARTER}),
        ("wide.mp4", Making(aspect=Fraction(4, 3)), {"sample_aspect": Fraction(4, 3)}),
        ("sound.mp4", Making(audio=True), {"audio_kept": True}),
        ("fragments.mp4", Making(muxer={"movflags": "+frag_keyframe+delay_moov", "fflags": "+bitexact"}), {}),
    ],
)
def test_an_honest_file_passes(
    name: str, making: Making, changes: dict[str, Any], tmp_path: Path, make_clip: MakeClip
) -> None:
    assert read_back_video(make_clip(tmp_path / name, making), expect(making, **changes)) == []


def test_variable_frame_rate_passes_as_exact_times_in_another_time_base(tmp_path: Path, make_clip: MakeClip) -> None:
    making = Making(pts=(0, 1001, 1500, 9000, 9001, 20000), time_base=Fraction(1, 30000))
    clip = make_clip(tmp_path / "vfr.mp4", making)
    expected = expect(making, pts=np.array(making.pts) * 3, time_base=Fraction(1, 90000))
    assert read_back_video(clip, expected) == []


def test_every_frame_or_the_sample_is_handed_on_once(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    path = tmp_path / "good.mp4"
    path.write_bytes(good_mp4)
    seen: list[tuple[int, Frame]] = []
    assert read_back_video(path, expected, on_frame=lambda index, frame: seen.append((index, frame))) == []
    assert [index for index, _ in seen] == list(range(20))
    assert [frame.pts * frame.time_base for _, frame in seen] == [Fraction(i, 25) for i in range(20)]
    few: list[int] = []
    read_back_video(path, expected, on_frame=lambda index, _: few.append(index), sample={0, 7, 19})
    assert few == [0, 7, 19]


def test_frames_beyond_the_expected_ones_are_found_and_not_handed_on(
    tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo
) -> None:
    (tmp_path / "good.mp4").write_bytes(good_mp4)
    few: list[int] = []
    shorter = replace(expected, pts=expected.pts[:5], duration_s=0.8)
    found = read_back_video(tmp_path / "good.mp4", shorter, on_frame=lambda index, _: few.append(index))
    assert_found(found, "the number of frames is 20, expected 5")
    assert few == [0, 1, 2, 3, 4]


def test_what_a_look_raises_is_passed_on(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    def fail(index: int, frame: Frame) -> None:
        raise RuntimeError("no")

    (tmp_path / "good.mp4").write_bytes(good_mp4)
    with pytest.raises(RuntimeError, match="no"):
        read_back_video(tmp_path / "good.mp4", expected, on_frame=fail)


# Structure of MP4


def test_bytes_after_the_end_are_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", good_mp4 + b"\xff" * 100, expected), "stand over")


def test_a_box_after_the_end_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", good_mp4 + box(b"uuid", b"\1" * 40), expected), "box uuid")


def test_a_free_box_with_content_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert problems_of(tmp_path / "a.mp4", good_mp4 + box(b"free", b"\0" * 40), expected) == []
    assert_found(problems_of(tmp_path / "b.mp4", good_mp4 + box(b"free", b"\0\1" * 20), expected), "free box")


def test_a_wide_box_with_content_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", good_mp4 + box(b"wide", b"\0\1"), expected), "wide box")


def test_a_cut_off_file_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", good_mp4[:-1], expected), "do not end where it ends")


def test_an_empty_file_is_found(tmp_path: Path, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", b"", expected), "cannot be read")


def test_a_hidden_region_in_the_media_data_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(b"mdat")
    size = int.from_bytes(good_mp4[at - 4 : at], "big")
    grown = good_mp4[: at - 4] + (size + 50).to_bytes(4, "big") + good_mp4[at:] + b"\7" * 50
    assert_found(problems_of(tmp_path / "a.mp4", grown, expected), "50 bytes of media data belong to no frame")


def test_a_second_media_box_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert_found(problems_of(tmp_path / "a.mp4", good_mp4 + box(b"mdat", b"\7" * 64), expected), "64 bytes of media")


def test_a_title_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    found = read_back_video(make_clip(tmp_path / "a.mp4", Making(metadata={"title": "Home"})), expected)
    assert_found(found, "user data (udta) holds tags")
    assert_found(found, "the file has a tag 'title'")
    assert "Home" not in str(found)


def test_a_tag_of_the_stream_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mp4", Making(stream_metadata={"handler_name": "Cam 3 of Ann"}))
    assert_found(read_back_video(clip, expected), "a handler has a name of its own")


def test_a_creation_time_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mp4", Making(metadata={"creation_time": "2024-05-01T10:00:00Z"}))
    assert_found(read_back_video(clip, expected), "mvhd says when the file was made")


@pytest.mark.parametrize("kind", [b"tkhd", b"mdhd"])
def test_a_time_in_a_track_is_found(kind: bytes, tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(kind) + 8
    dated = good_mp4[:at] + b"\xe0\0\0\0" + good_mp4[at + 4 :]
    assert_found(problems_of(tmp_path / "a.mp4", dated, expected), f"{kind.decode()} says when")


def test_the_brand_of_a_camera_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    found = problems_of(tmp_path / "a.mp4", good_mp4.replace(b"mp41", b"XAVC", 1), expected)
    assert_found(found, "brand of another maker")


def test_the_name_of_a_compressor_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(b"avc1\0\0") + 4 + 42
    named = good_mp4[:at] + b"\x05GoPro" + good_mp4[at + 6 :]
    assert_found(problems_of(tmp_path / "a.mp4", named, expected), "names the compressor")


def test_a_table_longer_than_its_entries_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(b"stco") + 8
    shortened = good_mp4[:at] + b"\0\0\0\0" + good_mp4[at + 4 :]
    assert_found(problems_of(tmp_path / "a.mp4", shortened, expected), "stco is longer than its table")


# Streams


def test_sound_that_should_be_gone_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    found = read_back_video(make_clip(tmp_path / "a.mp4", Making(audio=True)), expected)
    assert_found(found, "there is audio in it")
    assert_found(found, "a track of kind soun")


def test_sound_that_should_be_there_is_missed(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    assert problems_of(tmp_path / "a.mp4", good_mp4, replace(expected, audio_kept=True)) == ["the audio is missing"]


def test_a_cover_picture_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    def add_cover(container: Any) -> None:
        container.streams[1].disposition = Disposition.attached_pic

    clip = with_second_video(tmp_path / "a.mp4", make_clip, add_cover)
    assert_found(read_back_video(clip, expected), "the number of video streams is 2")


def test_chapters_are_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    def add_chapters(container: Any) -> None:
        chapter = {"id": 0, "start": 0, "end": 5, "time_base": Fraction(1, 25), "metadata": {"title": "Door"}}
        container.set_chapters([chapter])

    clip = make_clip(tmp_path / "a.mp4", Making(before_close=add_chapters))
    assert_found(read_back_video(clip, expected), "there are chapters in it")


def with_second_video(path: Path, make_clip: MakeClip, prepare: Callable[[Any], None]) -> Path:
    """A clip whose cover is a second video stream, given to it before the header is written."""
    import av

    first = make_clip(path.with_name("first.mp4"), Making())
    with av.open(str(first)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
        prepare(target)
        for packet in source.demux():
            if packet.size:
                packet.stream = video
                target.mux(packet)
        frame = av.VideoFrame(32, 32, "yuvj420p")
        frame.pts = 0
        target.mux(cover.encode(frame) + cover.encode(None))
    return path


# Pictures and times


def test_a_missing_frame_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mp4", Making(pts=tuple(i for i in range(20) if i != 10)))
    found = read_back_video(clip, expected)
    assert_found(found, "the number of frames is 19, expected 20")
    assert_found(found, "frames shown at another time")


def test_a_frame_shown_at_another_time_is_found(tmp_path: Path, make_clip: MakeClip) -> None:
    making = Making(pts=(0, 10, 20, 30, 40), time_base=Fraction(1, 1000))
    clip = make_clip(tmp_path / "a.mp4", making)
    found = read_back_video(clip, expect(making, pts=np.array([0, 10, 21, 30, 40])))
    assert found == ["frames shown at another time than in the original: 1"]


def test_another_duration_is_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    found = problems_of(tmp_path / "a.mp4", good_mp4, replace(expected, duration_s=3.0))
    assert found == ["the duration is 0.800 s, expected 3.000 s"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 190}, "the size is (192, 144), expected (190, 144)"),
        ({"display_matrix": QUARTER}, "the display matrix is"),
        ({"sample_aspect": Fraction(4, 3)}, "the sample aspect ratio is 1, expected 4/3"),
        ({"colour": Colour(9, 16, 9, False)}, "the colour is (1, 1, 1, False)"),
        ({"colour": Colour(1, 1, 1, True)}, "the colour is (1, 1, 1, False)"),
        ({"bits": 10}, "bits per sample is 8"),
        ({"codec": "hevc"}, "the codec is h264"),
    ],
)
def test_a_difference_from_the_original_is_found(
    changes: dict[str, Any], words: str, tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo
) -> None:
    found = problems_of(tmp_path / "a.mp4", good_mp4, replace(expected, **changes))
    assert len(found) == 1
    assert words in found[0]


def test_a_rotation_that_was_not_there_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    found = read_back_video(make_clip(tmp_path / "a.mp4", Making(matrix=QUARTER)), expected)
    assert_found(found, "the display matrix is (0, 65536")


def test_damaged_pictures_are_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(b"mdat") + 800
    broken = bytearray(good_mp4)
    for offset in range(at, len(broken), 61):
        broken[offset] ^= 0x55
    assert_found(problems_of(tmp_path / "a.mp4", bytes(broken), expected), "decoding fails around frame")


def test_messages_of_the_encoder_are_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    found = read_back_video(make_clip(tmp_path / "a.mp4", Making(clean=False)), expected)
    assert_found(found, "SEI messages of type 5")
    assert_found(found, "SEI_UNREGISTERED")


def test_frames_that_an_edit_list_hides_are_found(tmp_path: Path, good_mp4: bytes, expected: ExpectedVideo) -> None:
    at = good_mp4.index(b"elst") + 4 + 4 + 4 + 4
    later = int.from_bytes(good_mp4[at : at + 4], "big") + 5 * 512
    hidden = good_mp4[:at] + later.to_bytes(4, "big") + good_mp4[at + 4 :]
    assert_found(problems_of(tmp_path / "a.mp4", hidden, expected), "hides frames")


# Matroska


def test_a_tag_in_matroska_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mkv", Making(metadata={"location": "+48+011/"}))
    found = read_back_video(clip, replace(expected, container="mkv"))
    assert_found(found, "tags stand in the file")
    assert_found(found, "the file has a tag 'LOCATION'")


def test_a_title_in_matroska_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mkv", Making(metadata={"title": "Home"}))
    assert_found(read_back_video(clip, replace(expected, container="mkv")), "title stands in the file")


def test_a_date_in_matroska_is_found(tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo) -> None:
    clip = make_clip(tmp_path / "a.mkv", Making(metadata={"creation_time": "2024-05-01T10:00:00Z"}))
    assert_found(read_back_video(clip, replace(expected, container="mkv")), "date stands in the file")


def test_an_attachment_in_matroska_is_found(tmp_path: Path, good_mkv: bytes, expected: ExpectedVideo) -> None:
    size_at = good_mkv.index(b"\x18\x53\x80\x67") + 4
    attachments = (
        b"\x19\x41\xa4\x69" + bytes([0x80 + 20]) + b"\x61\xa7" + bytes([0x80 + 17]) + b"\x46\x6e\x8ename-of-a-file"
    )
    size = int.from_bytes(good_mkv[size_at + 1 : size_at + 8], "big") + len(attachments)
    grown = good_mkv[:size_at] + b"\1" + size.to_bytes(7, "big") + good_mkv[size_at + 8 :] + attachments
    found = problems_of(tmp_path / "a.mkv", grown, replace(expected, container="mkv"))
    assert_found(found, "attachments stands in the file")


def test_bytes_after_the_end_of_matroska_are_found(tmp_path: Path, good_mkv: bytes, expected: ExpectedVideo) -> None:
    found = problems_of(tmp_path / "a.mkv", good_mkv + b"\xff" * 99, replace(expected, container="mkv"))
    assert_found(found, "one outside of what holds it")


def test_a_second_segment_of_matroska_is_found(tmp_path: Path, good_mkv: bytes, expected: ExpectedVideo) -> None:
    segment = good_mkv[good_mkv.index(b"\x18\x53\x80\x67") :]
    found = problems_of(tmp_path / "a.mkv", good_mkv + segment, replace(expected, container="mkv"))
    assert_found(found, "it has 2 segments")


def test_a_void_element_with_content_is_found(tmp_path: Path, good_mkv: bytes, expected: ExpectedVideo) -> None:
    found = problems_of(tmp_path / "a.mkv", good_mkv + b"\xec\x84GPS!", replace(expected, container="mkv"))
    assert_found(found, "a void element holds something")


# Whatever stands in the file


@pytest.mark.parametrize("matroska", [False, True])
def test_a_damaged_file_gives_problems_and_no_exception(
    matroska: bool, tmp_path: Path, good_mp4: bytes, good_mkv: bytes, expected: ExpectedVideo
) -> None:
    content = good_mkv if matroska else good_mp4
    wanted = replace(expected, container="mkv") if matroska else expected
    random = np.random.default_rng(1)
    for cut in (False, True) * 60:
        broken = bytearray(content)
        for _ in range(random.integers(1, 5)):
            broken[random.integers(0, random.choice([1300, len(broken)]))] ^= int(random.integers(1, 256))
        end = random.integers(0, len(broken)) if cut else len(broken)
        problems = problems_of(tmp_path / "a", bytes(broken[:end]), wanted)
        assert all(isinstance(problem, str) for problem in problems)
        assert problems or not cut


def test_frames_are_handed_on_upright_by_the_display_matrix(
    tmp_path: Path, make_clip: MakeClip, expected: ExpectedVideo
) -> None:
    turned = replace(expected, display_matrix=QUARTER)
    seen: list[Frame] = []
    clip = make_clip(tmp_path / "a.mp4", Making(matrix=QUARTER))
    assert read_back_video(clip, turned, on_frame=lambda _, frame: seen.append(frame), sample={0}) == []
    assert seen[0].orientation == Orientation.QUARTER_RIGHT
    assert seen[0].upright_size == (144, 192)


# Parts


def test_extents_tell_what_belongs_to_nothing() -> None:
    extents = Extents()
    for start, size in ((10, 5), (15, 5), (30, 10), (12, 3)):
        extents.add(start, size)
    assert extents.missing(10, 20) == 0
    assert extents.missing(10, 40) == 10
    assert extents.missing(0, 50) == 10 + 10 + 10
    assert extents.missing(20, 30) == 10


def box(kind: bytes, payload: bytes) -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + kind + payload

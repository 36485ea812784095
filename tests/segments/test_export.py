"""A stretch of recordings as one plain file: every picture of it, unaltered, from the keyframe before."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passerby import containers, nal
from passerby.errors import OutputError
from passerby.write.export import Export
from passerby.write.movie_boxes import Sample, Track
from passerby.write.sample_table import SampleTable
from passerby.write.segments import SegmentOptions, export
from tests.video_write.video_clips import Clip

from .live_clips import (
    SMALL,
    STEP_S,
    TICKS,
    CameraClip,
    Recorded,
    camera_clip,
    pictures,
    problems,
    quiet_hashes,
    record,
)

OPTIONS = SegmentOptions(segment_s=0.4, part_s=0.1)
LONG = replace(SMALL, frames=40, gop=8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> CameraClip:
    return camera_clip(tmp_path_factory.mktemp("camera") / "camera.mp4", LONG)


@pytest.fixture(scope="module")
def recorded(clip: CameraClip, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """40 pictures in three segments of 10, 14 and 16, every second GOP copied."""
    found = record(tmp_path_factory.mktemp("archive"), clip, lambda gop: gop % 2 == 0, OPTIONS)
    assert [info.frames for info, _ in found.segments] == [10, 14, 16]
    return found


@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(begins_s=st.floats(0, 1.55), length_s=st.floats(0.05, 2))
def test_every_picture_of_the_stretch_is_there_from_the_keyframe_before(
    tmp_path: Path, clip: CameraClip, recorded: Recorded, begins_s: float, length_s: float
) -> None:
    target = tmp_path / "export.mp4"
    export(recorded.paths, target, begins_s=begins_s, ends_s=begins_s + length_s, name="gate")

    stored = [
        (info.media_start_s + float(time), units) for info, path in recorded.segments for time, units in pictures(path)
    ]
    keyframes = [number for number, (_, units) in enumerate(stored) if units[0][0] & 0x1F == nal.IDR]
    first = max(number for number in keyframes if stored[number][0] <= begins_s + 1e-9)
    wanted = [(at, units) for at, units in stored[first:] if at < begins_s + length_s]
    exported = list(pictures(target))
    assert [units for _, units in exported] == [units for _, units in wanted]
    assert [float(time) for time, _ in exported] == pytest.approx([at - wanted[0][0] for at, _ in wanted])
    ticks = [int(time * TICKS) for time, _ in exported]
    assert problems(target, clip.info, ticks, Fraction(1, TICKS), len(wanted) * STEP_S) == []
    assert len(quiet_hashes(target)) == len(wanted)
    assert [box.name for box in containers.boxes(target.read_bytes())] == ["ftyp", "moov", "mdat"]
    target.unlink()


def test_all_of_it_decodes_as_the_segments_do(tmp_path: Path, recorded: Recorded) -> None:
    target = tmp_path / "export.mp4"
    export(recorded.paths, target, begins_s=0, ends_s=float("inf"), name="gate")
    apart = [digest for path in recorded.paths for digest in quiet_hashes(path).values()]
    assert list(quiet_hashes(target).values()) == apart
    with pytest.raises(OutputError, match=r"export\.mp4: cannot be written: a file of that name"):
        export(recorded.paths, target, begins_s=0, ends_s=1, name="gate")


def other_camera(folder: Path, **changes: object) -> Recorded:
    """Another recording, of a camera whose settings may have changed meanwhile."""
    clip = camera_clip(folder / "other.mp4", replace(LONG, frames=16, **changes))  # type: ignore[arg-type]
    return record(folder / "later", clip, lambda gop: gop == 1, OPTIONS)


def test_recordings_with_other_parameter_sets_play_one_after_the_other(tmp_path: Path, recorded: Recorded) -> None:
    later = other_camera(
        tmp_path, settings={"bf": "0", "x264-params": "sps-id=5:cabac=1:ref=2"}, time_base=Fraction(1, 90000), step=3003
    )
    target = tmp_path / "export.mp4"
    export([*recorded.paths, *later.paths], target, begins_s=1.0, ends_s=9, name="gate")
    hashes = quiet_hashes(target)
    before = [digest for path in recorded.paths for digest in quiet_hashes(path).values()][24:]
    assert list(hashes.values()) == before + [d for path in later.paths for d in quiet_hashes(path).values()]
    # The gap takes no time: the second recording begins when the last picture of the first has been shown.
    times = list(hashes)
    assert times[15:18] == [Fraction(15, 25), Fraction(16, 25), Fraction(16, 25) + Fraction(3003, 90000)]


def test_recordings_before_and_after_a_change_of_our_settings_go_into_one_file(
    tmp_path: Path, clip: CameraClip, recorded: Recorded
) -> None:
    kinds = [OPTIONS, SegmentOptions(speed="balanced"), SegmentOptions(quality="small"), OPTIONS]
    later = [record(tmp_path / str(number), clip, lambda gop: gop == 1, kind) for number, kind in enumerate(kinds)]
    inits = [recorded.parts[0].data, *(one.parts[0].data for one in later)]
    assert inits[0] == inits[1] == inits[4]
    assert len(set(inits)) == 3
    paths = recorded.paths + [path for one in later for path in one.paths]
    export(paths, tmp_path / "export.mp4", begins_s=0, ends_s=99, name="gate")
    apart = [digest for path in paths for digest in quiet_hashes(path).values()]
    assert list(quiet_hashes(tmp_path / "export.mp4").values()) == apart


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"size": (80, 48)}, "the size of the pictures changes"),
        ({"attributes": {"sample_aspect_ratio": Fraction(4, 3)}}, "the size of the pictures changes"),
    ],
    ids=["size", "aspect"],
)
def test_recordings_that_do_not_go_together_are_to_be_exported_apart(
    tmp_path: Path, recorded: Recorded, changes: dict[str, object], why: str
) -> None:
    later = other_camera(tmp_path, **changes)
    target = tmp_path / "export.mp4"
    with pytest.raises(OutputError, match=why) as caught:
        export([*recorded.paths, *later.paths], target, begins_s=0, ends_s=9, name="gate")
    assert caught.value.hint == "Export the recordings before and after the change apart"
    assert not target.exists()


def test_recordings_whose_parameter_sets_go_by_the_same_numbers_are_several_kinds_of_one_file(
    tmp_path: Path, recorded: Recorded
) -> None:
    later = other_camera(tmp_path, settings={"bf": "0", "x264-params": "cabac=1:ref=2"})
    paths = [*recorded.paths, *later.paths, *recorded.paths]
    target = tmp_path / "export.mp4"
    export(paths, target, begins_s=0, ends_s=99, name="gate")
    apart = [digest for path in paths for digest in quiet_hashes(path).values()]
    assert list(quiet_hashes(target).values()) == apart
    data = target.read_bytes()
    stsd = containers.box(data, "moov/trak/mdia/minf/stbl/stsd")
    assert stsd is not None
    entries = [part.name for part in containers.boxes(stsd.read(data), 8)]
    assert entries == ["avc3", "avc3"]
    # Keyframes carry their sets, for players that know the first kind alone.
    for _, units in pictures(target):
        kinds = [unit[0] & 0x1F for unit in units]
        assert (kinds[-1] == nal.IDR) == (nal.SPS in kinds) == (nal.PPS in kinds)


def test_time_in_which_nothing_was_recorded_is_left_out_or_stands_still(tmp_path: Path, recorded: Recorded) -> None:
    paths = [*recorded.paths, *recorded.paths]
    gaps_s = [5.0, 0, 0, 60.25, 0, 0]
    for kept, pause_s in ((None, 0.0), (gaps_s, 60.25)):
        planned = Export(paths, begins_s=1.0, ends_s=2.0, name="gate", gaps_s=kept)
        (tmp_path / "export.mp4").write_bytes(b"".join(planned.chunks()))
        times = [float(time) for time, _ in pictures(tmp_path / "export.mp4")]
        assert times[15:17] == pytest.approx([15 / 25, 16 / 25 + pause_s]), "a gap before the first picture is none"
        assert planned.duration_s == pytest.approx(len(times) / 25 + pause_s)
        assert planned.size_bytes == (tmp_path / "export.mp4").stat().st_size


def test_a_gap_that_no_file_can_say_is_refused(tmp_path: Path, recorded: Recorded) -> None:
    gaps_s = [0, 2**32 / TICKS, 0]
    with pytest.raises(OutputError, match="nothing was recorded for longer than one file can say") as caught:
        Export(recorded.paths, begins_s=0, ends_s=99, name="gate", gaps_s=gaps_s)
    assert "leave out the time" in str(caught.value.hint)


@pytest.mark.parametrize(("begins_s", "ends_s"), [(1.6, 3), (0.5, 0.5), (0.5, 0.2), (-1, 0)])
def test_a_time_of_which_nothing_is_there_is_an_error(
    tmp_path: Path, recorded: Recorded, begins_s: float, ends_s: float
) -> None:
    with pytest.raises(OutputError, match="gate: nothing was recorded in that time; nothing was written"):
        export(recorded.paths, tmp_path / "export.mp4", begins_s=begins_s, ends_s=ends_s, name="gate")
    with pytest.raises(OutputError, match="nothing was recorded"):
        export([], tmp_path / "export.mp4", begins_s=0, ends_s=1, name="gate")
    assert list(tmp_path.iterdir()) == []


def test_segments_that_are_gone_damaged_or_of_somebody_else_are_named(
    tmp_path: Path, clip: CameraClip, recorded: Recorded
) -> None:
    content = recorded.paths[0].read_bytes()
    damages = {
        "gone.mp4": (None, r"gone\.mp4 is gone, it may have just been erased"),
        "cut.mp4": (content[:-1], r"cut\.mp4 is damaged: it ends in the middle of a part"),
        "init.mp4": (recorded.parts[0].data, r"init\.mp4 is damaged"),
        "tagged.mp4": (content.replace(b"iso6iso5", b"iso6lens"), r"tagged\.mp4 is damaged: its init is not one that"),
        "camera.mp4": (clip.path.read_bytes(), r"camera\.mp4 is damaged"),
        "empty.mp4": (b"", r"empty\.mp4 is damaged: it does not begin as a segment does"),
    }
    for name, (data, why) in damages.items():
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(OutputError, match=f"gate: {why}.*; nothing was written"):
            export([path, *recorded.paths], tmp_path / "export.mp4", begins_s=0, ends_s=9, name="gate")
        path.unlink(missing_ok=True)
    assert list(tmp_path.iterdir()) == []


def test_rotation_and_pixel_shape_stay(tmp_path: Path) -> None:
    shape = Clip(
        size=(64, 48),
        frames=12,
        gop=6,
        settings={"bf": "0"},
        matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30),
        attributes={"sample_aspect_ratio": Fraction(4, 3)},
    )
    clip = camera_clip(tmp_path / "camera.mp4", shape)
    recorded = record(tmp_path / "archive", clip, lambda gop: gop == 0)
    target = tmp_path / "export.mp4"
    export(recorded.paths, target, begins_s=0, ends_s=9, name="gate")
    times = [int(time * TICKS) for time, _ in pictures(target)]
    assert problems(target, clip.info, times, Fraction(1, TICKS)) == []


def test_an_index_of_more_than_four_gigabytes_points_right() -> None:
    """Made of sizes alone: nobody needs to write such a file to look at its index."""
    table, track = SampleTable(), Track(64, 48, 25, b"\1\x42\0\x0a\xff\xe0\0")
    for number in range(3000):
        table.add([Sample(1, 1_500_000, number % 50 == 0), Sample(1, 1, False)], 2)
    head = table.head([track])
    entry = containers.box(head, "moov/trak/mdia/minf/stbl/co64")
    assert entry is not None
    content = entry.read(head)
    offsets = [int.from_bytes(content[at : at + 8], "big") for at in range(8, len(content), 8)]
    assert offsets == [len(head) + number * 1_500_001 for number in range(3000)]
    assert head[-16:-8] == b"\0\0\0\1mdat"
    assert int.from_bytes(head[-8:], "big") == 16 + 3000 * 1_500_001
    assert (len(table), table.duration) == (6000, 12000)

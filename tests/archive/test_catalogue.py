"""What was added is told again, exactly, in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from passerby.archive import Archive
from passerby.errors import ArchiveError
from passerby.live import CoveredSecond
from tests.archive.conftest import Open
from tests.archive.made import RECORDING, START, record, segment

HOUR = timedelta(hours=1)


def test_a_segment_comes_back_as_it_was_added(archive: Archive) -> None:
    covered = tuple(CoveredSecond(float(second), level / 254) for second, level in enumerate([0, 1, 127, 254, 3]))
    info, path = segment(archive.folder, lasts_s=5.25)
    info = replace(info, covered=covered, covered_share=1 / 3, copied_frames=7, media_start_s=0.1)
    archive.add(info, path)
    [stored] = archive.segments("hof", START, START + HOUR)
    assert stored.info == info
    assert stored.path == path
    assert stored.info.begins_at.tzinfo is UTC
    assert archive.segment(stored.id) == stored
    assert archive.segment(stored.id + 1) is None


def test_it_is_still_there_when_the_archive_is_opened_again(opened: Open) -> None:
    first = opened()
    record(first, segments=3)
    first.close()
    assert len(opened().segments("hof", START, START + HOUR)) == 3


def test_adding_it_again_changes_nothing(archive: Archive) -> None:
    added = segment(archive.folder)
    archive.add(*added)
    archive.add(*added)
    assert len(archive.segments("hof", START, START + HOUR)) == 1
    assert archive.usage()[0].segments == 1


def test_segments_are_those_that_hold_something_of_the_time(archive: Archive) -> None:
    record(archive, segments=6)
    record(archive, "tor", segments=6, recording="f" * 32)
    found = archive.segments("hof", START + timedelta(seconds=15), START + timedelta(seconds=30))
    assert [s.info.media_start_s for s in found] == [10.0, 20.0]
    assert {s.info.camera for s in found} == {"hof"}
    assert len(archive.segments("hof", START, START + HOUR, limit=4)) == 4
    assert archive.segments("nobody", START, START + HOUR) == []


def test_a_long_segment_is_found_by_its_end(archive: Archive) -> None:
    archive.add(*segment(archive.folder, lasts_s=3000.0))
    archive.add(*segment(archive.folder, at_s=3000.0))
    later = START + timedelta(seconds=2990)
    assert [s.info.duration_s for s in archive.segments("hof", later, later + timedelta(seconds=1))] == [3000.0]
    assert archive.timeline("hof", later, later + timedelta(seconds=1))[0].begins_at == later


def test_the_timeline_joins_neighbours_and_shows_gaps_and_what_was_covered(archive: Archive) -> None:
    record(archive, segments=3, share=0.0)
    record(archive, segments=3, at_s=30, share=0.5)
    record(archive, segments=3, at_s=100, recording="f" * 32, share=0.5)
    spans = archive.timeline("hof", START, START + HOUR)
    told = [
        ((s.begins_at - START).total_seconds(), (s.ends_at - START).total_seconds(), s.covered_share) for s in spans
    ]
    assert told == [(0, 30, 0.0), (30, 60, 0.5), (100, 130, 0.5)]


def test_a_timeline_is_cut_to_what_was_asked_for(archive: Archive) -> None:
    record(archive, segments=6)
    begins, ends = START + timedelta(seconds=5), START + timedelta(seconds=44)
    [span] = archive.timeline("hof", begins, ends)
    assert (span.begins_at, span.ends_at) == (begins, ends)


def test_usage_counts_what_each_camera_holds(archive: Archive) -> None:
    record(archive, segments=3)
    record(archive, "tor", segments=2, at_s=60, recording="f" * 32)
    hof, tor = archive.usage()
    assert (hof.camera, hof.segments, tor.camera, tor.segments) == ("hof", 3, "tor", 2)
    assert hof.size_bytes == sum(path.stat().st_size for path in (archive.folder / "hof").rglob("*.mp4"))
    assert (hof.oldest_at, hof.newest_at) == (START, START + timedelta(seconds=30))
    assert tor.oldest_at == START + timedelta(seconds=60)


def test_instants_of_any_time_zone_mean_the_same_and_those_of_none_are_refused(archive: Archive) -> None:
    record(archive, segments=1)
    there = START.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert archive.segments("hof", there, there + HOUR) == archive.segments("hof", START, START + HOUR) != []
    with pytest.raises(ValueError, match="without a time zone"):
        archive.segments("hof", datetime(2026, 11, 23), START)


def test_a_segment_that_overlaps_another_of_its_recording_is_refused(archive: Archive) -> None:
    record(archive, segments=2)
    for at_s in (0.0, 5.0, 12.0):
        with pytest.raises(ArchiveError, match="overlaps another segment of its recording"):
            archive.add(*segment(archive.folder, at_s=at_s + 0.001, media_start_s=at_s))
    assert len(archive.segments("hof", START, START + HOUR)) == 2
    # The clock was set back: another recording, whose media time begins anew.
    archive.add(*segment(archive.folder, at_s=5.0, media_start_s=0.0, recording="f" * 32))


def test_segments_of_two_recordings_of_a_camera_are_told_once_each_with_their_own(archive: Archive) -> None:
    first, second = segment(archive.folder), segment(archive.folder, at_s=20.0, media_start_s=0.0, recording="e" * 32)
    archive.add(*first)
    archive.add(*second)
    found = archive.segments("hof", START, START + HOUR)
    assert [stored.info for stored in found] == [first[0], second[0]]
    assert [archive.segment(stored.id) for stored in found] == found


def test_a_recording_is_of_one_camera_and_plays_with_one_init(archive: Archive) -> None:
    record(archive, segments=1)
    info, path = segment(archive.folder, at_s=10.0)
    for other in (replace(info, width=640), replace(info, codec="avc1.42001f")):
        with pytest.raises(ArchiveError, match="is not that of its recording"):
            archive.add(other, path)
    with pytest.raises(ArchiveError, match="is not that of its recording"):
        archive.add(*segment(archive.folder, "tor", at_s=10.0, recording=RECORDING))
    archive.add(info, path)


@pytest.mark.parametrize(
    "path",
    ["../hof/a.mp4", "hof/../../a.mp4", "/etc/passwd", "hof//a.mp4", "hof/./a.mp4", "a.mp4", "", "hof\\a.mp4",
     "tor/a.mp4", "hof/a.mp4.part", "hof/a\0.mp4", ".hof/a.mp4"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(archive: Archive, path: str) -> None:
    info, file = segment(archive.folder)
    with pytest.raises(ArchiveError):
        archive.add(replace(info, path=path), file)
    with pytest.raises(ArchiveError):
        archive.add(replace(info, path=path), archive.folder / path.replace("\0", ""))
    assert archive.usage() == []


def test_a_link_is_not_taken_for_a_segment(archive: Archive, tmp_path: Path) -> None:
    info, file = segment(archive.folder)
    file.rename(tmp_path / "elsewhere.mp4")
    file.symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(ArchiveError):
        archive.add(info, file)
    assert archive.usage() == []


def test_only_the_file_that_was_announced_is_listed(archive: Archive) -> None:
    info, file = segment(archive.folder)
    with pytest.raises(ArchiveError, match="is not the file of 999 bytes"):
        archive.add(replace(info, size_bytes=999), file)
    file.unlink()
    with pytest.raises(ArchiveError, match="not there"):
        archive.add(info, file)
    assert archive.usage() == []


def test_the_same_path_with_other_content_is_refused(archive: Archive) -> None:
    archive.add(*segment(archive.folder, content=b"one"))
    with pytest.raises(ArchiveError, match="is listed with other content"):
        archive.add(*segment(archive.folder, content=b"two"))


def test_one_that_cannot_be_adopted_stops_no_other(archive: Archive) -> None:
    found = [segment(archive.folder, at_s=10.0 * index) for index in range(3)]
    found[1][1].unlink()
    with pytest.raises(ArchiveError, match="not there"):
        archive.adopt(found)
    assert [s.info for s in archive.segments("hof", START, START + HOUR)] == [found[0][0], found[2][0]]

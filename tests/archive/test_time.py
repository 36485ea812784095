"""Days as they come: with all their hours, with clocks that are set, and none of it shows in the recordings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from passerby.archive import Archive, RetentionRule, check_archive
from passerby.archive.schema import from_us, to_us
from tests.archive.made import record, segment

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 10, 25, tzinfo=BERLIN), 25), (datetime(2027, 3, 28, tzinfo=BERLIN), 23)],
)
def test_a_day_on_which_clocks_change_has_no_gap_and_no_overlap(archive: Archive, day: datetime, hours: int) -> None:
    next_day = (day + DAY).astimezone(UTC)
    begins = day.astimezone(UTC)
    assert next_day - begins == hours * HOUR
    for minute in range(0, hours * 60, 5):
        archive.add(*segment(archive.folder, begins=begins, at_s=60.0 * minute, lasts_s=300.0))
    [span] = archive.timeline("hof", day, day + DAY)
    assert (span.begins_at, span.ends_at) == (begins, next_day)
    assert len(archive.segments("hof", day, day + DAY, limit=10_000)) == hours * 12
    # The hour that the clock shows twice is two hours of recordings; each is found by itself.
    for hour in range(hours):
        [span] = archive.timeline("hof", begins + hour * HOUR, begins + (hour + 1) * HOUR)
        assert span.ends_at - span.begins_at == HOUR


def test_a_clock_that_is_set_back_makes_recordings_overlap_and_loses_nothing(archive: Archive) -> None:
    begins = datetime(2026, 11, 23, 14, tzinfo=UTC)
    record(archive, segments=12, begins=begins)
    record(archive, segments=12, begins=begins + MINUTE, recording="f" * 32)
    found = archive.segments("hof", begins, begins + HOUR)
    assert len(found) == 24
    assert [s.info.begins_at for s in found] == sorted(s.info.begins_at for s in found)
    [span] = archive.timeline("hof", begins, begins + HOUR)
    assert span.ends_at - span.begins_at == 3 * MINUTE
    assert span.covered_share == pytest.approx(0.5)


def test_what_was_recorded_while_the_clock_was_ahead_goes_with_what_was_recorded_after_it(archive: Archive) -> None:
    """By its name it is of next year. It is not kept until then: what came later is too old by now."""
    begins = datetime(2026, 11, 23, 14, tzinfo=UTC)
    record(archive, segments=2, begins=begins)
    record(archive, segments=2, begins=begins + 365 * DAY, recording="e" * 32)
    record(archive, segments=6, begins=begins + MINUTE, recording="f" * 32)
    rules = {"hof": RetentionRule(age_h=1)}
    archive.retain(rules, floor_bytes=0, now=begins + HOUR + 30 * timedelta(seconds=1))
    assert archive.usage()[0].segments == 8  # nothing after it is too old yet
    archive.retain(rules, floor_bytes=0, now=begins + HOUR + MINUTE + timedelta(seconds=5))
    [usage] = archive.usage()
    assert (usage.segments, usage.oldest_at) == (5, begins + MINUTE + timedelta(seconds=10))
    assert usage.newest_at < begins + HOUR


def test_a_clock_that_is_set_back_costs_no_recordings(archive: Archive) -> None:
    begins = datetime(2026, 11, 23, 14, tzinfo=UTC)
    record(archive, segments=6, begins=begins)
    record(archive, segments=2, begins=datetime(1970, 1, 1, tzinfo=UTC), recording="e" * 32)
    archive.retain({"hof": RetentionRule(age_h=1)}, floor_bytes=0, now=datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    assert archive.usage()[0].segments == 8


def test_a_day_of_recording_keeps_what_it_shall_and_no_more(archive: Archive, database: str | None) -> None:
    """Three cameras, minutes for segments, retention every hour: a day in some seconds."""
    begins = datetime(2026, 11, 23, tzinfo=UTC)
    rules = {"hof": RetentionRule(age_h=6), "tor": RetentionRule(quota_bytes=100_000), "weg": RetentionRule(age_h=12)}
    for minute in range(0, 24 * 60, 4):
        now = begins + minute * MINUTE
        how = {"begins": begins, "at_s": 60.0 * minute, "lasts_s": 240.0, "content": bytes(1000)}
        for number, camera in enumerate(rules):
            recording = f"{number}{minute // 360}".ljust(32, "0")  # every six hours the camera reconnects
            archive.add(*segment(archive.folder, camera, recording=recording, **how))  # type: ignore[arg-type]
        if minute % 60 == 0:
            archive.retain(rules, floor_bytes=0, now=now)
    archive.retain(rules, floor_bytes=0, now=begins + DAY)
    hof, tor, weg = archive.usage()
    assert (hof.oldest_at, hof.newest_at, hof.segments) == (begins + 18 * HOUR, begins + DAY, 90)
    assert (tor.size_bytes, tor.newest_at) == (100_000, begins + DAY)
    assert (weg.oldest_at, weg.segments) == (begins + 12 * HOUR, 180)
    assert sum(note.segments for note in archive.erasures(1000)) == 3 * 360 - 90 - 100 - 180
    assert check_archive(archive.folder, database, settle_s=0).problems == ()


@pytest.mark.parametrize("segment_s", [10, 60])
def test_a_timeline_holds_no_more_spans_than_asked_for(archive: Archive, segment_s: int) -> None:
    begins = datetime(2026, 11, 23, tzinfo=UTC)
    for index in range(120):
        share = 0.9 * (index % 2)
        gap_s = 5.0 * (index // 40)
        at_s = float(segment_s * index) + gap_s
        archive.add(*segment(archive.folder, begins=begins, at_s=at_s, lasts_s=float(segment_s), share=share))
    ends = begins + 120 * timedelta(seconds=segment_s) + 2 * timedelta(seconds=5)
    all_of_it = archive.timeline("hof", begins, ends)
    assert len(all_of_it) == 120
    for most in (1, 7, 60):
        spans = archive.timeline("hof", begins, ends, most=most)
        assert 1 <= len(spans) <= most
        assert (spans[0].begins_at, spans[-1].ends_at) == (begins, ends)
        assert all(before.ends_at <= after.begins_at for before, after in pairwise(spans))
    assert archive.timeline("hof", begins, ends, most=1)[0].covered_share == pytest.approx(0.45)


@pytest.mark.parametrize("year", [1970, 2026, 2038, 2100, 9000])
def test_instants_are_kept_to_the_microsecond(year: int) -> None:
    at = datetime(year, 2, 3, 4, 5, 6, 789_123, tzinfo=UTC)
    assert from_us(to_us(at)) == at
    assert to_us(at.astimezone(BERLIN)) == to_us(at)

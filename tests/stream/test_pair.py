"""A camera whose smaller stream is looked at: what that shows is covered in the main one, whatever the two do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stream.pairs import make_pair, play_pair, thing, wall
from tests.stream.scenes import GOP, RATE, Finder, Outlet, decoded, is_whole, slices
from tests.stream.test_stream import seen_in

AROUND = 5
"""Pictures at either end for which the smaller stream has none on one of the two sides."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_pair(tmp_path_factory.mktemp("empty"), 96, wall)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_pair(tmp_path_factory.mktemp("busy"), 96, thing)


def whole(outlet: Outlet) -> list[int]:
    return [round(shown.at_s * RATE) for shown in decoded(outlet) if is_whole(shown)]


def test_where_nobody_is_all_is_copied_and_next_to_nothing_decoded(empty: list[Path], tmp_path: Path) -> None:
    outlet, decoded_packets = play_pair(empty, tmp_path, frames=80, detector=Finder())
    source, written = slices(empty[0]), slices(outlet.segments[0][1])
    copied = sum(data in source for data in written)
    assert len(written) == 80
    assert copied >= 80 - GOP - AROUND
    # The first GOP, of which nothing was known before, and what could not be covered by knowledge at the end.
    assert decoded_packets <= GOP + GOP
    assert outlet.stills


def test_what_the_smaller_stream_shows_is_covered_in_the_main_one(busy: list[Path], tmp_path: Path) -> None:
    outlet, _ = play_pair(busy, tmp_path, detector=Finder())
    assert len(decoded(outlet)) == 64
    assert not seen_in(outlet)
    assert len(whole(outlet)) <= 2 * AROUND
    assert all(0 < info.covered_share < 0.5 for info, _ in outlet.segments)

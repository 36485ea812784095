"""Which nets look at a video: being thorough only adds to them."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import pytest

from passerby.detect.plate_finder import PlateFinder
from passerby.pipeline.choosing import video_detector
from passerby.settings import Covered, Settings

COVERS = [cover for count in (1, 2, 3) for cover in combinations(get_args(Covered), count)]


def looks(cover: tuple[Covered, ...], *, thorough: bool) -> set[tuple[str, float, float]]:
    """Model, whether exact or in 8 bits, share of the size and longest side, of every net that looks."""
    found = set()
    for member in video_detector(Settings(cover=cover, thorough=thorough, provider="cpu")).members:
        nets = (*member.net.nets, member.net.text) if isinstance(member.net, PlateFinder) else (member.net,)
        found |= {(net.entry.name.removesuffix("-int8"), member.share, member.longest) for net in nets}
    return found


@pytest.mark.parametrize("cover", COVERS, ids="-".join)
def test_a_thorough_run_looks_with_every_net_and_at_every_size_that_another_does(cover: tuple[Covered, ...]) -> None:
    assert looks(cover, thorough=True) >= looks(cover, thorough=False)


def test_plates_are_looked_for_by_their_text_in_a_thorough_run_alone() -> None:
    texts = {thorough: {name for name, *_ in looks(("plate",), thorough=thorough)} for thorough in (False, True)}
    assert texts == {False: {"headnet"}, True: {"headnet", "nanodet", "text"}}

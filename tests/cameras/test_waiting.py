"""Packets wait in memory, bounded, and what is taken is fresh now and then, however slow whoever takes it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from av.packet import Packet

from passerby.read.camera_packets import Arrival, Waiting

RATE, GOP = 15, 30


def arrival(number: int) -> Arrival:
    packet: Packet[Any] = Packet(b"picture")
    packet.is_keyframe = number % GOP == 0
    at_s = number / RATE
    return Arrival(packet, number, 1, datetime.fromtimestamp(at_s, UTC), at_s, at_s)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_who_takes_too_slowly_gets_fresh_packets_again_and_again(share: float) -> None:
    """Pictures that are some seconds late are of no use: to hand out the oldest for ever would be to hand out none."""
    waiting, ages, taken = Waiting(), list[float](), 0
    for number in range(RATE * 600):
        waiting.put(arrival(number))
        while taken < number * share:
            found = waiting.take(0)
            taken += 1
            if found is not None:
                ages.append(number / RATE - found.at_s)
    assert max(ages) < 11
    assert sum(age < 3 for age in ages) > 0.2 * len(ages)
    assert waiting.dropped + len(ages) <= RATE * 600


def test_who_keeps_up_gets_everything_in_order() -> None:
    waiting = Waiting()
    numbers = []
    for number in range(RATE * 60):
        waiting.put(arrival(number))
        found = waiting.take(0)
        assert found is not None
        numbers.append(found.pts)
    assert (numbers, waiting.dropped) == (list(range(RATE * 60)), 0)

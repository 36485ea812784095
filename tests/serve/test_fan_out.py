"""Who watches gets parts that can be played from the first on; who is slow loses some, and holds up nobody."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from passerby.live import LivePart
from passerby.serve.fan_out import FanOut, Subscription

from .live_parts import init, part


def all_of(subscription: Subscription) -> list[LivePart]:
    return list(iter(lambda: subscription.get(0), None))


def test_who_comes_late_starts_with_the_init_and_the_last_keyframe() -> None:
    fan_out = FanOut()
    parts = [part(0, keyframe=True), part(1), part(2, keyframe=True), part(3)]
    for one in (init(), *parts):
        fan_out.publish(one)
    assert all_of(fan_out.subscribe()) == [init(), *parts[2:]]


def test_nothing_comes_before_there_is_a_keyframe() -> None:
    fan_out = FanOut()
    subscription = fan_out.subscribe()
    for one in (init(), part(0), part(1), part(2, keyframe=True)):
        fan_out.publish(one)
    assert all_of(subscription) == [init(), part(2, keyframe=True)]


def test_who_is_slow_goes_on_at_a_keyframe_and_others_lose_nothing() -> None:
    fan_out = FanOut(most_bytes=1000)
    slow, quick = fan_out.subscribe(), fan_out.subscribe()
    sent = [init(), *(part(number, keyframe=number % 5 == 0) for number in range(43))]
    got = []
    for one in sent:
        fan_out.publish(one)
        got += all_of(quick)
    assert got == sent
    late = all_of(slow)
    assert late[0] == init()
    assert late[1].keyframe
    assert late[-1] == sent[-1]
    assert sum(len(one.data) for one in late) <= 1000
    assert slow.lost == len(sent) - len(late)


def test_a_new_recording_begins_with_its_own_init() -> None:
    fan_out = FanOut()
    subscription = fan_out.subscribe()
    other = "b" * 32
    sent = [init(), part(0, keyframe=True), init(other), part(0, keyframe=True, recording=other)]
    for one in sent:
        fan_out.publish(one)
    assert all_of(subscription) == sent


@given(
    st.lists(st.tuples(st.sampled_from(["part", "key", "init", "read", "come"]), st.integers(1, 400)), max_size=60),
    st.integers(100, 1000),
)
def test_what_anybody_gets_can_be_played(steps: list[tuple[str, int]], most_bytes: int) -> None:
    """After an init of the same recording, from a keyframe on, without a gap except before a keyframe."""
    fan_out = FanOut(most_bytes)
    readers: list[tuple[Subscription, list[LivePart]]] = []
    recording = 0
    fan_out.publish(init(f"{recording:032}"))
    for number, (what, size) in enumerate(steps, 1):
        if what == "init":
            recording += 1
            fan_out.publish(init(f"{recording:032}"))
        elif what == "come":
            readers.append((fan_out.subscribe(), []))
        elif what == "read":
            for subscription, got in readers:
                got += [one for one in [subscription.get(0)] if one]
        else:
            fan_out.publish(part(number, keyframe=what == "key", size=size, recording=f"{recording:032}"))
    for subscription, got in readers:
        assert_playable(got + all_of(subscription), [what in ("part", "key") for what, _ in steps])


def assert_playable(got: list[LivePart], is_part: list[bool]) -> None:
    begun, before = "", -1
    for one in got:
        if one.kind == "init":
            begun, before = one.recording, -1
            continue
        assert one.recording == begun
        number = int(one.media_s)
        follows = before >= 0 and not any(is_part[before : number - 1])
        assert one.keyframe or follows
        before = number


def test_a_reader_that_waits_wakes_up_when_the_camera_goes() -> None:
    fan_out = FanOut()
    with fan_out.subscribe() as subscription:
        threading.Timer(0.05, fan_out.close).start()
        assert subscription.get(60) is None
        assert subscription.closed


def test_readers_are_told_when_there_is_something() -> None:
    fan_out = FanOut()
    calls: list[int] = []
    with fan_out.subscribe(lambda: calls.append(1)) as subscription:
        fan_out.publish(init())
        fan_out.publish(part(0))  # kept from them: no keyframe yet
        assert len(calls) == 1
    assert subscription.closed
    fan_out.publish(part(1, keyframe=True))
    assert all_of(subscription) == [init()]


def test_who_comes_after_the_process_ended_gets_no_old_picture() -> None:
    fan_out = FanOut()
    fan_out.publish(init())
    fan_out.publish(part(0, keyframe=True))
    fan_out.pause()
    assert all_of(fan_out.subscribe()) == []

"""What a camera's process and its supervisor say to each other arrives as it was said, or not at all."""

from __future__ import annotations

import fcntl
import resource
import socket
import struct
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.live import CameraFigures, CameraState, CoveredSecond, SegmentInfo
from passerby.serve.known import Known
from passerby.serve.link import (
    Link,
    LinkClosed,
    Message,
    figures_in,
    figures_message,
    part_in,
    part_message,
    segment_in,
    segment_message,
)
from passerby.serve.outbox import Outbox

from .live_parts import AT, init, part

Ends = tuple[Link, Link]


@pytest.fixture
def ends() -> Iterator[Ends]:
    one, other = socket.socketpair()
    with one, other:
        yield Link(one), Link(other)


def say_all(link: Link, messages: list[Message]) -> None:
    for message in messages:
        link.send(message)


def hang_up(outbox: Outbox, link: Link) -> None:
    outbox.close(30)
    link.close()


def test_everything_arrives_as_it_was_said(ends: Ends) -> None:
    info = SegmentInfo(
        *("square", "a" * 32, "square/2026/x.mp4", AT, AT, 1.5, 30.0, 450, 30, 0.25),
        *((CoveredSecond(0.0, 1.0), CoveredSecond(1.0, 0.5)), 1000, "b" * 64, "avc1.64001f", 640, 360),
    )
    figures = CameraFigures(fps=14.9, frames=3, delay_s=2.0)
    said = [part_message(init()), part_message(part(7, keyframe=True)), segment_message(info), figures_message(figures)]
    threading.Thread(target=say_all, args=(ends[0], said)).start()
    heard = [message for message in (ends[1].receive(10) for _ in said) if message is not None]
    assert [part_in(heard[0]), part_in(heard[1])] == [init(), part(7, keyframe=True)]
    assert (segment_in(heard[2]), figures_in(heard[3])) == (info, figures)


def test_nothing_said_is_none_and_hanging_up_is_told(ends: Ends) -> None:
    assert ends[1].receive(0.01) is None
    ends[0].close()
    with pytest.raises(LinkClosed):
        ends[1].receive(10)


@given(st.binary(min_size=1, max_size=200))
def test_nonsense_ends_the_link_and_nothing_else(said: bytes) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(said)
        one.close()
        link = Link(other)
        with pytest.raises(LinkClosed):
            for _ in range(100):
                link.receive(10)


def test_a_message_that_claims_to_be_huge_is_not_waited_for(ends: Ends) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(struct.pack(">II", 10, 1 << 31))
        with pytest.raises(LinkClosed):
            Link(other).receive(10)


def test_a_message_that_breaks_off_in_the_middle_is_not_waited_for_without_end() -> None:
    """A process that was stopped while it spoke must not hold up who listens, and judges whether it hangs."""
    one, other = socket.socketpair()
    with one, other:
        one.sendall(struct.pack(">II", 100, 100) + b"[")
        with pytest.raises(LinkClosed):
            Link(other, patience_s=0.2).receive(10)


def test_a_process_with_thousands_of_open_files_is_heard() -> None:
    fewest, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < 3000:
        pytest.skip("this user may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(fewest, 3000), most))
    one, other = socket.socketpair()
    try:
        with one, other, socket.socket(fileno=fcntl.fcntl(other, fcntl.F_DUPFD, 2000)) as high:
            assert high.fileno() >= 2000
            Link(one).send(Message("stop"))
            assert Link(high).receive(10) == Message("stop")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (fewest, most))


@pytest.mark.parametrize(
    "message",
    [
        Message("part", {"kind": "original"}),
        Message("state", {"state": "fine", "why": ""}),
        Message("state", {"state": "live", "why": 5}),
        Message("figures", {"fps": "many"}),
        Message("figures", {"fps": float("nan")}),
        Message("figures", {"unheard_of": 1}),
        Message("segment", {"begins_at": "2026-11-23T12:00:00"}),
        Message("still", {"at": "yesterday"}),
        Message("exec", {"what": "rm"}),
    ],
    ids=lambda message: f"{message.kind} {message.told}",
)
def test_a_supervisor_believes_no_nonsense(message: Message) -> None:
    known = Known("square")
    before = known.status
    with pytest.raises((ValueError, TypeError, KeyError)):
        known.hear(message)
    assert known.status == before


def test_sentences_are_cut_where_they_are_none() -> None:
    known = Known("square")
    known.hear(Message("state", {"state": "lost", "why": "a" * 10_000}))
    assert (known.status.state, len(known.status.why)) == (CameraState.LOST, 500)


def test_who_does_not_listen_holds_up_nobody(ends: Ends) -> None:
    """Parts are dropped up to a keyframe; states all arrive, in order; of figures the last one does."""
    outbox = Outbox(ends[0], most_bytes=1_000_000)
    outbox.part(init())
    for number in range(200):
        outbox.part(part(number, keyframe=number % 10 == 0, size=100_000))
        outbox.figures(CameraFigures(frames=number))
        if number % 50 == 0:
            outbox.state(CameraState.LIVE, str(number))
    # Nobody has listened until here.
    heard: list[Message] = []
    closer = threading.Thread(target=hang_up, args=(outbox, ends[0]))
    closer.start()
    with pytest.raises(LinkClosed):
        while (message := ends[1].receive(30)) is not None:
            heard.append(message)
    closer.join()
    parts = [part_in(message) for message in heard if message.kind == "part"]
    assert parts[0] == init()
    assert len(parts) < 30
    assert all(after.keyframe or after.media_s == before.media_s + 1 for before, after in pairwise(parts[1:]))
    assert [message.told["why"] for message in heard if message.kind == "state"] == ["0", "50", "100", "150"]
    assert [figures_in(message).frames for message in heard if message.kind == "figures"][-1] == 199


def test_who_talks_to_nobody_is_not_held_up_either(ends: Ends) -> None:
    outbox = Outbox(ends[0])
    ends[1].close()
    for number in range(100):
        outbox.part(part(number, keyframe=True, size=1_000_000))
        outbox.state(CameraState.LIVE, "")
    outbox.close()

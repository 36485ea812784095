"""The check of finished files knows fragments: what hides in one of their boxes is found."""

from __future__ import annotations

import io

import pytest

from passerby import containers
from passerby.check.boxes import examine_mp4
from passerby.check.fragments import FRAGMENT_BOXES, fragment_problem

from .live_clips import camera_clip, record

SECRET = b"GPS+51.5007-000.1246"
PLACES = {
    "moov/mvex/trex": "trex",
    "moof/mfhd": "mfhd",
    "moof/traf/tfhd": "tfhd",
    "moof/traf/tfdt": "tfdt",
    "moof/traf/trun": "trun",
}


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("recording")
    ((_, path),) = record(folder, camera_clip(folder / "camera.mp4"), lambda gop: gop == 1).segments
    return path.read_bytes()


def with_bytes_in(data: bytes, path: str, hidden: bytes) -> bytes:
    """The file with something at the end of a box, and the lengths of all boxes around it put right."""
    end, kinds = 0, path.split("/")
    changed = bytearray(data)
    for depth in range(len(kinds)):
        found = containers.box(data, "/".join(kinds[: depth + 1]))
        assert found is not None
        size = int.from_bytes(data[found.start : found.start + 4], "big") + len(hidden)
        changed[found.start : found.start + 4] = size.to_bytes(4, "big")
        end = found.end
    return bytes(changed[:end] + hidden + changed[end:])


def problems(data: bytes) -> list[str]:
    return examine_mp4(io.BytesIO(data), audio=False).problems


def test_a_segment_as_it_is_written_passes(segment: bytes) -> None:
    assert problems(segment) == []


@pytest.mark.parametrize("place", PLACES)
def test_bytes_behind_the_fields_of_a_box_are_found(segment: bytes, place: str) -> None:
    assert problems(with_bytes_in(segment, place, SECRET)) == [f"the box {PLACES[place]} is not as long as it says"]


@pytest.mark.parametrize("kind", ["udta", "free", "uuid", "emsg", "meta"])
def test_boxes_that_playing_does_not_need_are_found(segment: bytes, kind: str) -> None:
    hidden = (8 + len(SECRET)).to_bytes(4, "big") + kind.encode() + SECRET
    for data in (with_bytes_in(segment, "moof/traf", hidden), with_bytes_in(segment, "moov", hidden), segment + hidden):
        (problem,) = problems(data)
        assert kind in problem or "tags" in problem


@pytest.mark.parametrize("kind", sorted(FRAGMENT_BOXES))
def test_a_box_that_is_cut_off_is_a_problem(kind: str) -> None:
    assert fragment_problem(kind, b"\0\0\0", 3) == f"the box {kind} is cut off"
    assert fragment_problem(kind, bytes(4), 5) == f"the box {kind} is not as long as it says"


def test_optional_fields_count() -> None:
    assert fragment_problem("tfhd", b"\0\0\0\x3b" + bytes(4), 8 + 8 + 4 * 4) is None
    assert fragment_problem("trun", b"\0\0\x0f\x05" + b"\0\0\0\3", 8 + 4 + 4 + 3 * 16) is None
    assert fragment_problem("trun", b"\0\0\x0f\x05" + b"\0\0\0\3", 8 + 4 + 4 + 3 * 16 + 1)
    assert fragment_problem("tfdt", b"\1\0\0\0", 12) is None
    assert fragment_problem("mehd", b"\1\0\0\0", 8)

"""What was recorded, over the interface: the right files, and the right bytes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerby.archive import StoredSegment

from .conftest import Browser
from .town import BEGAN, HOUR, RATE, SECONDS, QuietTown, frames_in, now


def test_the_timeline_says_when_was_recorded(operator: Browser) -> None:
    answer = operator.get("/api/v1/cameras/gate/timeline", params=HOUR).json()
    assert [span["begins_at"] for span in answer["spans"]] == ["2026-11-23T14:00:00Z"]
    assert answer["spans"][0]["covered_share"] == pytest.approx(0.25)


def test_segments_play_by_themselves(operator: Browser) -> None:
    listed = operator.get("/api/v1/cameras/gate/segments", params=HOUR).json()
    assert not listed["more"]
    frames = [frames_in(operator.get(f"/api/v1/segments/{one['id']}").content) for one in listed["segments"]]
    assert frames == [one["frames"] for one in listed["segments"]]
    assert sum(frames) == RATE * SECONDS


def test_a_list_that_is_cut_says_so(operator: Browser) -> None:
    listed = operator.get("/api/v1/cameras/gate/segments", params={**HOUR, "limit": 1}).json()
    assert len(listed["segments"]) == 1
    assert listed["more"]


@pytest.mark.parametrize(
    ("wanted", "first", "end"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None)]
)
def test_a_range_of_bytes_is_that_range(operator: Browser, wanted: str, first: int, end: int | None) -> None:
    whole = operator.get("/api/v1/segments/1")
    part = operator.get("/api/v1/segments/1", headers={"Range": wanted})
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[first:end]
    begins = first % len(whole.content)
    told = f"bytes {begins}-{begins + len(part.content) - 1}/{len(whole.content)}"
    assert part.headers["Content-Range"] == told
    assert part.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=0-1,5-9", "bytes=-", "pages=1-2", "bytes=a-b"])
def test_a_range_that_is_not_understood_gets_the_whole_file(operator: Browser, wanted: str) -> None:
    answer = operator.get("/api/v1/segments/1", headers={"Range": wanted})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert frames_in(answer.content) > 0


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(operator: Browser, wanted: str) -> None:
    answer = operator.get("/api/v1/segments/1", headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"].startswith("bytes */")


def test_an_erased_segment_is_not_there(operator: Browser, town: QuietTown) -> None:
    erased, *_ = _of_market(town)
    erased.path.unlink()
    assert operator.get(f"/api/v1/segments/{erased.id}").status_code == 404
    assert operator.get("/api/v1/segments/999").status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(operator: Browser, town: QuietTown, tmp_path: Path) -> None:
    _, linked, below = _of_market(town)
    (tmp_path / "secret").write_bytes(b"not yours")
    linked.path.unlink()
    linked.path.symlink_to(tmp_path / "secret")
    assert operator.get(f"/api/v1/segments/{linked.id}").status_code == 404
    (tmp_path / below.path.name).write_bytes(b"not yours")
    below.path.parent.rename(tmp_path / "moved")
    below.path.parent.symlink_to(tmp_path)
    assert operator.get(f"/api/v1/segments/{below.id}").status_code == 404


def _of_market(town: QuietTown) -> list[StoredSegment]:
    return town.archive.segments("market", BEGAN, now())


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
        ("2026-11-23T14:00:00Z", "2026-11-23T13:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-11-23T14:00:00", "2026-11-23T15:00:00"),
        ("0001-01-01T00:00:00+23:00", "0001-01-02T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("what", ["timeline", "segments", "export"])
def test_a_range_that_is_none_is_refused(operator: Browser, what: str, begin: str, end: str) -> None:
    answer = operator.get(f"/api/v1/cameras/gate/{what}", params={"begin": begin, "end": end})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]

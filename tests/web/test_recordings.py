"""What was recorded, over the interface: the right files, the right bytes, and a file to take away."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from passerby.archive import StoredSegment
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import Role
from passerby.web.exporting import forget_exports

from .conftest import Browser, People
from .town import BEGAN, RATE, SECONDS, QuietTown, now

HOUR = {"begin": "2026-11-23T13:30:00Z", "end": "2026-11-23T14:30:00Z"}


@pytest.fixture
def operator(people: People) -> Browser:
    return people.browser(Role.OPERATOR)


def _frames(content: bytes) -> int:
    with av.open(io.BytesIO(content), "r") as file:
        return len(list(file.decode(video=0)))


def test_the_timeline_says_when_was_recorded(operator: Browser) -> None:
    answer = operator.get("/api/v1/cameras/gate/timeline", params=HOUR).json()
    assert [span["begins_at"] for span in answer["spans"]] == ["2026-11-23T14:00:00Z"]
    assert answer["spans"][0]["covered_share"] == pytest.approx(0.25)


def test_segments_play_by_themselves(operator: Browser) -> None:
    listed = operator.get("/api/v1/cameras/gate/segments", params=HOUR).json()
    assert not listed["more"]
    frames = [_frames(operator.get(f"/api/v1/segments/{one['id']}").content) for one in listed["segments"]]
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
    assert _frames(answer.content) > 0


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


def test_an_export_is_one_file_of_that_time_and_leaves_nothing_behind(operator: Browser, town: QuietTown) -> None:
    before = sorted(path.name for path in town.archive.folder.iterdir())
    wanted = {"begin": "2026-11-23T14:00:05Z", "end": "2026-11-23T14:00:15Z"}
    answer = operator.get("/api/v1/cameras/gate/export", params=wanted)
    assert answer.status_code == 200, answer.text
    assert _frames(answer.content) == 10 * RATE
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gate-20261123T140005Z.mp4"'
    assert answer.headers["X-Exported-From"] == "2026-11-23T14:00:05+00:00"
    assert sorted(path.name for path in town.archive.folder.iterdir()) == before


def test_an_export_beyond_what_is_there_says_what_it_holds(operator: Browser) -> None:
    answer = operator.get("/api/v1/cameras/gate/export", params=HOUR)
    assert _frames(answer.content) == RATE * SECONDS
    assert answer.headers["X-Exported-Until"].startswith("2026-11-23T14:00:2")


def test_an_export_is_written_down(operator: Browser, accounts: Accounts) -> None:
    operator.get("/api/v1/cameras/gate/export", params=HOUR)
    last = accounts.log.entries(limit=1)[0]
    assert (last.who, last.action, last.subject) == (operator.name, "exported", "gate")
    assert last.note == "2026-11-23T13:30:00+00:00 to 2026-11-23T14:30:00+00:00"


def test_nothing_to_export_is_no_file(operator: Browser) -> None:
    wanted = {"begin": "2026-11-22T14:00:00Z", "end": "2026-11-22T15:00:00Z"}
    answer = operator.get("/api/v1/cameras/gate/export", params=wanted)
    assert answer.status_code == 404
    assert "nothing was recorded" in answer.json()["error"]["message"]


def test_no_export_is_made_that_would_fill_the_disk(
    operator: Browser, town: QuietTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.archive, "free_bytes", lambda: 1000)
    answer = operator.get("/api/v1/cameras/gate/export", params=HOUR)
    assert answer.status_code == 503
    assert "not enough room" in answer.json()["error"]["message"]


def test_what_a_killed_server_was_exporting_goes_with_the_next_start(tmp_path: Path) -> None:
    for name in (".export-0123.mp4", "..export-0123.mp4.passerby-part", "accounts.sqlite"):
        (tmp_path / name).touch()
    forget_exports(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["accounts.sqlite"]


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

"""A range of recordings to take away: one file, whole, whatever happens to its segments meanwhile."""

from __future__ import annotations

import asyncio
import gc
import io
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import get_args

import av
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message

from passerby.archive import Archive, open_archive
from passerby.serve.accounts import Accounts
from passerby.web.exporting import Exports, Gaps, WantedExport, forget_exports
from passerby.web.sending import SentAsMade
from tests.serve.waiting import wait_for

from .conftest import Browser
from .town import BEGAN, HOUR, RATE, SECONDS, QuietTown, frames_in, now, record

LATER = BEGAN + timedelta(minutes=5)


def copied(town: QuietTown, folder: Path) -> Archive:
    """The archive of the town, to be meddled with."""
    return open_archive(Path(shutil.copytree(town.archive.folder, folder / "archive")))


def sent(response: Response, most_pieces: int = 1000) -> bytes:
    """What somebody gets who takes so many pieces, and is gone then."""
    taken: list[bytes] = []

    async def send(message: Message) -> None:
        if len(taken) >= most_pieces:
            raise OSError
        taken.append(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.request"}

    asyncio.run(response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))
    return b"".join(taken)


def test_an_export_is_one_file_of_that_time_and_leaves_nothing_behind(operator: Browser, town: QuietTown) -> None:
    before = sorted(path.name for path in town.archive.folder.iterdir())
    wanted = {"begin": "2026-11-23T14:00:05Z", "end": "2026-11-23T14:00:15Z"}
    answer = operator.get("/api/v1/cameras/gate/export", params=wanted)
    assert answer.status_code == 200, answer.text
    assert frames_in(answer.content) == 10 * RATE
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gate-20261123T140005Z.mp4"'
    assert answer.headers["X-Exported-From"] == "2026-11-23T14:00:05+00:00"
    # The last byte is here before the server has tidied up.
    assert wait_for(lambda: sorted(path.name for path in town.archive.folder.iterdir()) == before)


def test_an_export_beyond_what_is_there_says_what_it_holds(operator: Browser) -> None:
    answer = operator.get("/api/v1/cameras/gate/export", params=HOUR)
    assert frames_in(answer.content) == RATE * SECONDS
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


def test_what_is_erased_while_it_is_exported_is_sent_whole(operator: Browser, town: QuietTown, tmp_path: Path) -> None:
    archive = copied(town, tmp_path)
    response = Exports().response(archive, WantedExport("gate", "Gate", BEGAN, now()))
    linked = sorted(archive.folder.glob(".export-*/*"))
    assert len(linked) == len(archive.segments("gate", BEGAN, now()))
    for one in archive.segments("gate", BEGAN, now()):
        one.path.unlink()
    assert frames_in(sent(response)) == RATE * SECONDS
    assert list(archive.folder.glob(".export-*")) == []
    archive.close()


def test_an_export_that_nobody_takes_is_given_up(town: QuietTown, tmp_path: Path) -> None:
    archive, exports = copied(town, tmp_path), Exports()
    wanted = WantedExport("gate", "Gate", BEGAN, now())
    waiting = [exports.response(archive, wanted) for _ in range(2)]
    with pytest.raises(HTTPException, match="other exports are being sent"):
        exports.response(archive, wanted)
    with pytest.raises(ClientDisconnect):
        sent(waiting[0], most_pieces=1)
    assert len(list(archive.folder.glob(".export-*"))) == 1
    del waiting[1]
    gc.collect()
    assert list(archive.folder.glob(".export-*")) == []
    assert frames_in(sent(exports.response(archive, wanted))) == RATE * SECONDS
    archive.close()


def test_an_export_whose_segment_breaks_off_ends_with_the_connection(
    town: QuietTown, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = copied(town, tmp_path)
    response = Exports().response(archive, WantedExport("gate", "Gate", BEGAN, now()))
    with archive.segments("gate", BEGAN, now())[-1].path.open("r+b") as file:
        file.truncate(2000)
    assert len(sent(response)) < int(response.headers["Content-Length"])
    assert "a file was not sent to its end: Gate: " in caplog.text
    archive.close()


def test_a_gap_is_left_out_or_kept(town: QuietTown, tmp_path: Path) -> None:
    archive = copied(town, tmp_path)
    record(archive, "gate", LATER)
    lasts_s: dict[Gaps, float] = {}
    for gaps in get_args(Gaps):
        content = sent(Exports().response(archive, WantedExport("gate", "Gate", BEGAN, now(), gaps)))
        with av.open(io.BytesIO(content), "r") as file:
            assert file.duration is not None
            lasts_s[gaps] = file.duration / av.time_base
            assert len(list(file.decode(video=0))) == 2 * RATE * SECONDS
    apart_s = (LATER - BEGAN).total_seconds()
    assert lasts_s == {
        "leave-out": pytest.approx(2 * SECONDS, abs=0.1),
        "keep": pytest.approx(apart_s + SECONDS, abs=0.1),
    }
    archive.close()


def test_a_picture_of_another_size_is_another_file(town: QuietTown, tmp_path: Path) -> None:
    archive = copied(town, tmp_path)
    record(archive, "gate", LATER, size=(96, 64))
    with pytest.raises(HTTPException, match=re.escape(f"changed its size at {LATER.isoformat()}; export")):
        Exports().response(archive, WantedExport("gate", "Gate", BEGAN, now()))
    archive.close()


def test_who_takes_an_export_drop_by_drop_does_not_keep_erased_recordings_for_days() -> None:
    over, taken = [], list[Message]()

    async def send(message: Message) -> None:
        taken.append(message)
        await asyncio.sleep(0.01)

    async def receive() -> Message:
        return {"type": "http.request"}

    response = SentAsMade(iter([b"drop"] * 100_000), "video/mp4", {}, lambda: over.append(True), longest_s=0.2)
    asyncio.run(response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send))
    assert over == [True]
    assert len(taken) < 100_000
    assert all(message.get("more_body", True) for message in taken), "it was not said to be whole"


def test_what_a_killed_server_was_exporting_goes_with_the_next_start(tmp_path: Path) -> None:
    (tmp_path / ".export-0123").mkdir()
    for name in (".export-0123/0.mp4", "accounts.sqlite"):
        (tmp_path / name).touch()
    forget_exports(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["accounts.sqlite"]

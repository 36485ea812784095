"""Recordings that are due and cannot be erased: it is said, once, for as long as it lasts."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from passerby.archive import open_archive
from passerby.serve.housekeeping import Housekeeping
from passerby.serve.promised import FILE_NAME, Promised
from passerby.serve.town import CameraSettings, Town
from tests.archive.made import segment

from .waiting import wait_for

TOWN = Town(camera=(CameraSettings(name="square", url="demo:"),))


def test_what_could_not_be_erased_is_said_until_it_can(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(open_archive(tmp_path)) as archive:
        housekeeping = Housekeeping(archive, lambda: TOWN, every_s=0.02)
        with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as catalogue, caplog.at_level(logging.WARNING):
            catalogue.execute("ALTER TABLE camera RENAME TO taken_away")
            housekeeping.start()
            trouble = wait_for(lambda: housekeeping.trouble)
            assert "catalogue.sqlite" in trouble
            catalogue.execute("ALTER TABLE taken_away RENAME TO camera")
            wait_for(lambda: housekeeping.trouble == "")
        housekeeping.close()
    assert [record.getMessage() for record in caplog.records] == [f"old recordings were not erased: {trouble}"]


@pytest.mark.parametrize(("said_h", "ago_h", "stays"), [(1, 2, False), (4, 2, True), (200, 70, True), (200, 74, False)])
def test_removing_a_camera_keeps_nothing_longer_than_its_sign_said(
    tmp_path: Path, said_h: float, ago_h: float, stays: bool
) -> None:
    """And nothing longer than three days, from the next start of passerby on as well."""
    square = CameraSettings(name="square", url="demo:", retention_h=said_h)
    with closing(open_archive(tmp_path)) as archive:
        Housekeeping(archive, lambda: Town(camera=(square,), floor_gb=0)).tidy()
        archive.add(*segment(tmp_path, "square", begins=datetime.now(UTC) - timedelta(hours=ago_h)))
        Housekeeping(archive, lambda: Town(floor_gb=0)).tidy()
        assert [usage.camera for usage in archive.usage()] == ["square"] * stays


@pytest.mark.parametrize("content", ["", "[]", '{"square": "long"}', '{"square": -1}', '{"square": NaN}'])
def test_a_promise_that_makes_no_sense_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    assert Promised(tmp_path).rules(Town(), {"square"}) == {}

"""Recordings that are due and cannot be erased: it is said, once, for as long as it lasts."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from passerby.archive import open_archive
from passerby.serve.housekeeping import Housekeeping
from passerby.serve.town import CameraSettings, Town

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

"""PostgreSQL is stopped and started again while a camera runs: it goes on, and nothing of it is missing in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from passerby.archive import check_archive
from passerby.errors import ArchiveError
from passerby.live import CameraState
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import CameraSettings, Town
from tests.serve.clips import make_clip
from tests.serve.waiting import wait_for

from .conftest import Server

LONG_AGO, LATER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def test_recording_goes_on_without_the_catalogue_and_is_listed_when_it_is_back(
    postgres: Server, tmp_path: Path
) -> None:
    database, folder = postgres.new_database(), tmp_path / "town"
    clip = make_clip(tmp_path / "clip.mp4")
    camera = CameraSettings(name="square", url=str(clip), segment_s=10, delay_s=0.5, timeout_s=5)
    town = Town(camera=(camera,), database=database, floor_gb=0)
    with Supervisor(town, folder) as supervisor, supervisor.subscribe("square") as live:
        shown = [wait_for(lambda: live.get(1)) for _ in range(3)]
        postgres.stop()
        try:
            wait_for(lambda: list((folder / "square").rglob("*.mp4")))
            why = wait_for(lambda: supervisor.status("square").why)
            assert supervisor.status("square").state is CameraState.DEGRADED
            assert "catalogue" in why
            assert not any(secret in why for secret in ("postgresql", "town@", str(postgres.folder)))
            shown += [wait_for(lambda: live.get(1)) for _ in range(2)]
            with pytest.raises(ArchiveError, match="catalogue"):
                supervisor.archive.segments("square", LONG_AGO, LATER)
        finally:
            postgres.start()
        wait_for(lambda: len(supervisor.archive.segments("square", LONG_AGO, LATER)) > 1)
        wait_for(lambda: supervisor.status("square").state is not CameraState.DEGRADED)
    assert len({part.recording for part in shown}) == 1, "the camera's process went on all the time"
    assert check_archive(folder, database).problems == ()
    with Supervisor(Town(database=database, floor_gb=0), folder) as after:
        stored = after.archive.segments("square", LONG_AGO, LATER)
    assert [frames_in(segment.path) for segment in stored] == [segment.info.frames for segment in stored]
    assert stored[-1].info.media_start_s + stored[-1].info.duration_s > max(part.media_s for part in shown)


def test_a_town_that_starts_before_its_database_says_so(postgres: Server, tmp_path: Path) -> None:
    database = postgres.new_database()
    postgres.stop()
    try:
        with pytest.raises(ArchiveError, match="catalogue") as refused:
            Supervisor(Town(database=database, floor_gb=0), tmp_path / "town")
        assert "town@" not in refused.value.message
    finally:
        postgres.start()
    with Supervisor(Town(database=database, floor_gb=0), tmp_path / "town"):
        pass


def frames_in(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))

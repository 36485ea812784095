"""A camera with two streams, by its real process and by the command that tries it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from passerby.errors import SettingsError
from passerby.live import CameraState
from tests.cameras.rtsp import rtsp_server
from tests.serve.test_commands import passerby
from tests.serve.test_supervisor import camera, running, stored
from tests.serve.waiting import wait_for
from tests.stream.pairs import make_pair, wall

USER, PASSWORD = "ann", "hunter2"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_pair(tmp_path_factory.mktemp("clips"), 60, wall)


def test_its_process_looks_at_the_smaller_stream_and_copies_the_main_one(tmp_path: Path, clips: list[Path]) -> None:
    main, look = clips
    with running(tmp_path, camera("square", main, look_url=str(look), delay_s=3)) as supervisor:
        wait_for(lambda: supervisor.status("square").figures.copied_gops > 3)
        wait_for(lambda: supervisor.status("square").state is CameraState.LIVE)
        status = supervisor.status("square")
        assert (status.width, status.height) == (480, 360)
        assert wait_for(lambda: supervisor.still("square"))
    assert sum(segment.info.copied_frames for segment in stored(tmp_path, "square"))


def test_a_stream_to_look_at_that_cannot_be_reached_is_told(tmp_path: Path, clips: list[Path]) -> None:
    url = "rtsp://127.0.0.1:1/live?channel=2"
    with running(tmp_path, camera("square", clips[0], look_url=url, delay_s=1)) as supervisor:
        wait_for(lambda: supervisor.status("square").state is CameraState.LOST)
        why = supervisor.status("square").why
        assert why.startswith("camera square (look_url) cannot be reached")
        assert "127.0.0.1" not in why


@pytest.mark.parametrize(("seed", "shows"), [(0, "same"), (1, "other")])
def test_trying_both_says_whether_they_show_the_same(tmp_path: Path, clips: list[Path], seed: int, shows: str) -> None:
    main, look = clips if not seed else make_pair(tmp_path, 60, wall, lambda index: wall(index, seed))
    with rtsp_server(main, USER, PASSWORD, small=look) as server:
        words = ("camera", "try", server.url, "--look-url", server.small_url, "--username", USER)
        code, output = passerby(*words, "--json", env={"PASSERBY_CAMERA_PASSWORD": PASSWORD})
        assert code == 0, output
        told = json.loads(output)["look"]
        assert told.pop("rate_fps") == pytest.approx(15, abs=3)
        assert told == {"width": 320, "height": 240, "shows": shows}
        code, output = passerby(*words, env={"PASSERBY_CAMERA_PASSWORD": "wrong2"})
        assert code == 1
        assert not any(secret in output for secret in ("wrong2", str(server.port), "rtsp:"))


def test_a_page_tries_both_in_a_process_of_their_own(tmp_path: Path, clips: list[Path]) -> None:
    main, look = clips
    with rtsp_server(main, USER, PASSWORD, small=look) as server, running(tmp_path) as supervisor:
        trial = supervisor.try_camera(server.url, USER, PASSWORD, "tcp", server.small_url)
        assert trial.look is not None
        assert (trial.look.width, trial.look.height, trial.look.shows) == (320, 240, "same")
        with pytest.raises(SettingsError, match="a file is played as a camera only if"):
            supervisor.try_camera(server.url, USER, PASSWORD, "tcp", "/etc/passwd")

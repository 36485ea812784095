"""Cameras in real processes: they record, are started anew when they are killed or hang, and leave nothing broken."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import av
import psutil
import pytest

from passerby.archive import StoredSegment, check_archive, open_archive
from passerby.errors import OutputError, SettingsError
from passerby.live import CameraState, LivePart
from passerby.serve.credentials import Credentials
from passerby.serve.folder_lock import FolderLock
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import CameraSettings, Town
from tests.cameras.rtsp import rtsp_server

from .clips import HEIGHT, WIDTH, make_clip
from .waiting import wait_for

RECORDING = {CameraState.LIVE, CameraState.LEARNING, CameraState.DEGRADED}
LONG_AGO, LATER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def camera(name: str, url: Path | str, **settings: object) -> CameraSettings:
    return CameraSettings.model_validate(
        {"name": name, "url": str(url), "segment_s": 10, "delay_s": 0.5, "timeout_s": 5, **settings}
    )


@contextmanager
def running(folder: Path, *cameras: CameraSettings, **settings: object) -> Iterator[Supervisor]:
    town = Town.model_validate({"camera": cameras, "floor_gb": 0, **settings})
    with Supervisor(town, folder) as supervisor:
        yield supervisor


def first_parts(supervisor: Supervisor, name: str, count: int = 2) -> list[LivePart]:
    """The init and the first parts of what is live now."""
    with supervisor.subscribe(name) as subscription:
        return [wait_for(lambda: subscription.get(1)) for _ in range(count)]


def stored(folder: Path, name: str) -> list[StoredSegment]:
    with closing(open_archive(folder)) as archive:
        return archive.segments(name, LONG_AGO, LATER)


def environment_of(process: psutil.Process) -> str:
    """What the system shows of it: to others of the same user nothing, to root all."""
    try:
        return str(process.environ())
    except psutil.AccessDenied:
        assert os.getuid() != 0
        return ""


def frames_in(path: Path) -> int:
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))


def test_a_camera_is_recorded_and_shown_and_its_process_ends_with_the_supervisor(tmp_path: Path, clip: Path) -> None:
    before = datetime.now(UTC)
    with running(tmp_path, camera("square", clip)) as supervisor:
        init, part = first_parts(supervisor, "square")
        assert (init.kind, part.kind, part.keyframe, part.recording) == ("init", "part", True, init.recording)
        still, at = wait_for(lambda: supervisor.still("square"))
        assert still.startswith(b"\xff\xd8")
        assert at.tzinfo is not None
        status = wait_for(lambda: next((s for s in supervisor.statuses() if s.figures.frames), None))
        assert (status.name, status.width, status.height, status.codec) == ("square", WIDTH, HEIGHT, "h264")
        assert status.state in RECORDING
        process = psutil.Process(supervisor.pid("square"))
    assert supervisor.status("square").state is CameraState.STOPPED
    assert not process.is_running()
    segments = stored(tmp_path, "square")
    assert segments
    assert [frames_in(segment.path) for segment in segments] == [segment.info.frames for segment in segments]
    assert before < segments[0].info.begins_at < segments[-1].info.ends_at
    assert check_archive(tmp_path).problems == ()


def test_a_killed_process_is_followed_by_another_and_nothing_is_broken(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path, camera("square", clip), camera("gate", clip)) as supervisor:
        first_parts(supervisor, "square", 4)
        pid = supervisor.pid("square")
        assert pid is not None
        gate = supervisor.pid("gate")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: supervisor.status("square").state is CameraState.LOST)
        assert "was ended by SIGKILL" in supervisor.status("square").why
        wait_for(lambda: supervisor.pid("square") not in (None, pid))
        first_parts(supervisor, "square")
        assert supervisor.pid("gate") == gate, "the others go on"
    runs = {segment.info.recording for segment in stored(tmp_path, "square")}
    assert len(runs) == 2, "what the killed one had stored is there"
    assert check_archive(tmp_path).problems == ()


def test_two_do_not_serve_from_one_folder(tmp_path: Path) -> None:
    with running(tmp_path), pytest.raises(OutputError, match="another passerby serves from this folder"):
        Supervisor(Town(), tmp_path)
    Supervisor(Town(), tmp_path).close()


def test_who_comes_after_a_killed_supervisor_waits_for_what_it_left_behind(tmp_path: Path) -> None:
    """Here a process that keeps the inherited lock, as one of a camera does."""
    lock = FolderLock(tmp_path, 1)
    with subprocess.Popen(["sleep", "100"], pass_fds=[lock.inherited]) as left_behind:
        lock.close()
        with pytest.raises(OutputError, match="left behind do not end"):
            FolderLock(tmp_path, 0.1)
        left_behind.kill()
    FolderLock(tmp_path, 60).close()


def test_the_folder_that_is_made_is_for_its_owner_only_and_one_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Who may see which camera is asked by the pages; other users of the machine must not find the files beside."""
    FolderLock(tmp_path / "srv" / "data", 1).close()
    assert stat.S_IMODE((tmp_path / "srv" / "data").stat().st_mode) == 0o700
    (tmp_path / "shared").mkdir(0o750)
    FolderLock(tmp_path / "shared", 1).close()
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o750


def test_a_process_that_hangs_is_ended_and_started_anew(tmp_path: Path, clip: Path) -> None:
    """SIGSTOP: it runs by what the system says, and nothing comes of it."""
    with running(tmp_path, camera("square", clip, watchdog_s=10)) as supervisor:
        first_parts(supervisor, "square")
        pid = supervisor.pid("square")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: "nothing that plays was stored for 10 s" in supervisor.status("square").why)
        wait_for(lambda: supervisor.pid("square") not in (None, pid))
    assert not psutil.pid_exists(pid)
    assert check_archive(tmp_path).problems == ()


def test_too_much_memory_starts_a_process_anew(tmp_path: Path, clip: Path) -> None:
    settings = camera("square", clip).model_copy(update={"memory_mb": 10})
    with running(tmp_path, settings) as supervisor:
        why = wait_for(lambda: supervisor.status("square").why)
        assert "of memory; the camera's process was ended" in why


def test_a_planned_restart_comes_between_two_segments(tmp_path: Path, clip: Path) -> None:
    """The process ends by itself, with its segment finished, and another follows at once."""
    with running(tmp_path, camera("square", clip), restart_h=0.001) as supervisor:
        first_parts(supervisor, "square")
        pid, states = supervisor.pid("square"), set[CameraState]()

        def followed() -> bool:
            states.add(supervisor.status("square").state)
            return supervisor.pid("square") not in (None, pid)

        wait_for(followed)
        segments = stored(tmp_path, "square")
        assert segments
        assert frames_in(segments[-1].path) == segments[-1].info.frames
    assert CameraState.LOST not in states
    assert check_archive(tmp_path).problems == ()


def test_a_wrong_password_is_told_without_the_address(tmp_path: Path, clip: Path) -> None:
    with rtsp_server(clip, "ann", "right") as server, running(tmp_path, camera("square", server.url)) as supervisor:
        status = wait_for(lambda: next((s for s in supervisor.statuses() if s.state is CameraState.LOST), None))
        assert "square" in status.why
        assert "user and a password" in status.why
        assert not any(secret in status.why for secret in (str(server.port), "127.0.0.1", "rtsp:", "right"))


def test_the_right_password_is_found_in_the_file_and_in_no_list_of_processes(tmp_path: Path, clip: Path) -> None:
    with rtsp_server(clip, "ann", "hunter2-@:/") as server, running(tmp_path) as supervisor:
        supervisor.add_camera(camera("square", server.url), Credentials("ann", "hunter2-@:/"))
        first_parts(supervisor, "square")
        process = psutil.Process(supervisor.pid("square"))
        assert "hunter2" not in " ".join(process.cmdline()) + environment_of(process)
        written = [file for file in tmp_path.rglob("*") if file.is_file() and b"hunter2" in file.read_bytes()]
        assert [file.name for file in written] == ["credentials.toml"]
        assert stat.S_IMODE(written[0].stat().st_mode) == 0o600


def test_what_is_stored_of_a_password_goes_to_no_other_host(tmp_path: Path) -> None:
    """Else whoever may edit a camera could read it: by an address of their own, at which they listen."""
    gate = camera("gate", "rtsps://192.0.2.7/live", enabled=False)
    with running(tmp_path) as supervisor:
        supervisor.add_camera(gate, Credentials("ann", "hunter2"))
        for changed in (
            {"url": "rtsps://192.0.2.66/live"},
            {"url": "rtsps://192.0.2.7:8554/live"},
            {"url": "rtsp://192.0.2.7/live"},
            {"look_url": "rtsps://192.0.2.66/small"},
        ):
            with pytest.raises(SettingsError, match="leads elsewhere now"):
                supervisor.edit_camera("gate", gate.model_copy(update=changed), None)
            assert supervisor.town.camera_named("gate") == gate
        near = gate.model_copy(update={"url": "rtsps://192.0.2.7/other", "look_url": "rtsps://192.0.2.7/small"})
        supervisor.edit_camera("gate", near, None)
        assert "hunter2" in (tmp_path / "credentials.toml").read_text()
        away = gate.model_copy(update={"url": "rtsps://192.0.2.66/live"})
        supervisor.edit_camera("gate", away, Credentials("bob", "hunter3"))
        assert "hunter2" not in (tmp_path / "credentials.toml").read_text()


def test_credentials_in_the_environment_stay_out_of_that_of_processes(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERBY_CAMERA_OTHER_PASSWORD", "hunter2")
    with running(tmp_path, camera("square", clip)) as supervisor:
        process = psutil.Process(wait_for(lambda: supervisor.pid("square")))
        assert "hunter2" not in environment_of(process)


def test_cameras_that_were_added_are_there_again_and_the_file_holds_no_secret(tmp_path: Path) -> None:
    added = camera("gate", "rtsp://192.0.2.1/live", title="Gate", enabled=False)
    with running(tmp_path) as supervisor:
        supervisor.add_camera(added, Credentials("ann", "hunter2"))
        assert supervisor.town.camera == (added,)
        with pytest.raises(SettingsError, match="a camera gate already"):
            supervisor.add_camera(added, None)
    assert "hunter2" not in (tmp_path / "cameras.toml").read_text()
    with running(tmp_path) as supervisor:
        assert supervisor.town.camera == (added,)
        assert supervisor.status("gate").state is CameraState.STOPPED
        changed = added.model_copy(update={"title": "North gate"})
        supervisor.edit_camera("gate", changed, None)
        assert supervisor.town.camera == (changed,)
        assert "hunter2" in (tmp_path / "credentials.toml").read_text(), "None keeps them"
        supervisor.remove_camera("gate")
        with pytest.raises(KeyError):
            supervisor.status("gate")
    assert "hunter2" not in (tmp_path / "credentials.toml").read_text()
    with running(tmp_path) as supervisor:
        assert supervisor.town.camera == ()


def test_a_camera_in_the_file_of_the_town_is_changed_there_only(tmp_path: Path) -> None:
    fixed = camera("square", "rtsp://192.0.2.1/live", enabled=False)
    with running(tmp_path, fixed) as supervisor:
        assert supervisor.is_fixed("square")
        with pytest.raises(SettingsError, match="stands in the file of the town"):
            supervisor.edit_camera("square", fixed, None)
        with pytest.raises(SettingsError, match="stands in the file of the town"):
            supervisor.remove_camera("square")
        supervisor.restart_camera("square")


LOCAL_FILES = [
    *("/etc/passwd", "file:///etc/passwd", "concat:/etc/passwd", "/dev/sda", "clip.mp4", "demo:/etc/passwd"),
    *("/dev/video0/../../etc/passwd", "/dev/v4l/../../etc/passwd"),
]


def test_a_page_makes_this_machine_read_none_of_its_files(tmp_path: Path) -> None:
    with running(tmp_path) as supervisor:
        for url in LOCAL_FILES:
            with pytest.raises(SettingsError, match="a file is played as a camera only if"):
                supervisor.add_camera(camera("square", url), None)
            with pytest.raises(SettingsError, match="a file is played as a camera only if"):
                supervisor.add_camera(camera("square", "rtsp://192.0.2.7/live", look_url=url, delay_s=1), None)
            with pytest.raises(SettingsError, match="a file is played as a camera only if"):
                supervisor.try_camera(url, "", "", "tcp")
        with pytest.raises(SettingsError, match="a kind that passerby does not connect to"):
            supervisor.try_camera("ftp://192.0.2.1/clip.mp4", "", "", "tcp")


def test_nobody_knows_a_camera_that_there_is_not(tmp_path: Path) -> None:
    with running(tmp_path) as supervisor:
        for ask in (supervisor.status, supervisor.still, supervisor.subscribe, supervisor.restart_camera):
            with pytest.raises(KeyError):
                ask("nowhere")


def test_a_camera_that_ends_is_connected_again(tmp_path: Path, clip: Path) -> None:
    with rtsp_server(clip, once=True) as server, running(tmp_path, camera("square", server.url)) as supervisor:
        wait_for(lambda: supervisor.status("square").figures.reconnects >= 1)
        wait_for(lambda: supervisor.status("square").state in RECORDING)


def test_old_recordings_go(tmp_path: Path, clip: Path) -> None:
    with running(tmp_path, camera("square", clip)) as supervisor:
        first_parts(supervisor, "square", 3)
    assert stored(tmp_path, "square")
    with running(tmp_path, camera("square", clip, enabled=False, retention_h=1e-6)):
        wait_for(lambda: not stored(tmp_path, "square"))
    assert not list(tmp_path.rglob("*.mp4"))


def test_a_camera_that_cannot_be_stored_says_so_and_stops_no_other(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "gate").write_text("a file where the camera's folder should be")
    with running(tmp_path, camera("gate", clip), camera("square", clip)) as supervisor:
        first_parts(supervisor, "square")
        wait_for(lambda: "gate: " in supervisor.status("gate").why)
        assert supervisor.still("gate") is None
        (tmp_path / "gate").unlink()
        first_parts(supervisor, "gate")
    assert stored(tmp_path, "gate")
    assert check_archive(tmp_path).problems == ()


def test_a_camera_that_takes_connections_and_says_nothing_is_lost(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        with running(tmp_path, camera("square", url, timeout_s=1)) as supervisor:
            wait_for(lambda: supervisor.status("square").state is CameraState.LOST)
            assert "it did not answer within 1 s" in supervisor.status("square").why

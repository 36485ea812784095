"""The commands for live cameras, as a person types them."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from passerby.cli import app
from passerby.serve import demo
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import Town
from tests.cameras.onvif_device import Device, Profile, onvif_device
from tests.cameras.rtsp import rtsp_server

from .clips import HEIGHT, WIDTH, make_clip
from .waiting import wait_for

TOWN = '[[camera]]\nname = "square"\nurl = "clip.mp4"\nsegment_s = 10\n'


def passerby(*words: str | Path, **options: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="passerby", **options)  # type: ignore[arg-type]
    return result.exit_code, result.output


@contextmanager
def serving(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process that serves, and the first lines that it prints."""
    program = [sys.executable, "-m", "passerby.cli", "serve", *map(str, words), "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, [process.stdout.readline() for _ in range(4)]
        finally:
            process.kill()


def test_a_stranger_gets_a_page_and_a_link(tmp_path: Path) -> None:
    """From an empty folder; SIGTERM ends it, with every segment finished."""
    make_clip(tmp_path / "clip.mp4")
    (tmp_path / "town.toml").write_text(TOWN)
    data = tmp_path / "data"
    with serving(tmp_path / "town.toml", "--folder", data) as (process, lines):
        address = re.search(r"1 camera, data in .*, pages at (http://127\.0\.0\.1:\d+)", lines[0])
        assert address is not None, lines
        assert re.fullmatch(rf"    {re.escape(address[1])}/join/\S{{20,}}\n", lines[3]), lines
        with urllib.request.urlopen(f"{address[1]}/healthz") as answer:
            assert answer.status == 200
        wait_for(lambda: list(data.rglob("*.part")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    assert list((data / "square").rglob("*.mp4"))
    assert not list(data.rglob("*.part"))
    code, output = passerby("archive", "check", data)
    assert code == 0, output
    assert output.endswith("checked, 0 problems\n")


def test_an_archive_that_was_meddled_with_is_told(tmp_path: Path) -> None:
    with Supervisor(Town(floor_gb=0), tmp_path):
        pass
    loose = tmp_path / "square" / "2026" / "11" / "23" / "14" / "20261123T140530.123Z-0123abcd-0.mp4"
    loose.parent.mkdir(parents=True)
    loose.write_bytes(b"not one of ours")
    code, output = passerby("archive", "check", tmp_path)
    assert code == 1
    assert "20261123T140530.123Z-0123abcd-0.mp4" in output


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with serving("--folder", tmp_path / "one") as (_, lines):
        port = lines[0].rsplit(":", 1)[1].strip()
        code, output = passerby("serve", "--folder", tmp_path / "two", "--port", port)
    assert code == 2
    assert f"port {port}: nobody can listen there" in output


def test_settings_are_checked_without_starting_anything(tmp_path: Path) -> None:
    file = tmp_path / "town.toml"
    file.write_text(TOWN)
    assert passerby("config", "check", file) == (0, "town.toml: 1 camera, nothing is wrong\n")
    file.write_text(TOWN + "dely_s = 1\nport = 8\n")
    code, output = passerby("config", "check", file)
    assert code == 2
    assert output.count("camera square: there is no setting") == 2
    assert list(tmp_path.iterdir()) == [file]


def test_wrong_settings_start_nothing(tmp_path: Path) -> None:
    file = tmp_path / "town.toml"
    file.write_text("prot = 1")
    code, output = passerby("serve", file, "--folder", tmp_path / "data")
    assert code == 2
    assert "did you mean port?" in output
    assert not (tmp_path / "data").exists()


def test_the_built_in_camera_shows_heads_to_cover(tmp_path: Path) -> None:
    picture = tmp_path / "street.jpg"
    code, output = passerby("camera", "try", "demo:", "--picture", picture, "--json")
    assert code == 0, output
    told = json.loads(output)
    assert (told["codec"], told["width"], told["height"], told["gop_s"]) == ("h264", 960, 540, 1.0)
    assert told["rate_fps"] == pytest.approx(15, abs=0.5)
    assert told["clock_offset_s"] is None
    assert "head" in told["covered"]
    with Image.open(picture) as shown:
        assert (shown.format, shown.size) == ("JPEG", (960, 540))
    assert [path.name for path in tmp_path.iterdir()] == ["street.jpg"]


def test_a_camera_that_is_tried_says_what_time_it_has(tmp_path: Path) -> None:
    with rtsp_server(make_clip(tmp_path / "clip.mp4"), "ann", "hunter2") as server:
        words = ("camera", "try", server.url, "--username", "ann", "--json")
        code, output = passerby(*words, env={"PASSERBY_CAMERA_PASSWORD": "hunter2"})
        assert code == 0, output
        told = json.loads(output)
        assert (told["width"], told["height"]) == (WIDTH, HEIGHT)
        assert abs(told["clock_offset_s"]) < 5, "the same machine"
        code, output = passerby(*words, env={"PASSERBY_CAMERA_PASSWORD": "wrong2"})
        assert code == 1
        assert "refuses this user and password" in output
        assert not any(secret in output for secret in ("wrong2", str(server.port), "rtsp:"))


def test_without_the_extra_the_command_to_install_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sqlalchemy" else there(name))
    for words in (("serve",), ("config", "check", "town.toml"), ("camera", "try", "demo:"), ("archive", "check", ".")):
        code, output = passerby(*words)
        assert code == 2
        assert "(sqlalchemy)" in output
        assert "hint: pip install 'passerby[serve]'" in output


def test_the_clip_of_the_built_in_camera_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / demo.FILE_NAME).write_bytes(b"the one that is there")
    assert demo.demo_clip(tmp_path).read_bytes() == b"the one that is there"


def test_a_camera_tells_the_addresses_of_its_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """By ONVIF; the password comes from the environment and stands in no line."""
    monkeypatch.setenv("PASSERBY_CAMERA_PASSWORD", "s3cret-p4ss")
    main = Profile("p1", "Main", "H264", 1920, 1080, "rtsp://192.0.2.7:8554/main?ch=1")
    with onvif_device(Device((main,), "admin", "s3cret-p4ss")) as port:
        code, told = passerby("camera", "find", f"127.0.0.1:{port}", "--username", "admin")
    assert (code, told) == (0, "rtsp://127.0.0.1:8554/main?ch=1 (h264, 1920x1080)\n")
    code, told = passerby("camera", "find", "127.0.0.1:none")
    assert code == 2
    assert "is no host with a port" in told

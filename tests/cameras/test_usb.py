"""USB cameras, as far as one gets without one: what stands in the place of the device is told for what it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from passerby.errors import CameraUnreachable
from passerby.read.camera import CameraAddress, open_camera

VIDEO = 81
"""Major number of what Linux calls a video device."""


def why_not(device: Path) -> str:
    """What is said of it; never where it is."""
    with pytest.raises(CameraUnreachable) as failed:
        open_camera(CameraAddress("front", "usb", str(device)))
    assert str(device) not in failed.value.message + str(failed.value.hint)
    told = failed.value.message
    assert told.startswith("camera front cannot be reached: ")
    return told.removeprefix("camera front cannot be reached: ")


def made_node(path: Path, major: int, minor: int) -> Path:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))
    except PermissionError:
        pytest.skip("this user may not make devices")
    return path


def test_a_device_that_is_not_there() -> None:
    assert why_not(Path("/dev/video96")) == "there is no such device"


def test_a_device_that_was_pulled_out(tmp_path: Path) -> None:
    """Its node may stay behind."""
    node = made_node(tmp_path / "video96", VIDEO, 96)
    try:
        node.open("rb").close()
    except PermissionError:
        pytest.skip("devices are not opened on this disk")
    except OSError:
        pass
    assert why_not(node) == "there is no such device"


def test_what_is_no_camera(tmp_path: Path) -> None:
    file = tmp_path / "video0"
    file.write_bytes(b"notes")
    assert why_not(file) == "the device is no camera"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every device")
def test_a_device_that_this_user_may_not_use(tmp_path: Path) -> None:
    file = tmp_path / "video0"
    file.touch(0o000)
    assert why_not(file) == "this user may not use it"

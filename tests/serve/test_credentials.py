"""Credentials of cameras are shown nowhere, and read from nowhere that others may read."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from passerby.errors import SettingsError
from passerby.serve.credentials import FILE_NAME, Credentials, CredentialsFile
from passerby.serve.job import CameraJob
from passerby.serve.town import CameraSettings

SECRET = Credentials("ann", "hunter2", "token=hunter3")


def test_they_show_nothing_of_themselves(tmp_path: Path) -> None:
    job = CameraJob(CameraSettings(name="a", url="demo:"), SECRET, tmp_path, None, 1)
    shown = f"{SECRET} {SECRET!r} {SECRET!s} {job!r} {job.message()!r} {[SECRET]}"
    assert not any(getattr(SECRET, field.name) in shown for field in fields(SECRET))


def test_what_was_stored_is_read_again_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    CredentialsFile(tmp_path, {}).store("square", SECRET)
    assert CredentialsFile(tmp_path, {}).of("square") == SECRET
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_cameras_without_any_have_empty_ones(tmp_path: Path) -> None:
    assert CredentialsFile(tmp_path, {}).of("square") == Credentials()


def test_those_that_are_forgotten_leave_the_others(tmp_path: Path) -> None:
    file = CredentialsFile(tmp_path, {})
    file.store("a", SECRET)
    file.store("b", Credentials("bob", "x"))
    file.store("a", None)
    assert (file.of("a"), file.of("b")) == (Credentials(), Credentials("bob", "x"))
    assert "hunter2" not in (tmp_path / FILE_NAME).read_text()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    CredentialsFile(tmp_path, {}).store("square", SECRET)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(SettingsError, match=f"mode 0{mode:o}") as refused:
        CredentialsFile(tmp_path, {}).of("square")
    assert refused.value.hint == f"chmod 600 {tmp_path / FILE_NAME}"


def test_the_environment_counts_before_the_file(tmp_path: Path) -> None:
    CredentialsFile(tmp_path, {}).store("north-gate", SECRET)
    environment = {"PASSERBY_CAMERA_NORTH_GATE_PASSWORD": "other"}
    assert CredentialsFile(tmp_path, environment).of("north-gate") == Credentials("ann", "other", "token=hunter3")


@pytest.mark.parametrize("text", ['[a]\npassword = "hunter2', '[a]\npassword = 5\nx = "hunter2"', 'a = "hunter2"'])
def test_a_file_that_is_wrong_is_refused_without_showing_what_is_in_it(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    (tmp_path / FILE_NAME).chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        CredentialsFile(tmp_path, {}).check()
    assert "hunter2" not in f"{refused.value} {refused.value.hint} {refused.value.__cause__}"

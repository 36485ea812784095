"""Figures for Prometheus: as it reads them, and only of cameras that one may know of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from passerby.serve.permissions import Role

from .conftest import People
from .town import QuietTown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def _samples(text: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("camera", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_are_those_of_the_cameras(people: People, town: QuietTown) -> None:
    samples = _samples(people.browser(Role.AUDITOR).get("/metrics").text)
    assert samples["passerby_camera_fps", "gate"] == 10
    assert samples["passerby_camera_frames_total", "market"] == 240
    assert samples["passerby_camera_dropped_frames_total", "gate"] == 3
    assert samples["passerby_camera_delay_seconds", "gate"] == pytest.approx(2.1)
    assert samples["passerby_camera_stored_bytes", "gate"] == town.archive.usage()[0].size_bytes
    assert samples["passerby_disk_free_bytes", ""] > 0


def test_an_auditor_of_one_site_gets_its_figures_alone(people: People) -> None:
    text = people.browser(Role.AUDITOR, frozenset({"school"})).get("/metrics").text
    assert {camera for _, camera in _samples(text)} == {"", "gate"}
    assert "market" not in text


def test_one_state_is_true(people: People) -> None:
    text = people.browser(Role.AUDITOR).get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith('passerby_camera_state{camera="gate"')]
    assert sorted(line.rpartition(" ")[2] for line in lines) == ["0.0"] * 5 + ["1.0"]
    assert 'passerby_camera_state{camera="gate",state="live"} 1.0' in text


def test_what_could_not_be_erased_is_told(people: People, town: QuietTown) -> None:
    auditor = people.browser(Role.AUDITOR)
    assert _samples(auditor.get("/metrics").text)["passerby_erasing_failed", ""] == 0
    assert auditor.get("/api/v1/storage").json()["trouble"] == ""
    town.erasing_trouble = "catalogue.sqlite: was locked by another process"
    assert _samples(auditor.get("/metrics").text)["passerby_erasing_failed", ""] == 1
    assert auditor.get("/api/v1/storage").json()["trouble"] == town.erasing_trouble
    town.erasing_trouble = ""


def test_every_figure_is_in_the_docs_and_every_name_there_is_one(people: People) -> None:
    text = people.browser(Role.AUDITOR).get("/metrics").text
    told = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert set(re.findall(r"`(passerby_\w+)`", PAGE.read_text("utf-8"))) == told


def test_this_machine_needs_no_token_where_the_settings_say_so(people: People, town: QuietTown) -> None:
    program = people.nobody()
    assert program.get("/metrics").status_code == 401
    before, town.town = town.town, town.town.model_copy(update={"metrics_from_localhost": True})
    try:
        assert program.get("/metrics").status_code == 200
        for sent in ({"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}, {"Host": "rebound.evil.test"}):
            assert program.get("/metrics", headers=sent).status_code == 401
        assert program.get("/api/v1/cameras").status_code == 401
    finally:
        town.town = before

"""The egress walk: a real town runs, is cut off, killed and held up, and nobody shows in anything that leaves it.

Two cameras show somebody at a known place and a plate: one over RTSP with a password, one a file. Every byte that is
sent or stored is kept, and searched.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.egress import scene
from tests.egress.collecting import MadeFiles
from tests.egress.search import Findings, Search, pictures_in
from tests.egress.serving import Places
from tests.egress.walking import CAMERAS, RtspCamera, Walk
from tests.flow.commands import passerby_process

_NOT_SENT = {
    "credentials.toml": {"user", "password"},
    "cameras.toml": {"address", "host"},
}
"""Files of the data folder that the town needs to find its cameras; only its owner may read the first."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scene.make_clip(tmp_path_factory.mktemp("clip") / "street.mp4")


@pytest.fixture(scope="module")
def made() -> list[str]:
    """Files that were made in the temporary folder, when the walk is over."""
    return []


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory, clip: Path, made: list[str]) -> Walk:
    folder = tmp_path_factory.mktemp("walk")
    town = folder / "town.toml"
    town.write_text(
        f'title = "Walk"\nfloor_gb = 0\n[[camera]]\nname = "yard"\nurl = "{clip}"\nsegment_s = 10\n'
        'operator = "Nobody"\npurpose = "A test"\n'
    )
    places = Places.under(folder)
    with MadeFiles(places.temporary) as noticed, RtspCamera(clip) as rtsp:
        walk = Walk(places, rtsp, town)
        walk.run_until_killed()
        assert walk.run_until_stopped() == 0
    made += noticed.names
    return walk


@pytest.fixture(scope="module")
def findings(walk: Walk, clip: Path) -> Findings:
    return Search(clip, walk.rtsp.secrets).through(walk.given, allowed=_NOT_SENT)


def test_nobody_shows_in_anything_that_leaves(findings: Findings) -> None:
    assert not findings.leaks
    assert findings.pictures > 200
    assert findings.showing > 50


def test_the_street_shows_while_nobody_is_there(walk: Walk) -> None:
    """The search is not content because all is black."""
    empty = scene.luma_of(scene.street(False)).astype(int)
    for camera in CAMERAS:
        shown = [
            picture
            for one in walk.given
            if one.name == f"live video of {camera}"
            for picture in pictures_in(one.data)
            if abs(scene.luma_of(picture).astype(int) - empty).mean() < 4
        ]
        assert len(shown) > 20, camera


def test_every_route_that_is_read_answered(walk: Walk) -> None:
    given = next(one.data for one in walk.given if one.name == "the description of the API")
    assert walk.routes == {path for path, ways in json.loads(given)["paths"].items() if "get" in ways}


def test_no_file_is_made_outside_the_data_folder(walk: Walk, made: list[str]) -> None:
    assert made == []
    places = walk.places
    assert list(places.temporary.rglob("*")) == []
    assert {path.name for path in places.home.rglob("*")} <= {"tried.jpg"}
    outside = {path for path in walk.opened if path.startswith("/") and not path.startswith(str(places.data))}
    assert {path for path in outside if not path.startswith(("/dev/null", str(places.logs)))} == set()


def test_no_process_dumps_its_memory_or_tells_its_secrets_to_who_lists_processes(walk: Walk) -> None:
    assert walk.limits == {"0 0"}
    for command in walk.commands:
        assert not [name for name, text in walk.rtsp.secrets.items() if text in command]


def test_only_the_owner_may_read_the_credentials(walk: Walk) -> None:
    assert (walk.places.data / "credentials.toml").stat().st_mode & 0o777 == 0o600


def test_the_archive_is_whole_after_all_that(walk: Walk) -> None:
    said = passerby_process("archive", "check", str(walk.places.data))
    assert said.code == 0, said.out


def test_what_happened_on_the_walk_did_happen(walk: Walk) -> None:
    """A process that gets a fraction of the machine leaves pictures out, or covers them whole."""
    before = walk.figures[0]
    assert sum(before[camera]["dropped"] + before[camera]["covered_whole"] for camera in CAMERAS) > 0

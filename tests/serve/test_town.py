"""The settings of a town: what is wrong is said by table and key, and secrets are never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from passerby.errors import SettingsError
from passerby.serve.town import CameraSettings, Town
from passerby.serve.town_areas import areas_in, as_text
from passerby.serve.town_file import check_town, load_town

CAMERA = '[[camera]]\nname = "square"\nurl = "rtsp://192.0.2.7/live"\n'


def town_of(folder: Path, text: str) -> Path:
    path = folder / "town.toml"
    path.write_text(text, "utf-8")
    return path


def test_an_empty_file_is_a_town_that_only_this_machine_reaches(tmp_path: Path) -> None:
    town = load_town(town_of(tmp_path, ""))
    assert town == Town()
    assert (town.host, town.camera, town.account) == ("127.0.0.1", (), ())


def test_a_camera_keeps_recordings_for_three_days_unless_it_says_otherwise(tmp_path: Path) -> None:
    camera = load_town(town_of(tmp_path, CAMERA)).camera_named("square")
    assert (camera.retention_h, camera.delay_s, camera.cover, camera.site) == (72, 2, ("head", "plate"), "town")


def test_defaults_count_for_every_camera_that_does_not_say_otherwise(tmp_path: Path) -> None:
    other = '[[camera]]\nname = "gate"\nurl = "demo:"\nretention_h = 5\n'
    town = load_town(town_of(tmp_path, f'[defaults]\nretention_h = 24\noperator = "Town"\n{CAMERA}{other}'))
    assert [(camera.retention_h, camera.operator) for camera in town.camera] == [(24, "Town"), (5, "Town")]


def test_files_are_found_beside_the_settings(tmp_path: Path) -> None:
    text = 'tls_cert = "c.pem"\ntls_key = "k.pem"\n[[camera]]\nname = "clip"\nurl = "clips/a.mp4"\n'
    text += 'look_url = "clips/small.mp4"\n'
    town = load_town(town_of(tmp_path, text))
    assert town.tls_cert == tmp_path / "c.pem"
    assert town.camera_named("clip").url == str(tmp_path / "clips/a.mp4")
    assert town.camera_named("clip").look_url == str(tmp_path / "clips/small.mp4")


def test_areas_are_texts_or_points_and_reach_who_paints(tmp_path: Path) -> None:
    text = f'{CAMERA}keep = ["0.1,0.2 0.5,0.6"]\nonly = [[[0, 0], [1, 0], [1, 1]]]\n'
    settings = load_town(town_of(tmp_path, text)).camera_named("square").redaction
    assert settings.keep == (((0.1, 0.2), (0.5, 0.2), (0.5, 0.6), (0.1, 0.6)),)
    assert settings.only == (((0, 0), (1, 0), (1, 1)),)
    assert [tuple(area) for area in areas_in(as_text(settings.keep))] == list(settings.keep)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot = 80", "there is no setting prot; did you mean port?"),
        ("port = 70000", "port is 70000: input should be less than or equal to 65535"),
        (f"{CAMERA}dely_s = 1", "camera square: there is no setting dely_s; did you mean delay_s?"),
        (f"{CAMERA}delay_s = 99", "camera square: delay_s is 99: input should be less than or equal to 30"),
        (f'{CAMERA}transport = "pigeon"', "camera square: transport is 'pigeon': input should be 'tcp' or 'udp'"),
        ('[[camera]]\nname = "a"', "camera a: url is missing"),
        ('[[camera]]\nurl = "demo:"', "camera number 1: name is missing"),
        (
            '[[camera]]\nname = "A B"\nurl = "demo:"',
            "camera A B: name is 'A B': should be of a-z, 0-9 and - (at most 40, no - at either end)",
        ),
        (f"{CAMERA}{CAMERA}", "there are two of camera square: names must differ"),
        (
            f"{CAMERA}retention_h = 721",
            "camera square: retention_h is over 720 (30 days): say why in retention_reason",
        ),
        (
            CAMERA.replace("rtsp:", "ftp:"),
            "camera square: url: has an address of a kind that passerby does not connect to",
        ),
        (CAMERA.replace(".7/", ".7:x/"), "camera square: url: has an address without a host, or with a port"),
        (f"{CAMERA}watchdog_s = 11", "camera square: watchdog_s must be at least delay_s and timeout_s together"),
        (f'{CAMERA}look_url = "ftp://192.0.2.7/"', "camera square: look_url: has an address of a kind that passerby"),
        (f'{CAMERA}look_url = "demo:"', "camera square: look_url is a second, smaller stream of the camera"),
        (f'{CAMERA}look_url = "rtsp://192.0.2.7/live"', "camera square: look_url is a second, smaller stream"),
        (f'{CAMERA}look_url = "rtsp://192.0.2.7/small"\ndelay_s = 0.5', "camera square: look_url needs a delay_s of"),
        ('[defaults]\nlook_url = "rtsp://192.0.2.7/small"', "[defaults]: look_url is for one camera only"),
        (f'{CAMERA}keep = ["0.1,0.1"]', "camera square: keep: a polygon has 1 points"),
        (f'{CAMERA}only = ["left half"]', "camera square: only: 'left half' is no list of points"),
        (
            f"{CAMERA}keep = [[[0, 0], [1, 1], [1, 0], [0, 1]]]",
            "camera square: keep: a polygon has no area",
        ),
        (f"{CAMERA}latitude = 51.0", "camera square: latitude and longitude go together"),
        (
            '[[site]]\nname = "port"\n' + CAMERA + 'site = "pork"',
            "camera square is at pork, and no [[site]] has that name",
        ),
        ('tls_cert = "c.pem"', "tls_cert and tls_key go together"),
        ('trusted_proxies = ["*"]', "trusted_proxies: '*' is no address"),
        ('trusted_proxies = ["0.0.0.0/0"]', "trusted_proxies: '0.0.0.0/0' is everybody"),
        ('trusted_proxies = ["proxy.example"]', "trusted_proxies: 'proxy.example' is no address"),
        ("camera = 3", "camera is no list of tables: write [[camera]] above the settings of each"),
        ('[defaults]\nname = "a"', "[defaults]: name is for one camera only"),
        ("[defaults]\ndelay_s = -1", "[defaults]: delay_s is -1: input should be greater than or equal to 0"),
        ('[[account]]\nname = "ann"\nrole = "king"', "account ann: role is 'king'"),
    ],
)
def test_what_is_wrong_is_said_by_table_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = town_of(tmp_path, text)
    assert any(said.startswith(problem) for said in check_town(path)), check_town(path)
    with pytest.raises(SettingsError, match=r"^town\.toml: "):
        load_town(path)


def test_everything_that_is_wrong_is_listed(tmp_path: Path) -> None:
    assert len(check_town(town_of(tmp_path, f"port = -1\n{CAMERA}delay_s = 99\nsegment_s = 1"))) == 3


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"town\.toml: is not TOML: .*line 2"):
        load_town(town_of(tmp_path, "port = 1\nhost =\n"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml: cannot be read: no such file"):
        load_town(tmp_path / "gone.toml")


SECRETS = [
    f"{CAMERA}".replace("192.0.2.7", "ann:hunter2@192.0.2.7"),
    f"{CAMERA}".replace("/live", "/live?user=ann&password=hunter2"),
    f'{CAMERA}look_url = "rtsp://ann:hunter2@192.0.2.7/small"',
    f'{CAMERA}look_url = "rtsp://192.0.2.7/small?token=hunter2"',
    f'{CAMERA}look_url = ["rtsp://ann:hunter2@192.0.2.7/small"]',
    f"{CAMERA}".replace("192.0.2.7", "ann:hunter2\u2100@192.0.2.7"),
    f"{CAMERA}".replace("192.0.2.7", "ann:hunter2@[192.0.2.7"),
    f"{CAMERA}".replace("/live", "/live?usr=ann&psw=hunter2"),
    'database = "postgresql+psycopg://ann:hunter2@db/town"',
    'database = "postgresql://ann:hunt/hunter2@db/town"',
    'database = "postgresql://ann@db/town?password=hunter2"',
    '[[account]]\nname = "ann"\npassword_hash = "hunter2"',
    '[[account]]\nname = "ann"\npassword = "hunter2"',
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_password_in_the_settings_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    problems = check_town(town_of(tmp_path, text))
    assert problems
    assert not any("hunter2" in problem for problem in problems)
    with pytest.raises(SettingsError) as refused:
        load_town(tmp_path / "town.toml")
    assert "hunter2" not in str(refused.value) + str(refused.value.hint)


def test_the_library_that_checks_settings_shows_no_address_either() -> None:
    with pytest.raises(ValidationError) as refused:
        CameraSettings(name="a", url="rtsp://ann:hunter2@192.0.2.7/live")
    assert "hunter2" not in str(refused.value)


def test_long_retention_is_allowed_with_a_reason(tmp_path: Path) -> None:
    text = f'{CAMERA}retention_h = 2000\nretention_reason = "A court asked for it"'
    assert load_town(town_of(tmp_path, text)).camera_named("square").retention_h == 2000


def test_sites_are_those_that_are_told_of_and_those_of_cameras() -> None:
    town = Town(camera=(CameraSettings(name="a", url="demo:", site="port"), CameraSettings(name="b", url="demo:")))
    assert town.sites == ("port", "town")


def test_what_is_only_shown_starts_no_process_anew() -> None:
    camera = CameraSettings(name="a", url="demo:")
    shown = camera.model_copy(update={"title": "Square", "latitude": 1.0, "longitude": 2.0, "retention_h": 5.0})
    assert shown.for_process == camera.for_process
    assert camera.model_copy(update={"delay_s": 3.0}).for_process != camera.for_process

"""`town.toml`, read and judged: what is wrong in it is said by file, table and key, with what is allowed."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from passerby.errors import SettingsError
from passerby.read.camera_address import CameraAddress
from passerby.serve.town import DEMO_URL, AccountSettings, CameraSettings, SiteSettings, Town

_TABLES: dict[str, type[BaseModel]] = {"camera": CameraSettings, "account": AccountSettings, "site": SiteSettings}
_OF_ONE_CAMERA = {"name", "url", "look_url", "title"}
_HINT = "`passerby config check` lists all that is wrong; every setting is in docs/reference/town-settings.md"


def load_town(path: Path) -> Town:
    """The settings in a file. Paths in it are relative to its folder.

    Raises:
        SettingsError: it cannot be read, or something in it is not allowed; the first that is wrong is told.
    """
    told = read_toml(path)
    problems = town_problems(told)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SettingsError(f"{path.name}: {problems[0]}{more}", hint=_HINT)
    return Town(**_with_whole_paths(_with_defaults(told), path.parent.resolve()))


def check_town(path: Path) -> list[str]:
    """All that is wrong in a file, one sentence each; empty if nothing is.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    return town_problems(read_toml(path))


def read_toml(path: Path) -> dict[str, Any]:
    """What stands in a TOML file.

    Raises:
        SettingsError: it cannot be read, or is no TOML; the line is told.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path.name}: cannot be read: {os.strerror(error.errno or 0).lower()}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = str(error)
        raise SettingsError(f"{path.name}: is not TOML: {why[:1].lower()}{why[1:]}") from error


def town_problems(told: dict[str, Any]) -> list[str]:
    """All that is wrong in what a file says."""
    shaped = list(_wrong_shapes(told))
    if shaped:
        return shaped
    filled = _with_defaults(told)
    try:
        town = Town(**filled)
    except ValidationError as error:
        return [_in_words(problem, filled) for problem in error.errors(include_url=False)]
    return [*_wrong_addresses(town), *_wrong_defaults(told)]


def settings_error(error: ValidationError, name: str) -> SettingsError:
    """What is wrong with one camera's settings, for who filled in a form: the first problem, in words."""
    first = error.errors(include_url=False)[0]
    told = {"camera": [{"name": name}]}
    return SettingsError(_in_words({**first, "loc": ("camera", 0, *first["loc"])}, told))


def _wrong_shapes(told: dict[str, Any]) -> Iterator[str]:
    for name in _TABLES:
        tables = told.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            yield f"{name} is no list of tables: write [[{name}]] above the settings of each"
    if not isinstance(told.get("defaults", {}), dict):
        yield "defaults is no table: write [defaults] above its settings"


def _with_defaults(told: dict[str, Any]) -> dict[str, Any]:
    defaults = told.get("defaults", {})
    return {**told, "camera": [{**defaults, **camera} for camera in told.get("camera", [])]}


def _wrong_addresses(town: Town) -> Iterator[str]:
    for camera in town.camera:
        for key, url in (("url", camera.url), ("look_url", camera.look_url)):
            try:
                _kind_of(url or DEMO_URL)
            except SettingsError as error:
                yield f"camera {camera.name}: {key}: {error.message.removeprefix('camera it ')}"


def _kind_of(url: str) -> str:
    return "demo" if url == DEMO_URL else CameraAddress.parse("it", url).kind


def _wrong_defaults(told: dict[str, Any]) -> Iterator[str]:
    """What no camera would show, because there is none, or all say it themselves."""
    defaults = told.get("defaults", {})
    for name in sorted(_OF_ONE_CAMERA & set(defaults)):
        yield f"[defaults]: {name} is for one camera only"
    rest = {key: value for key, value in defaults.items() if key not in _OF_ONE_CAMERA}
    try:
        CameraSettings(**{"name": "any", "url": "demo:", **rest})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            yield f"[defaults]: {_said(problem, CameraSettings)}"


def _in_words(problem: Any, told: dict[str, Any]) -> str:
    """One problem that Pydantic found: which table, which key, what was given, what is allowed."""
    first, *rest = problem["loc"] or ("",)
    if first in _TABLES and rest and isinstance(rest[0], int):
        table = told[first][rest[0]]
        which = table.get("name") or f"number {rest[0] + 1}"
        return f"{first} {which}: {_said({**problem, 'loc': tuple(rest[1:])}, _TABLES[first])}"
    return _said(problem, Town)


def _said(problem: Any, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, model.model_fields, 1)
        return f"there is no setting {key}" + (f"; did you mean {near[0]}?" if near else "")
    if problem["type"] == "missing":
        return f"{key} is missing"
    why = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "string_pattern_mismatch":
        why = _pattern_in_words(key)
    if problem["type"] == "value_error":
        return f"{key}: {why}" if key else why
    return f"{key}{_given(key, problem.get('input'))}: {why[:1].lower()}{why[1:]}"


def _pattern_in_words(key: str) -> str:
    if key == "password_hash":
        return "should be a hash of Argon2id, $argon2id$..."
    return "should be of a-z, 0-9 and - (at most 40, no - at either end)"


def _given(key: str, value: Any) -> str:
    """What was written, where showing it cannot give anything away."""
    shown = key not in ("url", "look_url", "password_hash", "database") and isinstance(value, (str, int, float, bool))
    return f" is {value!r}" if shown else ""


def _with_whole_paths(told: dict[str, Any], folder: Path) -> dict[str, Any]:
    whole = dict(told)
    for name in ("tls_cert", "tls_key"):
        if name in whole:
            whole[name] = folder / whole[name]
    whole["camera"] = [_with_whole_urls(camera, folder) for camera in told["camera"]]
    return whole


def _with_whole_urls(camera: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {**camera, **{key: _whole_url(camera[key], folder) for key in ("url", "look_url") if camera.get(key)}}


def _whole_url(url: str, folder: Path) -> str:
    """A file that is played as a camera, by its whole path; other addresses as they are."""
    if _kind_of(url) != "file":
        return url
    return str(folder / CameraAddress.parse("it", url).path)

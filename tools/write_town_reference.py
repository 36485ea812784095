"""Writes docs/reference/town-settings.md from the settings of a town.

Usage: python tools/write_town_reference.py [FOLDER]   (default: docs/reference beside this folder)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from passerby.serve.town import AccountSettings, CameraSettings, SiteSettings, Town

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

INTRODUCTION = """# The settings of a town

`passerby serve town.toml` reads its settings from a [TOML](https://toml.io) file. Everything has a default, so that an
empty file, or none, is enough to start. Keys that are not listed here are refused; nothing in the file is run as a
command. `passerby config check town.toml` lists all that is wrong, by table and key.

Paths are relative to the folder of the file. Users and passwords of cameras never stand in it: see
[Credentials](#credentials).

This page is made from the code by `tools/write_town_reference.py`.
"""

DEFAULTS = """## [defaults]

What is set here counts for every camera that does not set it itself: all settings of a camera but `name`, `title`,
`url` and `look_url`.
"""

CREDENTIALS = """## Credentials

They are in `credentials.toml` in the data folder, a table for each camera. Its mode has to be 0600: a file that others
may read is refused.

```text
[square]
username = "viewer"
password = "..."

[gate]
query = "usr=viewer&pwd=..."
```

`query` is for cameras that want their secret in the address: it is put behind the question mark. The environment counts
before the file: `PASSERBY_CAMERA_SQUARE_USERNAME`, and likewise `..._PASSWORD` and `..._QUERY`, with the name of the
camera in capitals and `_` for `-`.

Cameras that are added on the page are kept in `cameras.toml` in the data folder, and their credentials in the same file
as all others. A camera that stands in the town's file is changed there; the page can restart it, and nothing else.
"""


def page_text() -> str:
    """The whole page."""
    tables = (
        _table("The town", Town, leave_out=("site", "camera", "account", "defaults")),
        _table("[[site]]", SiteSettings),
        _table("[[camera]]", CameraSettings),
        DEFAULTS,
        _table("[[account]]", AccountSettings),
        CREDENTIALS,
    )
    return "\n".join([INTRODUCTION, *tables])


def _table(heading: str, model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> str:
    about = (model.__doc__ or "").split("\n")[0]
    rows = [
        f"| `{name}` | {_kind(part)} | {_default(model, name)} | {_cell(part['description'])} |"
        for name, part in model.model_json_schema()["properties"].items()
        if name not in leave_out
    ]
    head = ["| Setting | Values | Default | Meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {heading}", "", _cell(about), "", *head, *rows, ""])


def _kind(part: dict[str, Any]) -> str:
    if "anyOf" in part:
        return _kind(next(kind for kind in part["anyOf"] if kind.get("type") != "null"))
    if "enum" in part:
        return ", ".join(f'`"{choice}"`' for choice in part["enum"])
    if part["type"] == "array" and part["items"].get("type") == "array":
        return "list of polygons"
    if part["type"] == "array":
        return f"list of {_kind(part['items'])}"
    if part["type"] == "object":
        return "number, or a table of such by what is covered"
    if part["type"] in ("number", "integer"):
        return f"{part['type']}{_range(part)}"
    return {"string": "path" if part.get("format") == "path" else "text", "boolean": "`true`, `false`"}[part["type"]]


def _range(part: dict[str, Any]) -> str:
    lowest, above = part.get("minimum"), part.get("exclusiveMinimum")
    highest, below = part.get("maximum"), part.get("exclusiveMaximum")
    words = []
    if lowest is not None and highest is not None:
        return f" from {lowest:g} to {highest:g}"
    words += [f"from {lowest:g}"] if lowest is not None else []
    words += [f"over {above:g}"] if above is not None else []
    words += [f"up to {highest:g}"] if highest is not None else []
    words += [f"below {below:g}"] if below is not None else []
    return f" {', '.join(words)}" if words else ""


def _default(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "has to be set"
    return _toml(field.get_default(call_default_factory=True))


def _toml(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "town-settings.md").write_text(page_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Writes docs/reference/report.schema.json and docs/reference/report.md from the report's own model.

Usage: python tools/write_report_reference.py [FOLDER]   (default: docs/reference beside this folder)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from passerby.check.report import report_schema

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

INTRODUCTION = """# The report

`passerby redact --report out.json` writes what was found and done, one JSON object for each file: hashes, settings,
versions, who was followed and when, which moments are worth a person's look, and what the check of the finished file
found. It holds boxes and times, never pixels, and nothing that says when or where something was recorded or redacted.
It does say where faces were: treat it as private as the input.

The schema is [report.schema.json](report.schema.json). `format` changes its number when a field changes its meaning or
goes; readers should refuse what they do not know, as `passerby.check.report.Report.load` does.

This page is made from the code by `tools/write_report_reference.py`.
"""


def schema_text() -> str:
    return json.dumps(report_schema(), indent=2) + "\n"


def page_text() -> str:
    schema = report_schema()
    parts = [INTRODUCTION, _table("Report", schema)]
    parts += [_table(name, part) for name, part in schema["$defs"].items()]
    return "\n".join(parts)


def _table(name: str, part: dict[str, Any]) -> str:
    rows = [
        f"| `{key}` | {_kind(value)} | {value.get('description', '')} |" for key, value in part["properties"].items()
    ]
    return "\n".join([f"## {name}", "", part["description"].split("\n")[0], "", "| Field | Type | Meaning |",
                      "|---|---|---|", *rows, ""])  # fmt: skip


def _kind(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " or ".join(_kind(kind) for kind in value["anyOf"])
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f'"{value["const"]}"'
    if "enum" in value:
        return ", ".join(f'"{choice}"' for choice in value["enum"])
    if value.get("type") == "array":
        return f"{len(value['prefixItems'])} numbers" if "prefixItems" in value else f"list of {_kind(value['items'])}"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object of {_kind(value['additionalProperties'])}"
    return str(value["type"])


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REFERENCE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.schema.json").write_text(schema_text(), encoding="utf-8")
    (folder / "report.md").write_text(page_text(), encoding="utf-8")


if __name__ == "__main__":
    main()

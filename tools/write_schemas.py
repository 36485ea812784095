"""Writes the JSON Schemas in docs/reference from the code that reads and writes the files they describe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerby.redact.plan_file import plan_schema

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"plan.schema.json": plan_schema}


def main() -> None:
    for name, schema in SCHEMAS.items():
        (REFERENCE / name).write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()

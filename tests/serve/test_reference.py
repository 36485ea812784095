"""The page of settings is made from the settings."""

from __future__ import annotations

import runpy

from tests.conftest import REPOSITORY


def test_the_reference_of_the_settings_is_current() -> None:
    made = runpy.run_path(str(REPOSITORY / "tools" / "write_town_reference.py"))["page_text"]()
    page = REPOSITORY / "docs" / "reference" / "town-settings.md"
    assert page.read_text("utf-8") == made, "run tools/write_town_reference.py"

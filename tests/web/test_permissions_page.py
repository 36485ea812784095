"""The page of permissions says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from passerby.serve.account_log import KEPT_DAYS
from passerby.serve.account_pauses import PauseRules
from passerby.serve.account_sessions import SessionRules
from passerby.serve.account_tokens import LONGEST_DAYS, PREFIX
from passerby.serve.passwords import SHORTEST
from passerby.serve.permissions import PERMISSIONS, TOWN_WIDE, Permission, Role
from passerby.web.live_socket import CHECK_S

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "permissions.md").read_text("utf-8")


def _rows(first: str) -> list[list[str]]:
    table = PAGE[PAGE.index(f"| {first}") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_table_is_that_of_the_code() -> None:
    (_, *roles), _, *rows = _rows("Permission |")
    assert [Role(role) for role in roles] == list(Role)
    assert [row[0] for row in rows] == [permission.value for permission in Permission]
    for name, *cells in rows:
        allowed = [Role(role) for role, cell in zip(roles, cells, strict=True) if cell == "yes"]
        assert allowed == [role for role in Role if Permission(name) in PERMISSIONS[role]], name


def test_what_is_town_wide_is_that_of_the_code() -> None:
    _, _, *rows = _rows("Only for accounts")
    assert {Permission(row[0]) for row in rows} == TOWN_WIDE


@pytest.mark.parametrize(
    ("value", "known", "said"),
    [
        (SHORTEST, 12, "12 characters or more"),
        (PauseRules().free, 5, "After 5 wrong passwords"),
        (PauseRules().free_for_address, 20, "or 20 from one address"),
        (PauseRules().first_s, 2, "2 seconds, then 4, 8"),
        (PauseRules().longest_s, 900, "up to 15 minutes"),
        (SessionRules().idle_s, 3600, "an hour without use"),
        (SessionRules().longest_s, 12 * 3600, "after 12 hours"),
        (SessionRules().change_s, 900, "every quarter of an hour"),
        (CHECK_S, 15, "within 15 seconds"),
        (LONGEST_DAYS, 366, "after 366 days"),
        (PREFIX, "ppb_", "Bearer ppb_..."),
        (KEPT_DAYS, 365, "forgets after a year"),
    ],
)
def test_numbers_are_those_of_the_code(value: object, known: object, said: str) -> None:
    assert value == known
    assert said in " ".join(PAGE.split())

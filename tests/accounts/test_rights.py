"""Who may what, and how long that is remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerby.errors import AccountError
from passerby.serve.accounts import Accounts
from passerby.serve.permissions import PERMISSIONS, Permission, Role, both
from tests.web.conftest import PASSWORD, Clock

from .conftest import InFile


def test_somebody_is_always_left_who_may_change_accounts(accounts: Accounts, anna: str) -> None:
    accounts.join(accounts.links.invite(Role.ADMIN, frozenset({"school"})), "sitters", PASSWORD)
    accounts.settle([InFile("later", "admin", password_hash="")])
    for change in (
        lambda: accounts.remove(anna),
        lambda: accounts.change(anna, role=Role.OPERATOR, sites=None),
        lambda: accounts.change(anna, role=Role.ADMIN, sites=frozenset({"school"})),
    ):
        with pytest.raises(AccountError, match="nobody would be left"):
            change()
    accounts.join(accounts.links.invite(Role.ADMIN, None), "otto", PASSWORD)
    accounts.remove(anna)


@given(
    first=st.none() | st.frozensets(st.sampled_from("abc")), second=st.none() | st.frozensets(st.sampled_from("abc"))
)
def test_sites_in_both_are_seen_by_both(first: frozenset[str] | None, second: frozenset[str] | None) -> None:
    joined = both(first, second)
    for site in "abcd":
        seen = (first is None or site in first) and (second is None or site in second)
        assert (joined is None or site in joined) == seen


def test_no_role_but_the_auditors_is_without_pictures_and_none_has_more_than_an_admin() -> None:
    for role in Role:
        assert PERMISSIONS[role] <= PERMISSIONS[Role.ADMIN]
        assert (Permission.WATCH in PERMISSIONS[role]) == (role is not Role.AUDITOR)


def test_the_log_forgets_after_a_year(accounts: Accounts, clock: Clock) -> None:
    accounts.log.add("anna", "exported", "gate")
    clock.pass_s(366 * 24 * 3600)
    accounts.log.add("otto", "exported", "gate")
    assert [line.who for line in accounts.log.entries()] == ["otto"]

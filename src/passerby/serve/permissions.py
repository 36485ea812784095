"""Who may do what: the one table that the interface, the pages and docs/reference/permissions.md are held to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What an account is for, in one word."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """Something that may be allowed. The value is what it is called in the table of the docs."""

    OWN = "own account: password, API tokens, sign out"
    CAMERAS = "names, states and figures of cameras"
    TIMELINE = "when was recorded, and how much was covered"
    WATCH = "live pictures"
    PLAY = "recordings"
    EXPORT = "export a range as one file"
    RESTART = "restart a camera"
    STORAGE = "storage and what was erased"
    METRICS = "figures for Prometheus"
    ACCOUNTS = "list of accounts"
    LOG = "log of who did what"
    EDIT_CAMERAS = "try, add, edit and remove cameras"
    FIND_CAMERAS = "find cameras in the network"
    EDIT_ACCOUNTS = "invite, change and remove accounts"


TOWN_WIDE = frozenset({Permission.ACCOUNTS, Permission.LOG, Permission.EDIT_ACCOUNTS, Permission.FIND_CAMERAS})
"""What is not about a camera: allowed only to accounts that are not limited to some sites."""

_VIEWER = frozenset({Permission.OWN, Permission.CAMERAS, Permission.TIMELINE, Permission.WATCH, Permission.PLAY})
_OPERATOR = _VIEWER | {Permission.EXPORT, Permission.RESTART}
# Whoever checks what others do needs no pictures for it, so that the role can be given to someone from outside.
_AUDITOR = frozenset(
    {
        Permission.OWN,
        Permission.CAMERAS,
        Permission.TIMELINE,
        Permission.STORAGE,
        Permission.METRICS,
        Permission.ACCOUNTS,
        Permission.LOG,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.OPERATOR: _OPERATOR,
        Role.AUDITOR: _AUDITOR,
        Role.ADMIN: frozenset(Permission),
    }
)

Sites = frozenset[str] | None
"""The sites that someone is limited to; None is the whole town."""


def both(first: Sites, second: Sites) -> Sites:
    """The sites that lie in both."""
    if first is None or second is None:
        return second if first is None else first
    return first & second


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks, after it was proved who that is.

    Attributes:
        account: name of the account.
        role: of the account; a token may be allowed less, so ask `may` and not this.
        permissions: what is allowed at all.
        sites: whose cameras; None is all of them.
        session: number of the session that it came with, or None for an API token.
        form_token: what a page must send along to change something; empty for an API token.
        token: number of the API token, or None for a session.
    """

    account: str
    role: Role
    permissions: frozenset[Permission]
    sites: Sites
    session: int | None = None
    form_token: str = field(default="", repr=False)
    token: int | None = None

    def may(self, permission: Permission, site: str | None = None) -> bool:
        """Whether that is allowed: for cameras of this site, or at all when none is given."""
        if permission not in self.permissions or (permission in TOWN_WIDE and self.sites is not None):
            return False
        return site is None or self.sees(site)

    def sees(self, site: str) -> bool:
        """Whether cameras of this site exist for the caller."""
        return self.sites is None or site in self.sites

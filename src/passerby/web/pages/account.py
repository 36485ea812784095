"""Your account: its password and its API tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import run, ui

from passerby.errors import PasserbyError
from passerby.serve.account_tokens import LONGEST_DAYS, Token
from passerby.serve.permissions import PERMISSIONS, Permission, Role
from passerby.web.pages.amounts import instant
from passerby.web.pages.dialogs import ask_first, show_once
from passerby.web.pages.markup import box, button, cell, panel, table, told, words
from passerby.web.pages.visit import Visit

_LOOK = "outlined dense hide-bottom-space"
_DAYS = 90


def build(visit: Visit) -> None:
    """Who one is, a form for another password, and the API tokens."""
    caller = visit.caller
    sites = "the whole town" if caller.sites is None else ", ".join(sorted(caller.sites))
    words("p", f"{caller.account}, {caller.role} for {sites}")
    with panel("Password"):
        _password(visit)
    with panel("API tokens"):
        words("p", "For programs. A token may do what its role may, and never more than you.", "quiet")
        _tokens(visit)


def _password(visit: Visit) -> None:
    with box("div", "pair"):
        old = ui.input("The password so far", password=True).props(f'{_LOOK} autocomplete="current-password"')
        new = ui.input("The new one", password=True).props(f'{_LOOK} autocomplete="new-password"')
    request = ui.context.client.request
    address = request.client.host if request.client else ""

    async def change() -> None:
        caller = visit.alive()
        if caller is None:
            return
        try:
            await run.io_bound(visit.accounts.change_password, caller, old.value or "", new.value or "", address)
        except PasserbyError as error:
            told(f"{error.message}. {error.hint or ''}".strip(), bad=True)
            return
        old.set_value("")
        new.set_value("")
        told("The password was changed, and all other sessions have ended")

    with box("div", "line"):
        button("Change the password", change)


def _tokens(visit: Visit) -> None:
    @ui.refreshable
    def listed() -> None:
        tokens = visit.accounts.tokens.listed(visit.caller.account)
        if not tokens:
            words("p", "You have none.", "quiet")
            return
        with table("API tokens", ("For", "Role", "Made", "Expires", "Last used", "To do")):
            for token in tokens:
                _row(visit, token, listed.refresh)

    listed()
    with box("div", "pair"):
        label = ui.input("What it is for").props(_LOOK)
        roles = [role for role in Role if PERMISSIONS[role] <= visit.caller.permissions]
        role = ui.select([str(each) for each in roles], label="Role", value=str(roles[0])).props(_LOOK)
        days = ui.number("Days until it expires", value=_DAYS, min=1, max=LONGEST_DAYS, precision=0).props(_LOOK)

    async def make() -> None:
        if await _make(visit, (label.value or "").strip(), Role(role.value), int(days.value or 0)):
            label.set_value("")
            listed.refresh()

    with box("div", "line"):
        button("Make a token", make)


async def _make(visit: Visit, label: str, role: Role, days: int) -> bool:
    if not label:
        told("Say what the token is for, so that you know later which one to remove", bad=True)
        return False
    if not visit.may_now(Permission.OWN):
        return False
    made: list[str] = []

    def make() -> None:
        made.append(visit.accounts.tokens.make(visit.caller.account, label, role, days)[1])

    if await visit.do("made an API token", "", make, f"as {role} for {days} days"):
        await show_once("API token", "Programs send it as 'Authorization: Bearer ...'. It is shown only now.", made[0])
    return bool(made)


def _row(visit: Visit, token: Token, changed: Callable[[], object]) -> None:
    async def remove() -> None:
        if not await ask_first(
            f"Remove the token for {token.label}? Programs that use it are refused at once.", "Remove"
        ):
            return
        act = partial(visit.accounts.tokens.remove, token.id, visit.caller.account)
        if visit.may_now(Permission.OWN) and await visit.do("removed an API token", "", act, f"number {token.id}"):
            changed()

    with box("tr"):
        cell("For", token.label)
        cell("Role", token.role)
        cell("Made", instant(token.created_at))
        cell("Expires", instant(token.expires_at))
        cell("Last used", instant(token.used_at) or "never")
        with cell("To do"):
            button("Remove", remove, "danger", aria_label=f"Remove the token for {token.label}")

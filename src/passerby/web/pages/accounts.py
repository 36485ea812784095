"""Accounts: who may come in, as what, and to which sites; and who did what."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import ui
from nicegui.elements.mixins.value_element import ValueElement

from passerby.serve.account_links import VALID_H
from passerby.serve.account_rows import Account
from passerby.serve.permissions import Permission, Role, Sites
from passerby.web.pages.amounts import instant
from passerby.web.pages.dialogs import ask_first, put_away, show_once
from passerby.web.pages.markup import box, button, cell, panel, table, told, words
from passerby.web.pages.visit import Visit

_ROLES = {
    Role.VIEWER: "viewer: watches and plays back",
    Role.OPERATOR: "operator: also exports and restarts",
    Role.AUDITOR: "auditor: sees no pictures; checks storage, accounts and the log",
    Role.ADMIN: "admin: may do everything",
}
_HEADINGS = ("Account", "Role", "Sites", "Last logged in", "To do")
_MOST_LOGGED = 100
_LOOK = "outlined dense"


def build(visit: Visit) -> None:
    """The accounts and, for who may see it, the log."""

    @ui.refreshable
    def listed() -> None:
        with table("Accounts", _HEADINGS):
            for account in visit.accounts.everyone():
                _row(visit, account, listed.refresh)

    async def invite() -> None:
        await _invite(visit)

    if visit.may(Permission.EDIT_ACCOUNTS):
        with box("div", "line"):
            button("Invite somebody", invite, "main")
    with panel("All accounts"):
        listed()
    if visit.may(Permission.LOG):
        with panel("Who did what"):
            _log(visit)


def _row(visit: Visit, account: Account, changed: Callable[[], object]) -> None:
    with box("tr"):
        with cell("Account"):
            words("strong", account.name)
        cell("Role", account.role)
        cell("Sites", _sites_in_words(visit, account.sites))
        cell("Last logged in", instant(account.last_login_at) or "never")
        with cell("To do"), box("div", "line deeds"):
            if account.from_file:
                words("span", "set in the file of the town", "quiet")
            elif visit.may(Permission.EDIT_ACCOUNTS):
                _buttons(visit, account, changed)


def _buttons(visit: Visit, account: Account, changed: Callable[[], object]) -> None:
    async def change() -> None:
        if await _change(visit, account):
            changed()

    async def remove() -> None:
        if not await ask_first(f"Remove the account {account.name}, with its sessions and API tokens?", "Remove"):
            return
        if not visit.may_now(Permission.EDIT_ACCOUNTS):
            return
        if await visit.do("removed an account", account.name, lambda: visit.accounts.remove(account.name)):
            told(f"{account.name} was removed")
            changed()

    async def password() -> None:
        await _link_for_password(visit, account)

    button("Change", change, aria_label=f"Change {account.name}")
    button("New password", password, aria_label=f"Link for a new password of {account.name}")
    button("Remove", remove, "danger", aria_label=f"Remove {account.name}")


async def _change(visit: Visit, account: Account) -> bool:
    chosen = await _role_and_sites(visit, f"Change {account.name}", "Save", account.role, account.sites)
    if chosen is None or not visit.may_now(Permission.EDIT_ACCOUNTS):
        return False
    role, sites = chosen
    act = partial(visit.accounts.change, account.name, role=role, sites=sites)
    return await visit.do("changed an account", account.name, act, f"to {role}")


async def _invite(visit: Visit) -> None:
    chosen = await _role_and_sites(visit, "Invite somebody", "Make a link", Role.VIEWER, None)
    if chosen is None or not visit.may_now(Permission.EDIT_ACCOUNTS):
        return
    role, sites = chosen
    made: list[str] = []

    def invite() -> None:
        made.append(visit.accounts.links.invite(role, sites))

    if await visit.do("invited somebody", "", invite, f"as {role}"):
        explained = f"Whoever opens this link makes an account as {role}. {_ONCE}"
        await show_once("Invitation", explained, await _address(made[0]))


async def _link_for_password(visit: Visit, account: Account) -> None:
    if not visit.may_now(Permission.EDIT_ACCOUNTS):
        return
    made: list[str] = []

    def make() -> None:
        made.append(visit.accounts.links.for_password(account.name))

    if await visit.do("made a link for a new password", account.name, make):
        explained = f"Whoever opens this link chooses a new password for {account.name}. {_ONCE}"
        await show_once("New password", explained, await _address(made[0]))


_ONCE = f"It works once, for {VALID_H} hours, and is shown only now. Send it to nobody else."


async def _address(secret: str) -> str:
    """As the browser sees this server: nobody else knows under which name it is reached."""
    return f"{await ui.run_javascript('location.origin')}/join/{secret}"


async def _role_and_sites(visit: Visit, title: str, deed: str, role: Role, sites: Sites) -> tuple[Role, Sites] | None:
    """What was chosen, or None for nothing. No site chosen means the whole town."""
    titles = {name: visit.network.town.site_title(name) for name in visit.network.town.sites}
    with ui.dialog().props("persistent") as dialog, ui.card():
        words("h2", title)
        roles: ValueElement[Role] = ui.select(dict(_ROLES), label="Role", value=role).props(_LOOK)
        known = [site for site in sites or () if site in titles]
        chosen = ui.select(titles, label="Sites; none chosen: the whole town", value=known, multiple=True).props(_LOOK)
        with box("div", "line"):
            button(deed, lambda: dialog.submit(True), "main")
            button("Cancel", lambda: dialog.submit(False))
    agreed = await dialog
    answer = (Role(roles.value), frozenset(chosen.value) or None)
    put_away(dialog)
    return answer if agreed else None


def _sites_in_words(visit: Visit, sites: Sites) -> str:
    return (
        "the whole town" if sites is None else ", ".join(visit.network.town.site_title(site) for site in sorted(sites))
    )


def _log(visit: Visit) -> None:
    headings = ("When", "Who", "Did what", "To what", "Note")
    with table("Log", headings):
        for entry in visit.accounts.log.entries(limit=_MOST_LOGGED):
            with box("tr"):
                for heading, text in zip(
                    headings, (instant(entry.at), entry.who, entry.action, entry.subject, entry.note), strict=True
                ):
                    cell(heading, text)

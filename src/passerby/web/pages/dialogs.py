"""Questions that the page asks before it does what cannot be undone, and what it shows once."""

from __future__ import annotations

from nicegui import ui

from passerby.web.pages.markup import box, button, words


def is_gone(dialog: ui.dialog) -> bool:
    """Whether it was answered and put away, or the page was left, while something else was waited for."""
    return dialog.is_deleted or dialog.client.is_deleted


def put_away(dialog: ui.dialog) -> None:
    """Remove a dialog that was answered; where the page was left meanwhile it is gone by itself."""
    if not is_gone(dialog):
        dialog.delete()


async def ask_first(question: str, deed: str) -> bool:
    """Whether somebody agreed. Escape and the other button mean no."""
    with ui.dialog() as dialog, ui.card():
        words("p", question)
        with box("div", "line"):
            button(deed, lambda: dialog.submit(True), "danger")
            button("Do nothing", lambda: dialog.submit(False))
    agreed = bool(await dialog)
    put_away(dialog)
    return agreed


async def show_once(title: str, explained: str, secret: str) -> None:
    """A secret that cannot be looked up again; closed on purpose, not by a click beside it."""
    with ui.dialog().props("persistent") as dialog, ui.card():
        words("h2", title)
        words("p", explained)
        words("p", secret, "secret", tabindex="0", data_secret="")
        with box("div", "line"):
            button("Copy", lambda: ui.clipboard.write(secret))
            button("I have it", lambda: dialog.submit(True), "main")
    await dialog
    put_away(dialog)

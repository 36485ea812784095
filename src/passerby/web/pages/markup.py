"""Plain elements of a page, named as HTML names them. Text is always text: what somebody typed becomes no markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement


class Words(TextElement):
    """A tag with nothing but text in it; `set_text` changes it in place, so that the focus of the keyboard stays."""

    def __init__(self, tag: str, text: str, classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self.classes(classes)


def box(tag: str, classes: str = "", **attributes: str) -> ui.element:
    """An element to be filled in a `with`."""
    element = ui.element(tag).classes(classes)
    for name, value in attributes.items():
        element.props[name.strip("_").replace("_", "-")] = value
    return element


def words(tag: str, text: str, classes: str = "", **attributes: str) -> Words:
    """An element with text in it."""
    element = Words(tag, text, classes)
    for name, value in attributes.items():
        element.props[name.strip("_").replace("_", "-")] = value
    return element


def icon(name: str) -> None:
    """A picture of the font that NiceGUI brings along; always beside words, so it is not read aloud."""
    words("span", name, "icon", aria_hidden="true")


def button(text: str, act: Callable[[], Any], classes: str = "", **attributes: str) -> Words:
    """A button that a keyboard reaches, because it is one."""
    element = words("button", text, f"plain {classes}", type="button", **attributes)
    element.on("click", lambda _: act(), [])
    return element


@contextmanager
def panel(title: str) -> Iterator[None]:
    """A part of the page under a heading."""
    with box("section", "panel", aria_label=title):
        words("h2", title)
        yield


@contextmanager
def table(caption: str, headings: Sequence[str]) -> Iterator[None]:
    """A table whose rows are made with `row`; where there is no room each row becomes a card."""
    with box("table", "list", aria_label=caption):
        with box("thead"), box("tr"):
            for heading in headings:
                words("th", heading, scope="col")
        with box("tbody"):
            yield


def cell(heading: str, text: str = "", classes: str = "") -> Words:
    """A field of a row. The heading stands beside it where a row is a card."""
    return words("td", text, classes, data_label=heading)


def told(text: str, *, bad: bool = False) -> None:
    """Say what was done, or why not; read aloud by screen readers, too."""
    close = [{"label": "Close", "color": "white"}] if bad else []
    ui.notify(text, type="negative" if bad else "positive", timeout=9000 if bad else 4000, actions=close)

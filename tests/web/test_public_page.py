"""What everybody may know of a camera."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from passerby.serve.town import CameraSettings
from passerby.web.plain_page import paragraphs

from .conftest import People
from .town import QuietTown


class _Read(HTMLParser):
    """Tags and text; complains of what is left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += f" {data.strip()}"


def _page(people: People, name: str) -> _Read:
    answer = people.nobody().get(f"/public/{name}")
    assert answer.status_code == 200
    return _Read(answer.text)


def test_it_says_who_why_whom_to_ask_and_what_it_cannot_do(people: People) -> None:
    text = _page(people, "gate").text
    for said in (
        "School gate",
        "Little <Town>",
        "The <b>school</b>",
        "Broken windows.",
        "Since 2024.",
        "office@school.example",
        "heads with their faces and licence plates",
        "erased after 3 days",
        "does not recognise faces",
        "does not read licence plates",
        "does not follow anybody from camera to camera",
        "painted over is stored nowhere",
    ):
        assert said in text


def test_it_shows_no_picture_and_runs_nothing(people: People) -> None:
    tags = _page(people, "gate").tags
    assert not tags & {"img", "video", "script", "iframe", "object", "embed", "link", "b", "svg", "canvas"}


def test_it_says_what_else_is_covered_and_where_nothing_is_known(people: People) -> None:
    text = _page(people, "market").text
    assert "heads with their faces, licence plates and whole people" in text
    assert text.count("Its operator has not said so yet.") == 3


@pytest.mark.parametrize(
    ("hours", "said"), [(72, "3 days"), (720, "30 days"), (36, "36 hours"), (1, "1 hour"), (0.5, "30 minutes")]
)
def test_it_says_for_how_long(people: People, town: QuietTown, hours: float, said: str) -> None:
    town.add_camera(CameraSettings(name="other", site="square", url="demo:", retention_h=hours), None)
    assert f"erased after {said}" in _page(people, "other").text
    town.remove_camera("other")


def test_it_says_why_for_so_long(people: People, town: QuietTown) -> None:
    reason = "A court asked for it.\n\n<script>alert(1)</script>"
    town.add_camera(
        CameraSettings(name="other", site="square", url="demo:", retention_h=1000, retention_reason=reason), None
    )
    page = _page(people, "other")
    assert "A court asked for it." in page.text
    assert "script" not in page.tags
    town.remove_camera("other")


@pytest.mark.parametrize(
    ("cover", "faces", "plates"),
    [(("head", "plate"), False, False), (("plate",), True, False), (("person",), False, True), (("text",), True, True)],
)
def test_it_says_what_is_not_covered(
    people: People, town: QuietTown, cover: tuple[str, ...], faces: bool, plates: bool
) -> None:
    camera = CameraSettings.model_validate({"name": "other", "site": "square", "url": "demo:", "cover": cover})
    town.add_camera(camera, None)
    text = _page(people, "other").text
    assert ("Faces are not covered by this camera." in text) == faces
    assert ("Licence plates are not covered by this camera." in text) == plates
    town.remove_camera("other")


@pytest.mark.parametrize(
    ("setting", "said"), [("keep", "nothing is covered: faces"), ("only", "Only a part of its picture is covered")]
)
def test_it_says_that_a_part_of_the_picture_is_not_covered(
    people: People, town: QuietTown, setting: str, said: str
) -> None:
    camera = {"name": "other", "site": "square", "url": "demo:", setting: ["0,0 0.5,0.5"]}
    town.add_camera(CameraSettings.model_validate(camera), None)
    assert said in _page(people, "other").text
    assert said not in _page(people, "gate").text
    town.remove_camera("other")


def test_a_camera_that_is_off_stores_nothing(people: People, town: QuietTown) -> None:
    town.add_camera(CameraSettings(name="other", site="square", url="demo:", enabled=False), None)
    assert "switched off, and stores nothing" in _page(people, "other").text
    town.remove_camera("other")


def test_a_camera_that_is_none_is_no_page(people: People) -> None:
    answer = people.nobody().get("/public/<b>none")
    assert answer.status_code == 404
    assert "<b>" not in _Read(answer.text).tags


def test_paragraphs_keep_lines_and_escape() -> None:
    assert paragraphs("a & b\r\nc\n\n\n\n<d>") == "<p>a &amp; b<br>c</p>\n<p>&lt;d&gt;</p>"

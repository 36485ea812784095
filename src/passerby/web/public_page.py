"""What everybody may know of a camera, without logging in: who runs it, why, what it stores, and what it cannot do."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from passerby.serve.town import CameraSettings
from passerby.web.asking import TheNetwork
from passerby.web.plain_page import paragraphs, plain_page

router = APIRouter()

_COVERED = {
    "head": "heads with their faces",
    "face": "faces",
    "plate": "licence plates",
    "person": "whole people",
    "text": "writing",
    "motion": "everything that moves",
}
_CANNOT = (
    "It does not recognise faces: no picture is compared with any list of people, and no face is measured.",
    "It does not read licence plates.",
    "It does not follow anybody from camera to camera, or from visit to visit.",
    "It does not record sound.",
    "It keeps no second copy without the covers. What was painted over is stored nowhere, so that nobody can bring it "
    "back: not its operator, not a thief, not a court.",
)
_STAYS = (
    "Clothing, posture, gait, and what somebody carries stay visible, unless whole people are covered. "
    "Who knows somebody may know them by these. Covering is done by a program, and it may miss somebody."
)


@router.get("/public/{name}", response_class=HTMLResponse, include_in_schema=False)
def show_public_page(name: str, network: TheNetwork) -> HTMLResponse:
    """Plain HTML, no scripts, no picture."""
    camera = next((camera for camera in network.town.camera if camera.name == name), None)
    if camera is None:
        return plain_page("No such camera", "<h1>There is no camera of this name</h1>", 404)
    return plain_page(f"{camera.shown}: about this camera", _body(camera, network.town.title))


def _body(camera: CameraSettings, town: str) -> str:
    told = [
        f"<h1>{escape(camera.shown)}</h1>",
        f'<p class="soft">A camera of {escape(town)}</p>',
        _section("Who runs it", camera.operator or "Its operator has not said so yet."),
        _section("Why it is there", camera.purpose or "Its operator has not said so yet."),
        _section("Whom to ask", camera.contact or "Its operator has not said so yet."),
        "<h2>What it stores</h2>",
        _stored(camera),
        "<h2>What it cannot do</h2>",
        "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in _CANNOT) + "</ul>",
        "<h2>What can still be seen</h2>",
        *(f"<p><strong>{escape(line)}</strong></p>" for line in _not_covered(camera)),
        f"<p>{escape(_STAYS)}</p>",
    ]
    return "\n".join(told)


def _section(heading: str, text: str) -> str:
    return f"<h2>{escape(heading)}</h2>\n{paragraphs(text)}"


def _stored(camera: CameraSettings) -> str:
    covered = _listed([_COVERED[label] for label in camera.cover])
    if not camera.enabled:
        return "<p>It is switched off, and stores nothing.</p>"
    lines = [
        f"<p>Video in which {escape(covered)} are painted over before anything is stored or shown, "
        f"and all of the picture where nobody has looked yet or looking fails.</p>",
        f"<p>Recordings are erased after {escape(_duration(camera.retention_h))}, or earlier.</p>",
    ]
    if camera.retention_reason:
        lines.append(f"<p>Why for so long:</p>\n{paragraphs(camera.retention_reason)}")
    return "\n".join(lines)


def _not_covered(camera: CameraSettings) -> list[str]:
    """Settings may leave out what people take for granted: then it is said."""
    covered = set(camera.cover)
    lines = [] if covered & {"head", "face", "person"} else ["Faces are not covered by this camera."]
    lines += [] if "plate" in covered else ["Licence plates are not covered by this camera."]
    if camera.keep:
        lines.append("In a part of its picture nothing is covered: faces and licence plates there stay visible.")
    if camera.only:
        lines.append("Only a part of its picture is covered: faces and licence plates elsewhere stay visible.")
    return lines


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _duration(hours: float) -> str:
    if hours >= 48 and hours % 24 == 0:
        return f"{hours / 24:g} days"
    if hours == 1:
        return "1 hour"
    return f"{hours:g} hours" if hours > 1 else f"{hours * 60:g} minutes"

"""Parts of the picture that stay as they are, or in which alone is covered: drawn on a redacted still, or typed."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from passerby.serve.town import CameraSettings
from passerby.serve.town_areas import as_text
from passerby.web.pages.camera_fields import LOOK, Fields, note
from passerby.web.pages.markup import box

_KEEP_WARNS = (
    "Mind: what lies wholly inside a kept part is never covered. Faces and licence plates there stay visible, to "
    "everybody who may watch and in every recording. That you set it is written into the log, and the public page of "
    "the camera says it."
)
_DRAWN = (
    "Points are set with clicks on the picture; a click on the first one closes the part. They stand below as numbers, "
    "for who would rather type: a part on each line, as 0.1,0.2 0.5,0.2 0.5,0.9, from the upper left corner (0,0) to "
    "the lower right one (1,1). Two points are corners of a rectangle."
)
_LABELS = {"keep": "Kept as it is", "only": "Covered here alone"}


class AreaFields:
    """The drawing and the two fields for the keyboard, which always say the same."""

    def __init__(self, fields: Fields, shown: CameraSettings, still: str) -> None:
        self._fields, self._shown = fields, shown
        with ui.expansion("Parts of the picture").classes("folded"), box("div", "areas"):
            note(_DRAWN)
            self._drawing = box("passerby-areas", data_still=still)
            for name, label in _LABELS.items():
                areas = as_text(getattr(shown, name))
                fields[name] = field = ui.textarea(label, value=areas).props(f"{LOOK} autogrow")
                self._drawing.props[f"data-{name}"] = field.html_id
                if name == "keep":
                    note(_KEEP_WARNS, "warning")

    def typed(self) -> dict[str, Any]:
        """Both settings. What nobody touched stays exactly as it is stored, and not as it is shown."""
        return {name: self._typed(name) for name in _LABELS}

    def _typed(self, name: str) -> Any:
        stored, text = getattr(self._shown, name), str(self._fields[name].value or "")
        return stored if text == as_text(stored) else text.splitlines()

    def show(self, still: str) -> None:
        """Draw on this picture from now on; its address, or the picture itself."""
        self._drawing.props["data-still"] = still
        self._drawing.update()


def still_of(camera: CameraSettings | None) -> str:
    """Where the last redacted picture of a camera is; "" of one that is not there yet."""
    return f"/api/v1/cameras/{camera.name}/still.jpg" if camera else ""

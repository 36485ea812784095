"""What a camera showed when it was tried."""

from __future__ import annotations

from base64 import b64encode

from nicegui import ui

from passerby.serve.network import CameraTrial
from passerby.web.pages.dialogs import put_away
from passerby.web.pages.markup import box, button, words

_CLOCK_OFF_S = 2.0
_SHOWS = {
    "same": "shows the same",
    "other": "shows something else: it must not be looked at in place of this one",
    "unknown": "shows too little to be compared",
}


async def show_trial(trial: CameraTrial) -> None:
    """In a dialog, with one redacted picture."""
    with ui.dialog() as dialog, ui.card():
        words("h2", "The camera answers")
        box("img", "trial", src=f"data:image/jpeg;base64,{b64encode(trial.still).decode()}", alt="One redacted picture")
        with box("ul"):
            for line in lines(trial):
                words("li", line)
        button("Close", lambda: dialog.submit(None), "main")
    await dialog
    put_away(dialog)


def lines(trial: CameraTrial) -> list[str]:
    """What is worth knowing, a sentence each."""
    told = [f"{trial.codec}, {trial.width} x {trial.height} pixels, {trial.rate_fps:.1f} frames in a second"]
    if trial.gop_s is not None:
        told.append(f"a keyframe every {trial.gop_s:.1f} seconds")
    if trial.why_not_copied:
        told.append(f"every picture is encoded anew: {trial.why_not_copied}")
    else:
        told.append("what shows nobody is stored as the camera sends it")
    if trial.clock_offset_s is not None:
        wrong = "; set it, or let it ask a time server" if abs(trial.clock_offset_s) > _CLOCK_OFF_S else ""
        told.append(f"its clock is {trial.clock_offset_s:+.1f} seconds off ours{wrong}")
    if trial.look is not None:
        told.append(
            f"the smaller stream has {trial.look.width} x {trial.look.height} pixels, and {_SHOWS[trial.look.shows]}"
        )
    told.append(f"covered in this picture: {', '.join(trial.covered) or 'nothing was found'}")
    return told

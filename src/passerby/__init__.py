"""passerby: a camera and footage system in which everyone stays a passer-by.

import passerby

result = passerby.redact_video("street.mp4", "street.redacted.mp4")
print(result.report.frames_covered, "frames covered")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passerby.errors import (
    ModelError,
    OutputError,
    PasserbyError,
    RedactionIncomplete,
    SettingsError,
    SourceDamaged,
    SourceError,
    SourceTooLarge,
    SourceUnreadable,
)

if TYPE_CHECKING:
    from passerby.account import Artefacts, Result
    from passerby.check.report import Report
    from passerby.pipeline.files import redact_file, redact_photo, redact_video
    from passerby.redact.plan import Plan
    from passerby.settings import Settings

__version__ = "0.3.0"

__all__ = [
    "Artefacts",
    "ModelError",
    "OutputError",
    "PasserbyError",
    "Plan",
    "RedactionIncomplete",
    "Report",
    "Result",
    "Settings",
    "SettingsError",
    "SourceDamaged",
    "SourceError",
    "SourceTooLarge",
    "SourceUnreadable",
    "redact_file",
    "redact_photo",
    "redact_video",
]

# Imported when they are asked for, so that `passerby --help` does not wait for video and neural network libraries.
_HOMES = {
    "Artefacts": "passerby.account",
    "Result": "passerby.account",
    "Report": "passerby.check.report",
    "Plan": "passerby.redact.plan",
    "Settings": "passerby.settings",
    "redact_file": "passerby.pipeline.files",
    "redact_photo": "passerby.pipeline.files",
    "redact_video": "passerby.pipeline.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'passerby' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

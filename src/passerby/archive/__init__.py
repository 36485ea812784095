"""Recordings and their catalogue: what is stored, since when, and when it was erased.

SQLAlchemy is loaded when a name is first used, because most of passerby does without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passerby.archive.catalogue import Archive, open_archive
    from passerby.archive.checking import CheckReport, check_archive
    from passerby.archive.erasing import Erasure
    from passerby.archive.retention import RetentionRule
    from passerby.archive.stored import CameraUsage, StoredSegment
    from passerby.archive.timeline import Span

__all__ = [
    "Archive",
    "CameraUsage",
    "CheckReport",
    "Erasure",
    "RetentionRule",
    "Span",
    "StoredSegment",
    "check_archive",
    "open_archive",
]

_HOMES = {
    "Archive": "catalogue",
    "CameraUsage": "stored",
    "CheckReport": "checking",
    "Erasure": "erasing",
    "RetentionRule": "retention",
    "Span": "timeline",
    "StoredSegment": "stored",
    "check_archive": "checking",
    "open_archive": "catalogue",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"passerby.archive.{_HOMES[name]}"), name)

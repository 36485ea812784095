"""A file of any kind: looking comes first and gives a plan; painting follows the plan.

The copy gets its name only after it was read back.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict, Unpack

from passerby.account import Account, Artefacts, Result
from passerby.errors import SettingsError, SourceUnreadable
from passerby.pipeline.photo import redact_photo_of
from passerby.pipeline.video import redact_video_of
from passerby.read.photo import PHOTO_SUFFIXES, is_photo
from passerby.read.video import is_video
from passerby.settings import Settings
from passerby.telemetry import OnProgress, unheard

__all__ = ["How", "redact_file", "redact_photo", "redact_video"]


class How(TypedDict, total=False):
    """What may be said of a run besides its settings.

    Attributes:
        name: the input's label in messages; its file name by default.
        artefacts: what else to write, or to paint from.
        replace: put the copy in the place of what stands under the target's name.
        threads: processors to use; all of them by default.
        on_progress: told how far it has come, from several threads.
    """

    name: str
    artefacts: Artefacts
    replace: bool
    threads: int
    on_progress: OnProgress


def redact_file(source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]) -> Result:
    """Write a redacted copy of a photo or a video, whichever the file holds; its contents decide, not its name.

    Args:
        source: the input; it is never altered.
        target: the name of the copy, which must be free unless it may be replaced.
        settings: what the user chose.
        how: see `How`.

    Raises:
        SourceError: the input cannot be used.
        RedactionIncomplete: the copy was withheld.
        OutputError: the copy cannot be stored.
        ModelError: the detector cannot run here.
        SettingsError: the settings do not fit this input, or the names do not go together.
    """
    with _account(source, target, settings, how) as account:
        if is_photo(account.source):
            return redact_photo_of(account)
        # Where it is neither, the attempt to open what its name promises says best what is wrong with it.
        if is_video(account.source) or account.source.suffix.lower() not in PHOTO_SUFFIXES:
            return redact_video_of(account)
        return redact_photo_of(account)


def redact_photo(
    source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]
) -> Result:
    """Write a copy of a photo or an animation in which every face is covered. As `redact_file` otherwise."""
    with _account(source, target, settings, how) as account:
        return redact_photo_of(account)


def redact_video(
    source: Path | str, target: Path | str, settings: Settings | None = None, **how: Unpack[How]
) -> Result:
    """Write a copy of a video in which every face is covered. As `redact_file` otherwise."""
    with _account(source, target, settings, how) as account:
        return redact_video_of(account)


def _account(source: Path | str, target: Path | str, settings: Settings | None, how: How) -> Account:
    source, target = Path(source), Path(target)
    if not source.exists():
        raise SourceUnreadable(f"{source.name}: no such file; nothing was written")
    if not source.is_file():
        # A pipe would be waited for, and a device read without end.
        raise SourceUnreadable(f"{source.name}: cannot be read: it is not a file; nothing was written")
    if target.exists() and target.samefile(source):
        raise SettingsError(f"{target.name}: the output is the input; inputs are never overwritten")
    if target.exists() and not how.get("replace"):
        raise SettingsError(f"{target.name}: exists already; nothing was written", hint="choose another name")
    artefacts = how.get("artefacts") or Artefacts()
    artefacts.refuse_meetings(source, target)
    return Account(
        source,
        target,
        settings or Settings(),
        how.get("name") or source.name,
        artefacts,
        replace=how.get("replace", False),
        threads=how.get("threads") or os.cpu_count() or 1,
        on_progress=how.get("on_progress", unheard),
    )

"""Everything passerby raises on purpose.

PasserbyError
├── SettingsError            a setting or a command line is wrong: exit code 2
├── SourceError
│   ├── SourceUnreadable     the input cannot be opened: not a picture, no video, cut off before its index
│   ├── SourceDamaged        the input opens, and part of it cannot be decoded
│   ├── SourceTooLarge       the input is over a stated limit that can be raised
│   └── CameraError
│       ├── CameraUnreachable no connection: nobody answers, no such address, no such device
│       ├── CameraRefused     the camera wants another user or password
│       ├── CameraUnusable    it answers, and sends nothing that passerby can redact
│       ├── CameraLost        it was there, and is gone: the end, silence, garbage
│       └── SearchPaused      cameras were searched for too often; the next search is done after a pause
├── ModelError               a model is missing, altered or cannot run here
├── OutputError              the result cannot be stored: disk full, folder read-only
├── ArchiveError             recordings and their catalogue do not belong together, or cannot be used
├── AccountError             an account, a link or an API token cannot be used or made like this
│   ├── LoginRefused         the name or the password is wrong
│   └── LoginPaused          too many tries; the next one is looked at after a pause
└── RedactionIncomplete      something may be uncovered or altered; the output was withheld

A message is one sentence without a full stop: whose, what, where, why, what was done about it. It names files, never
pixels, URLs or people. The hint is apart and may be missing.
"""

from __future__ import annotations

from typing import Any


class PasserbyError(Exception):
    """Root of the tree.

    Attributes:
        message: what went wrong.
        hint: what the user can do next, in one sentence, or None.
        report: the `check.report.Report` of the file that it happened to, or None.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.report: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """With its hint and report, so that it comes whole out of another process."""
        return _restored, (type(self), self.message, self.hint, self.report)


def _restored(kind: type[PasserbyError], message: str, hint: str | None, report: Any) -> PasserbyError:
    error = kind(message, hint=hint)
    error.report = report
    return error


class SettingsError(PasserbyError):
    """A setting or a command line is wrong; nothing was started."""


class SourceError(PasserbyError):
    """The input cannot be used."""


class SourceUnreadable(SourceError):
    """The input cannot be opened at all."""


class SourceDamaged(SourceError):
    """The input opens, and part of it cannot be decoded."""


class SourceTooLarge(SourceError):
    """The input is over a stated limit that can be raised."""


class CameraError(SourceError):
    """A camera cannot be used. Messages name it by its name, never by its address."""


class CameraUnreachable(CameraError):
    """No connection to the camera."""


class CameraRefused(CameraError):
    """The camera wants another user or password."""


class CameraUnusable(CameraError):
    """The camera answers, and sends nothing that passerby can redact."""


class CameraLost(CameraError):
    """The camera was there, and is gone."""


class SearchPaused(CameraError):
    """Cameras are being searched for, or were too often.

    Attributes:
        retry_after_s: when it may be tried again, in whole seconds.
    """

    retry_after_s = 1


class ModelError(PasserbyError):
    """A model is missing, altered or cannot run here."""


class OutputError(PasserbyError):
    """The result cannot be stored."""


class ArchiveError(PasserbyError):
    """Recordings and their catalogue do not belong together, or cannot be used."""


class AccountError(PasserbyError):
    """An account, a link or an API token cannot be used or made like this."""


class LoginRefused(AccountError):
    """The name or the password is wrong. Which of them is not told."""


class LoginPaused(AccountError):
    """Too many tries.

    Attributes:
        retry_after_s: when the next one is looked at, in whole seconds.
    """

    retry_after_s = 1


class RedactionIncomplete(PasserbyError):
    """Something may be uncovered, or the copy is not what the plan says; the output was withheld."""

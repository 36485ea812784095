"""The file of the town, read again while everything runs: all of it counts, or nothing."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from passerby.errors import PasserbyError
from passerby.serve.accounts import Accounts
from passerby.serve.certificate import usable_certificate
from passerby.serve.reloading import what_waits
from passerby.serve.supervisor import Supervisor
from passerby.serve.town import Town
from passerby.serve.town_file import load_town

_log = logging.getLogger(__name__)


@dataclass
class Rereading:
    """Reads it again each time that it is called, and says in the log what became of it.

    Attributes:
        file: of settings, or None for a town without one.
        asked: settings of the command line, which count before the file's.
        started: the settings that the server was started with.
        supervisor: of the cameras.
        accounts: of people.
        config: of the server, whose certificate may have been renewed.
    """

    file: Path | None
    asked: dict[str, Any]
    started: Town
    supervisor: Supervisor
    accounts: Accounts
    config: uvicorn.Config

    def __call__(self) -> None:
        """Read it; what is wrong with it changes nothing."""
        if self.file is None:
            _log.warning("there is no file of settings that could be read again; nothing was changed")
            return
        try:
            told = self._take(load_town(self.file).model_copy(update=self.asked))
        except PasserbyError as error:
            _log.warning("%s; the settings stay as they were", error.message)
        else:
            _log.warning("%s: was read again: %s", self.file.name, told)

    def _take(self, town: Town) -> str:
        """What changed, in words."""
        certificate = usable_certificate(town)

        def agreed() -> None:
            self.accounts.settle(town.account)

        names = self.supervisor.reload(town, agreed)
        if certificate is not None and isinstance(self.config.ssl, ssl.SSLContext):
            self.config.ssl.load_cert_chain(*certificate)
        told = [f"cameras that changed: {', '.join(names)}" if names else "no camera has to know of what changed"]
        if waiting := what_waits(self.started, town):
            told.append(f"counts from the next start on: {', '.join(waiting)}")
        return "; ".join(told)

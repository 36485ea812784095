"""What has to be done every minute, whatever the cameras do: erase what is too old, too much, or in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from passerby.archive import Archive
from passerby.errors import ArchiveError
from passerby.serve.defects import defect_in_words
from passerby.serve.promised import Promised
from passerby.serve.town import Town

_EVERY_S = 60.0
_log = logging.getLogger(__name__)


class Housekeeping:
    """Retention in a thread of its own.

    Attributes:
        trouble: why it could not do its work the last time, a sentence; "" when it could.
    """

    def __init__(self, archive: Archive, town: Callable[[], Town], every_s: float = _EVERY_S) -> None:
        self.trouble = ""
        self._archive, self._town, self._every_s = archive, town, every_s
        self._promised = Promised(archive.folder)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._thread.start()

    def close(self) -> None:
        """End, after the round that is going on."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tidy(self) -> None:
        """One round.

        Raises:
            ArchiveError: the catalogue does not answer.
        """
        town = self._town()
        rules = self._promised.rules(town, {usage.camera for usage in self._archive.usage()})
        self._archive.retain(rules, floor_bytes=round(town.floor_gb * 1e9), now=datetime.now(UTC))

    def _run(self) -> None:
        while True:
            self._note(self._trouble_of_a_round())
            if self._ending.wait(self._every_s):
                return

    def _trouble_of_a_round(self) -> str:
        try:
            self.tidy()
        except ArchiveError as error:
            return error.message
        except Exception as defect:  # recordings that stay for ever would be worse than a defect that is told
            return defect_in_words(defect)
        return ""

    def _note(self, trouble: str) -> None:
        """Said once: a catalogue that does not answer for a day is one line, not 1440."""
        if trouble and trouble != self.trouble:
            _log.warning("old recordings were not erased: %s", trouble)
        self.trouble = trouble

"""How long recordings were said to stay, remembered for cameras that are not in the settings any more."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from passerby.archive import RetentionRule
from passerby.errors import OutputError
from passerby.pending import write_durably
from passerby.serve.town import CameraSettings, Town

FILE_NAME = "kept-for.json"
"""In the data folder: hours, by camera."""


class Promised:
    """The rules of all cameras that have recordings. Who removes a camera does not lengthen what its sign said."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._hours = self._read()

    def rules(self, town: Town, holding: Collection[str]) -> dict[str, RetentionRule]:
        """The rule of each camera of the town, and of each that is gone and still has recordings.

        Args:
            town: the settings as they are now.
            holding: names of the cameras that have recordings.
        """
        now = {camera.name: camera.retention_h for camera in town.camera}
        self._remember({name: hours for name, hours in self._hours.items() if name in holding} | now)
        longest_h = RetentionRule().age_h
        gone = {name: RetentionRule(min(hours, longest_h)) for name, hours in self._hours.items() if name not in now}
        return {camera.name: rule_of(camera) for camera in town.camera} | gone

    def _remember(self, hours: dict[str, float]) -> None:
        if hours == self._hours:
            return
        self._hours = hours
        with suppress(OutputError):  # a full disk: this process knows, and writes it down with the next change
            write_durably(self._path, json.dumps(hours, indent=1).encode())

    def _read(self) -> dict[str, float]:
        try:
            told = json.loads(self._path.read_text("utf-8"))
            return {str(name): float(hours) for name, hours in told.items() if 0 < float(hours) < math.inf}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def rule_of(camera: CameraSettings) -> RetentionRule:
    """How long its recordings stay."""
    quota_bytes = None if camera.quota_gb is None else round(camera.quota_gb * 1e9)
    return RetentionRule(camera.retention_h, quota_bytes, camera.retention_reason)

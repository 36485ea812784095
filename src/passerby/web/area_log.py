"""What is written down when somebody leaves parts of a picture uncovered."""

from __future__ import annotations

from passerby.serve.account_log import AccessLog
from passerby.serve.town import CameraSettings

ACTION = "set which parts of a picture are covered"


def log_areas(log: AccessLog, who: str, before: CameraSettings | None, after: CameraSettings) -> None:
    """Where they change: how many are kept as they are, and how many alone are covered."""
    was = (before.keep, before.only) if before else ((), ())
    if was != (after.keep, after.only):
        log.add(who, ACTION, after.name, f"{len(after.keep)} kept as they are, {len(after.only)} covered alone")

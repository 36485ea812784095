"""What time a camera says it is."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from av.packet import Packet

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_CLOCK = struct.Struct("=q")


def told_time(packet: Packet[Any]) -> datetime | None:
    """When the camera's own clock says that this picture was taken, UTC; None where it does not tell.

    RTSP cameras tell it in RTCP sender reports, of which the first may come some seconds late.
    """
    if not packet.has_sidedata("prft"):
        return None
    (microseconds,) = _WALL_CLOCK.unpack_from(bytes(packet.get_sidedata("prft")))
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:  # a clock that was never set
        return None

"""A camera in: frames as they arrive, each with its time, and the H.264 packet that it came from.

Addresses and passwords stay in `CameraAddress`; everything here speaks of a camera by its name.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, TypeVar

from passerby.errors import CameraError, SettingsError
from passerby.media import VideoInfo
from passerby.read.camera_address import CameraAddress
from passerby.read.camera_clock import LiveClock
from passerby.read.camera_connection import Connection
from passerby.read.camera_held import HeldPicture
from passerby.read.camera_holding import HoldingPictures
from passerby.read.camera_opening import Opened
from passerby.read.camera_packets import Arrival
from passerby.read.camera_pictures import LivePicture, LivePictures

__all__ = ["CameraAddress", "CameraStream", "HeldPicture", "LivePicture", "open_camera"]

Picture = TypeVar("Picture", covariant=True)


class _Pictures(Protocol[Picture]):
    """What makes pictures of packets."""

    def push(self, arrival: Arrival) -> Iterator[Picture]: ...

    def finish(self) -> Iterator[Picture]: ...


class CameraStream:
    """A connected camera. A context manager; iterate `pictures()` once.

    Attributes:
        info: what is known of its video.
        extradata: parameter sets of H.264 as the connection tells them (avcC or annex B); b"" of other codecs.
    """

    def __init__(self, address: CameraAddress, connection: Connection, opened: Opened, stop: threading.Event) -> None:
        self.info: VideoInfo = opened.info
        self.extradata: bytes = opened.extradata if opened.info.codec == "h264" else b""
        self._connection, self._stop, self._opened = connection, stop, opened
        self._address = address
        self._holding: HoldingPictures | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; does not wait for a camera that does not answer."""
        self._connection.close()

    @property
    def bytes_in(self) -> int:
        """Received so far, in packets."""
        return self._connection.bytes_in

    @property
    def dropped(self) -> int:
        """Packets that were left out because nobody took them in time."""
        return self._connection.dropped

    def pictures(self) -> Iterator[LivePicture]:
        """Every frame in presentation order, as it comes; ends when `stop` is set.

        Raises:
            CameraLost: the stream ended, broke off or changed, or the camera sent nothing for the time-out. The
                pictures that were still held back come before it.
        """
        clock = LiveClock(self.info.time_base, self._address.timeout_s)
        yield from self._taken(LivePictures(self._opened, clock))

    def held_pictures(self) -> Iterator[LivePicture | HeldPicture]:
        """Likewise, but frames of H.264 are decoded when they are asked for, where that is safe; instead of `pictures`.

        Over UDP it is not: there a packet may have lost its end, which shows when it is decoded.
        """
        if self._address.transport == "udp":
            yield from self.pictures()
            return
        self._holding = HoldingPictures(self._opened, self._address.timeout_s)
        yield from self._taken(self._holding)

    @property
    def decoded(self) -> int:
        """Packets that `held_pictures` decoded so far."""
        return self._holding.decoded if self._holding is not None else 0

    def _taken(self, pictures: _Pictures[Picture]) -> Iterator[Picture]:
        try:
            for arrival in self._connection.arrivals(self._stop):
                yield from pictures.push(arrival)
        except CameraError:
            yield from pictures.finish()
            raise


def open_camera(
    address: CameraAddress, *, stop: threading.Event | None = None, speed: float = 1.0, began_s: float | None = None
) -> CameraStream:
    """Connects to a camera and waits for its first picture.

    Args:
        address: of the camera.
        stop: when it is set, waiting ends within a second, here and in `CameraStream.pictures`.
        speed: of a file that plays as a camera: seconds of the file in one; infinity is as fast as it can be read.
        began_s: of such a file: when it began to play, by `time.monotonic()`; None: now.

    Raises:
        CameraUnreachable: nobody answers in time, or `stop` was set.
        CameraRefused: the camera wants another user or password.
        CameraUnusable: it sends nothing that can be decoded, or pictures that are too large.
        CameraLost: it broke off before its first picture.
        SettingsError: `speed` is not above 0.
    """
    if not speed > 0:
        raise SettingsError(f"camera {address.name}: the speed of a file is above 0")
    stop = stop or threading.Event()
    connection = Connection(address, speed, began_s)
    try:
        return CameraStream(address, connection, connection.opened(stop), stop)
    except BaseException:
        connection.close()
        raise

"""A camera by two of its streams: one that is stored, and a smaller one that is looked at."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from passerby.errors import CameraUnusable
from passerby.media import VideoInfo
from passerby.read.camera import CameraAddress, CameraStream, open_camera

_ROUNDED_PX = 2
"""Sizes of pictures are even."""
_LEAST_PX = 320


class CameraPair:
    """Two connected streams that show the same. A context manager.

    Attributes:
        main: the one that is stored.
        look: the one that is looked at.
    """

    def __init__(self, main: CameraStream, look: CameraStream) -> None:
        """Both are connected.

        Raises:
            CameraUnusable: what is found in the one has no known place in the other, or it is too small to find any.
        """
        _check(main.info, look.info)
        self.main, self.look = main, look

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """As `CameraStream.close`, of both."""
        self.main.close()
        self.look.close()

    @property
    def info(self) -> VideoInfo:
        """What is known of the video that is stored."""
        return self.main.info

    @property
    def extradata(self) -> bytes:
        """Likewise, its parameter sets."""
        return self.main.extradata

    @property
    def bytes_in(self) -> int:
        """Received so far in packets of both."""
        return self.main.bytes_in + self.look.bytes_in

    @property
    def dropped(self) -> int:
        """Packets of both that were left out because nobody took them in time."""
        return self.main.dropped + self.look.dropped


def open_pair(main: CameraAddress, look: CameraAddress, *, stop: threading.Event, speed: float = 1.0) -> CameraPair:
    """Connects to both streams and waits for their first pictures; arguments and errors as in `open_camera`."""
    began_s = time.monotonic()
    stored = open_camera(main, stop=stop, speed=speed, began_s=began_s)
    try:
        looked_at = open_camera(look, stop=stop, speed=speed, began_s=began_s)
        try:
            return CameraPair(stored, looked_at)
        except BaseException:
            looked_at.close()
            raise
    except BaseException:
        stored.close()
        raise


def _check(main: VideoInfo, look: VideoInfo) -> None:
    (width, height), (across, down) = main.upright_size, look.upright_size
    sizes = f"{across}x{down}, the main one {width}x{height}"
    fits = min(abs(across * height / width - down), abs(down * width / height - across)) <= _ROUNDED_PX
    if not fits or main.orientation != look.orientation:
        raise CameraUnusable(
            f"camera {look.name}: the stream to look at has {sizes}: other proportions, so that nobody knows what is "
            "where; nothing is recorded",
            hint="Set its size in the camera's own page, such as 640x360 for 1920x1080, or leave look_url out",
        )
    if max(across, down) < _LEAST_PX:
        raise CameraUnusable(
            f"camera {look.name}: the stream to look at has {sizes}: under {_LEAST_PX} pixels too many heads are "
            "missed; nothing is recorded",
            hint="Choose 640x360 or more in the camera's own page, or leave look_url out",
        )

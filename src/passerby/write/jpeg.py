"""A small JPEG of a redacted picture, for pages that show how a camera is."""

from __future__ import annotations

import cv2
import numpy as np

from passerby.media import RedactedFrame

_QUALITY = 75


def jpeg_of(frame: RedactedFrame, longest_px: int = 640) -> bytes:
    """The picture as a JPEG without metadata, its longer side at most so long.

    Raises:
        TypeError: it was not redacted.
    """
    if not isinstance(frame, RedactedFrame):
        raise TypeError(f"only redacted frames are shown, not {type(frame).__name__}")
    width, height = frame.carrier.width, frame.carrier.height
    scale = min(1.0, longest_px / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pixels = frame.carrier.reformat(*size, format="bgr24", threads=1).to_ndarray()
    upright = np.ascontiguousarray(frame.orientation.turn(pixels))
    _, encoded = cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(encoded)

"""Looking at a picture: windows, the net, boxes in pixels of the picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import cv2
import numpy as np

from passerby.detect import heads
from passerby.detect.areas import windows_in
from passerby.detect.merge import strongest
from passerby.detect.runtime import Session
from passerby.detect.windows import Window, windows_of
from passerby.detect.zoo import ModelEntry, entry_of, read_model
from passerby.media import Picture
from passerby.regions import Boxes, Detections, clip


class Detector(Protocol):
    """What looks at pictures."""

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """Everything found in `picture`, in its pixels, best first; see `NetDetector.find`."""
        ...

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        """What is found in some areas of `picture`, in its pixels, best first; see `NetDetector.find_in_areas`."""
        ...

    def rest(self) -> None:
        """Give memory back until the next look, where there is any to give."""
        return


class NetDetector:
    """Looks with one net of the zoo. One may be used from several threads at once.

    Attributes:
        entry: the model, as the zoo has it.
        provider: where it runs ("cpu", "cuda", ...).
        threshold: least score that counts unless a call says otherwise, from 0 to 1.
    """

    def __init__(
        self, model: str = "centerface", provider: str | None = None, threads: int = 1, threshold: float | None = None
    ) -> None:
        """Load a model of the zoo.

        Args:
            model: its name in the zoo.
            provider: a key of `runtime.PROVIDERS`, or None for the best that works here.
            threads: threads for one look, from 1.
            threshold: least score that counts, from 0 to 1; None for the model's own.

        Raises:
            ModelError: the model is unknown, missing, altered or cannot run here.
        """
        self.entry: ModelEntry = entry_of(model)
        self._session = Session(read_model(self.entry), name=model, provider=provider, threads=threads)
        self.provider = self._session.provider
        self.threshold = self.entry.threshold if threshold is None else threshold
        self._read = heads.FAMILIES[self.entry.family]
        self._same_iou = heads.same_iou(self.entry.family)

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of the one net."""
        return ((self.entry.name, self.entry.sha256, self.provider),)

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """What the net finds in a picture, best first.

        Args:
            picture: RGB, uint8, shape (H, W, 3), upright, any size from 1x1.
            scale: size at which to look, 0.5 for half the width and height.
            threshold: least score, from 0 to 1; None for the detector's own.

        Returns:
            Boxes in pixels of `picture`, clipped to it, of what is from about 10 px of the scaled picture up to what
            fills it.

        Raises:
            ModelError: the model failed; nothing is known about the picture.
        """
        height, width = picture.shape[:2]
        return self._look_through(picture, windows_of(width, height, scale), threshold)

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        """What has its centre in one of the areas or close to it, best first.

        The areas are looked at with their surroundings, overlapping ones at once. What is larger than an area and its
        surroundings may be missed.

        Args:
            picture: RGB, uint8, shape (H, W, 3), upright.
            areas: float32, shape (N, 4), pixels of `picture`; they may reach over its edges.
            scale: as in `find`.
            threshold: as in `find`.

        Raises:
            ModelError: the model failed; nothing is known about the picture.
        """
        height, width = picture.shape[:2]
        return self._look_through(picture, windows_in(areas, width, height, scale), threshold)

    def rest(self) -> None:
        """Give memory back until the next look."""
        self._session.rest()

    def _look_through(self, picture: Picture, windows: Iterable[Window], threshold: float | None) -> Detections:
        least = self.threshold if threshold is None else threshold
        parts = [self._look(picture, window, least) for window in windows]
        return strongest(Detections.join(parts), self._same_iou)

    def _look(self, picture: Picture, window: Window, threshold: float) -> Detections:
        """What is found in one window, in pixels of the picture, merged and clipped."""
        part = resized(picture[window.y1 : window.y2, window.x1 : window.x2], window.width, window.height)
        outputs = self._session.run(heads.padded(part, self.entry.multiple)[None])
        found = strongest(self._read(outputs, threshold, self.entry.finds), self._same_iou)
        shrink = np.array([window.x2 - window.x1, window.y2 - window.y1], np.float32) / (window.width, window.height)
        origin = np.array([window.x1, window.y1], np.float32)
        boxes = found.boxes * np.tile(shrink, 2) + np.tile(origin, 2)
        height, width = picture.shape[:2]
        boxes = clip(boxes.astype(np.float32), width, height)
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        left, top, right, bottom = window.core
        inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        something = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Detections(boxes, found.scores, found.labels)[inside & something]


def resized(picture: Picture, width: int, height: int) -> Picture:
    """`picture` at another size: averaged over areas when it shrinks, bicubic when it grows."""
    picture = np.ascontiguousarray(picture)
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = width * height < picture.shape[0] * picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)

"""Several nets that look at the same picture, as one detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from passerby.detect.detector import NetDetector
from passerby.media import Picture
from passerby.regions import LABELS, Boxes, Detections


class Ensemble:
    """Everything that some nets find, of the labels that are wanted. May be used from several threads at once.

    Attributes:
        nets: what looks.
        called: for each label that is wanted of it, the label that it gets, both of `regions.LABELS`.
    """

    def __init__(self, nets: Sequence[NetDetector], called: Mapping[str, str]) -> None:
        self.nets = tuple(nets)
        self.called = dict(called)
        self._wanted = np.array([label in called for label in LABELS])
        self._called = np.array([LABELS.index(called.get(label, label)) for label in LABELS], np.uint8)

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of each net."""
        return tuple((net.entry.name, net.entry.sha256, net.provider) for net in self.nets)

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """What the nets find in a picture, one net after the other; see `NetDetector.find`."""
        return self._of([net.find(picture, scale=scale, threshold=threshold) for net in self.nets])

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        """What the nets find in some areas, one net after the other; see `NetDetector.find_in_areas`."""
        return self._of([net.find_in_areas(picture, areas, scale=scale, threshold=threshold) for net in self.nets])

    def rest(self) -> None:
        """Give memory back until the next look."""
        for net in self.nets:
            net.rest()

    def _of(self, parts: Sequence[Detections]) -> Detections:
        found = Detections.join(parts)
        found = found[self._wanted[found.labels]]
        return Detections(found.boxes, found.scores, self._called[found.labels])

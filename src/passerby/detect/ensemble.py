"""Several nets that look at the same picture, as one detector."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from passerby.detect.detector import NetDetector
from passerby.detect.plate_finder import PlateFinder
from passerby.media import Picture
from passerby.regions import LABELS, Boxes, Detections


@dataclass(frozen=True, slots=True)
class Member:
    """A net, or some with a rule, and the size at which it looks.

    Attributes:
        net: what looks.
        share: of the size at which the others look.
        longest: a picture's longer side is looked at no larger than this, in pixels of the net.
    """

    net: NetDetector | PlateFinder
    share: float = 1.0
    longest: float = math.inf

    def scale_for(self, picture: Picture, scale: float) -> float:
        """The scale at which it looks at a picture, where the others look at `scale`."""
        return float(min(scale * self.share, self.longest / max(picture.shape[:2])))


class Ensemble:
    """Everything that some nets find, of the labels that are wanted. May be used from several threads at once.

    Attributes:
        members: what looks.
        called: for each label that is wanted of it, the label that it gets, both of `regions.LABELS`.
    """

    def __init__(self, members: Sequence[Member], called: Mapping[str, str]) -> None:
        self.members = tuple(members)
        self.called = dict(called)
        self._wanted = np.array([label in called for label in LABELS])

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of each net."""
        return tuple(model for member in self.members for model in member.net.models)

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """What the nets find in a picture, one net after the other; see `NetDetector.find`."""
        looks = [m.net.find(picture, scale=m.scale_for(picture, scale), threshold=threshold) for m in self.members]
        return self._of(looks)

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        """What the nets find in some areas, one net after the other; see `NetDetector.find_in_areas`."""
        return self._of(
            [
                m.net.find_in_areas(picture, areas, scale=m.scale_for(picture, scale), threshold=threshold)
                for m in self.members
            ]
        )

    def rest(self) -> None:
        """Give memory back until the next look."""
        for member in self.members:
            member.net.rest()

    def _of(self, parts: Sequence[Detections]) -> Detections:
        found = Detections.join(parts)
        return found[self._wanted[found.labels]].relabelled(self.called)

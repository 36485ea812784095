"""Plates found by their text, with other nets that say where vehicles and doubtful plates are, as one detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from passerby.detect.detector import NetDetector
from passerby.detect.merge import agreed
from passerby.detect.plates import PLATE, VEHICLE, PlateRule, plates_among
from passerby.media import Picture
from passerby.regions import Boxes, Detections, clip, grow

TEXT_PX = (960, 1920)
"""Long sides at which the whole of a picture is looked at for text, in pixels of the net."""

LARGEST_TO_FULL = 1.5
"""Beyond the first, a size is looked at only in pictures whose long side is at least this size divided by that."""

AREA_PX = 640
"""A vehicle, or what may be a plate with its surroundings, is looked at this large, in pixels of the net."""

MOST_ENLARGED = 2.0
"""No area is looked at larger than this many times its size."""

AROUND_PLATE = 2.0
"""Surroundings that go with a doubtful plate, as a share of its width and height, on every side."""


class PlateFinder:
    """Everything that some nets find, and the plates that only their text gives away.

    May be used from several threads at once.

    Attributes:
        nets: what finds plates, vehicles and what else is wanted.
        text: what finds text.
        rule: which texts count as plates.
        everywhere: text is looked for in the whole picture; else only on vehicles and around doubtful plates, which
            takes a fraction of the time and misses plates on vehicles that no net knows.
    """

    def __init__(
        self, text: NetDetector, nets: Sequence[NetDetector], *, rule: PlateRule | None = None, everywhere: bool = True
    ) -> None:
        self.text = text
        self.nets = tuple(nets)
        self.rule = rule or PlateRule()
        self.everywhere = everywhere

    @property
    def models(self) -> tuple[tuple[str, str, str], ...]:
        """Name, SHA-256 and provider of each net."""
        return tuple(model for net in (*self.nets, self.text) for model in net.models)

    def find(self, picture: Picture, *, scale: float = 1.0, threshold: float | None = None) -> Detections:
        """What the nets find in a picture, and plates by their text; see `NetDetector.find`.

        Args:
            picture: RGB, uint8, shape (H, W, 3), upright.
            scale: size at which the nets look, 0.5 for half the width and height. Text is looked for at sizes of its
                own, because it is found best where its letters are of a certain size.
            threshold: least score of what the nets find; None for their own. Text has its own.

        Raises:
            ModelError: a model failed; nothing is known about the picture.
        """
        looks = [net.find(picture, scale=scale, threshold=self._least(net, threshold)) for net in self.nets]
        return self._with_plates(picture, looks, threshold, None)

    def find_in_areas(
        self, picture: Picture, areas: Boxes, *, scale: float = 1.0, threshold: float | None = None
    ) -> Detections:
        """What the nets find in some areas, and plates by their text; see `NetDetector.find_in_areas`."""
        looks = [
            net.find_in_areas(picture, areas, scale=scale, threshold=self._least(net, threshold)) for net in self.nets
        ]
        return self._with_plates(picture, looks, threshold, areas)

    def rest(self) -> None:
        """Give memory back until the next look."""
        for net in (*self.nets, self.text):
            net.rest()

    def _least(self, net: NetDetector, threshold: float | None) -> float:
        """Nets that find plates or vehicles also tell the doubtful ones."""
        least = net.threshold if threshold is None else threshold
        doubtful = {"plate": self.rule.suspected, "vehicle": self.rule.doubtful_vehicle}
        return min([least, *(doubtful[label] for label in net.entry.finds if label in doubtful)])

    def _with_plates(
        self, picture: Picture, looks: Sequence[Detections], threshold: float | None, areas: Boxes | None
    ) -> Detections:
        seen = Detections.join(looks)
        sure = [
            look[look.scores >= (net.threshold if threshold is None else threshold)]
            for net, look in zip(self.nets, looks, strict=True)
        ]
        texts = self._texts(picture, areas) if self.everywhere else self._texts_on(picture, seen)
        height, width = picture.shape[:2]
        plates = [plates_among(look, seen, (width, height), self.rule) for look in texts]
        known = Detections.join(sure)
        is_plate = known.labels == PLATE
        # With 0 for the least score all count: plates of several looks are made one, and none is dropped.
        return Detections.join([known[~is_plate], agreed([known[is_plate], *plates], 0.0)])

    def _texts(self, picture: Picture, areas: Boxes | None) -> list[Detections]:
        """Texts in the whole picture, or in some areas of it, one look after the other."""
        longest = max(picture.shape[:2])
        sizes = [px for px in TEXT_PX if px == TEXT_PX[0] or px <= LARGEST_TO_FULL * longest]
        if areas is None:
            return [self.text.find(picture, scale=px / longest) for px in sizes]
        return [self.text.find_in_areas(picture, areas, scale=px / longest) for px in sizes]

    def _texts_on(self, picture: Picture, seen: Detections) -> list[Detections]:
        """Texts on vehicles and around doubtful plates, those of about one size at once."""
        doubtful = seen.boxes[(seen.labels == PLATE) & (seen.scores >= self.rule.suspected)]
        vehicles = seen.boxes[(seen.labels == VEHICLE) & (seen.scores >= self.rule.doubtful_vehicle)]
        height, width = picture.shape[:2]
        areas = clip(np.concatenate([vehicles, grow(doubtful, AROUND_PLATE)]), width, height)
        longest = np.maximum((areas[:, 2:] - areas[:, :2]).max(axis=1, initial=0), 1)
        steps = np.floor(np.log2(np.minimum(AREA_PX / longest, MOST_ENLARGED)))
        return [
            self.text.find_in_areas(picture, areas[steps == step], scale=float(2.0**step)) for step in np.unique(steps)
        ]

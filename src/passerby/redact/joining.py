"""Regions of several pictures, put together into those of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from passerby.regions import Regions, iou, no_boxes

_SAME = 0.3
"""Intersection over union from which a region is that of the same thing as one in the picture before."""


def hulls(pictures: Sequence[Regions]) -> Regions:
    """Regions that cover all that those of any of the pictures cover: one around each thing, where that is clear.

    Args:
        pictures: in order of time.
    """
    around = last = no_boxes()
    labels = np.zeros(0, np.uint8)
    for regions in pictures:
        shared = np.where(regions.labels[:, None] == labels[None], iou(regions.boxes, last), 0)
        known = shared.max(axis=1, initial=0) >= _SAME
        of = shared[known].argmax(axis=1) if known.any() else np.zeros(0, np.intp)
        last[of] = regions.boxes[known]
        np.minimum.at(around[:, :2], of, regions.boxes[known, :2])
        np.maximum.at(around[:, 2:], of, regions.boxes[known, 2:])
        around = np.concatenate([around, regions.boxes[~known]])
        last = np.concatenate([last, regions.boxes[~known]])
        labels = np.concatenate([labels, regions.labels[~known]])
    return Regions(around, labels)

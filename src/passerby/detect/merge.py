"""Several boxes around one face made into one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from passerby.regions import Detections, iou

SAME_FACE_IOU = 0.3
"""Boxes of one look that overlap by more than this are one face; the value of the authors of CenterFace."""


def strongest(detections: Detections, overlap: float = SAME_FACE_IOU) -> Detections:
    """Non-maximum suppression per label: of boxes whose IoU is over `overlap` the one with the highest score stays.

    They come out in falling order of score.
    """
    boxes = detections.boxes
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxesBatched(
        corner_and_size.tolist(), detections.scores.tolist(), detections.labels.tolist(), 0.0, overlap
    )
    order = np.sort(np.asarray(kept, np.intp).reshape(-1))
    return detections[order[np.argsort(-detections.scores[order], kind="stable")]]


SUPPORT_IOU = 0.4
"""Boxes of two looks that overlap by more than this speak for each other."""

UNION_IOU = 0.5
"""Boxes of several looks that overlap by more than this are made one that holds them all."""


def agreed(looks: Sequence[Detections], alone: float) -> Detections:
    """What several looks at one picture say together, in falling order of score.

    A box counts when it, or one of another box that speaks for it, scores `alone` or more, or when boxes of two looks
    speak for each other. Boxes that count are never dropped: those around one face are replaced by one that holds them.
    """
    every = Detections.join(looks)
    origin = np.repeat(np.arange(len(looks)), [len(look) for look in looks])
    order = np.argsort(-every.scores, kind="stable")
    every, origin = every[order], origin[order]
    counts = np.zeros(len(every), bool)
    for i in range(len(every)):
        friends = _overlapping(every, i, SUPPORT_IOU)
        counts[i] = every.scores[friends].max() >= alone or len(np.unique(origin[friends])) > 1
    return _united(every[counts])


def supported(looks: Sequence[Detections], least: float) -> Detections:
    """What several looks at one picture say on average, in falling order of score.

    A box counts when the mean, over all looks, of the best score at its place is `least` or more: it, or what overlaps
    it there by more than `SUPPORT_IOU`; nothing there is 0. Those around one thing are replaced by one that holds them.
    The scores are the means.
    """
    every = Detections.join(looks)
    best = [_best_at(every, look) for look in looks]
    means = np.sum([np.zeros(len(every), np.float32), *best], axis=0) / max(len(looks), 1)
    counts = means >= least
    order = np.argsort(-means[counts], kind="stable")
    return _united(Detections(every.boxes, means.astype(np.float32), every.labels)[counts][order])


def _best_at(every: Detections, look: Detections) -> npt.NDArray[np.float32]:
    """For each box the best score that a look has at its place, for its label: shape (N,)."""
    speaks = iou(every.boxes, look.boxes) > SUPPORT_IOU
    speaks &= every.labels[:, None] == look.labels[None]
    return np.asarray(np.where(speaks, look.scores[None], 0).max(axis=1, initial=0), np.float32)


def _united(detections: Detections) -> Detections:
    """Each box, best first, made to hold those of its label that overlap it by more than `UNION_IOU`."""
    left = np.ones(len(detections), bool)
    leaders, boxes = [], []
    for i in range(len(detections)):
        if not left[i]:
            continue
        group = left & _overlapping(detections, i, UNION_IOU)
        left &= ~group
        members = detections.boxes[group]
        leaders.append(i)
        boxes.append(np.concatenate([members[:, :2].min(axis=0), members[:, 2:].max(axis=0)]))
    best = detections[np.array(leaders, np.intp)]
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), best.scores, best.labels)


def _overlapping(detections: Detections, i: int, overlap: float) -> npt.NDArray[np.bool_]:
    """Which boxes are of box `i`'s label and overlap it by more than `overlap`; itself among them."""
    same: npt.NDArray[np.bool_] = iou(detections.boxes[i : i + 1], detections.boxes)[0] > overlap
    same &= detections.labels == detections.labels[i]
    same[i] = True
    return same

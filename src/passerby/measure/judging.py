"""A labelled picture and its copy, judged: which boxes are exposed, how they look, and what else was painted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from passerby.measure.exposure import EXPOSED, BoxPx, Luma, changed_shares, inside, kept_share, whole_pixels
from passerby.measure.material import LabelledBox
from passerby.measure.ways import Pair

LEAST_PX = {"face": 16.0}
"""Less high boxes are not counted: nobody is known by so few pixels."""
LEAST_PX_OTHERWISE = 12.0


@dataclass(frozen=True, slots=True)
class JudgedBox:
    """One box that counts.

    Attributes:
        frame: of a clip, from 0; 0 of a photo.
        box: as it was labelled.
        label: of `regions.LABELS`.
        height_px: of the box, in whole pixels.
        brightness: mean luma of the original in it, 0 to 255.
        contrast: standard deviation of that luma.
        kept: share of its textured blocks that the copy still shows, 0 to 1.
        face_seen: of a head, whether a face is labelled in it; None where faces are not labelled.
    """

    frame: int
    box: BoxPx
    label: str
    height_px: int
    brightness: float
    contrast: float
    kept: float
    face_seen: bool | None = None

    @property
    def exposed(self) -> bool:
        """Whether it can still be seen."""
        return self.kept > EXPOSED


@dataclass(frozen=True, slots=True)
class JudgedPicture:
    """One labelled picture.

    Attributes:
        boxes: those that count.
        painted: share of the picture that was changed, 0 to 1.
        elsewhere: share of what lies far from every labelled box that was changed; None if all of it is near one.
        empty: nothing is labelled in it: whatever was painted was painted for nothing.
    """

    boxes: tuple[JudgedBox, ...]
    painted: float
    elsewhere: float | None
    empty: bool


def judge(pair: Pair, boxes: Sequence[LabelledBox], counted: frozenset[str], *, faces_labelled: bool) -> JudgedPicture:
    """Compare a picture with its copy, box by box.

    Args:
        pair: the picture before and after.
        boxes: everything labelled in it.
        counted: labels that count; the others only excuse paint.
        faces_labelled: faces of the set are labelled besides its heads, so that a head without one is turned away.
    """
    faces = [box.box for box in boxes if box.label == "face"] if faces_labelled else None
    judged = tuple(
        _judged(pair, box, faces) for box in boxes if box.label in counted and _height(box) >= _least_px(box.label)
    )
    painted, elsewhere = changed_shares(pair.original, pair.copy, (box.box for box in boxes))
    return JudgedPicture(judged, painted, elsewhere, empty=not boxes)


def _least_px(label: str) -> float:
    return LEAST_PX.get(label, LEAST_PX_OTHERWISE)


def _height(box: LabelledBox) -> int:
    _, y1, _, y2 = whole_pixels(box.box)
    return y2 - y1


def _judged(pair: Pair, box: LabelledBox, faces: Iterable[BoxPx] | None) -> JudgedBox:
    before: Luma = inside(pair.original, box.box)
    seen = any(_centre_in(face, box.box) for face in faces) if faces is not None and box.label == "head" else None
    return JudgedBox(
        frame=pair.frame,
        box=box.box,
        label=box.label,
        height_px=_height(box),
        brightness=float(before.mean()) if before.size else 0.0,
        contrast=float(before.std()) if before.size else 0.0,
        kept=kept_share(before, inside(pair.copy, box.box)),
        face_seen=seen,
    )


def _centre_in(face: BoxPx, head: BoxPx) -> bool:
    x, y = (face[0] + face[2]) / 2, (face[1] + face[3]) / 2
    return head[0] <= x < head[2] and head[1] <= y < head[3]

"""What one way of looking left exposed in one set, in numbers that fit on a page, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from pydantic import BaseModel, ConfigDict, computed_field

from passerby.measure.judging import JudgedBox, JudgedPicture
from passerby.measure.ways import Cost

MOST_MISSES = 48
_Z = 1.959964  # 95 % of the normal distribution lie within so many deviations


def wilson_interval(hits: int, trials: int) -> tuple[float, float] | None:
    """The 95 % interval for a share, from 0 to 1; None where nothing was tried.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927. It holds for trials
    that do not depend on each other: boxes of one picture, and frames of one clip, do, so that it is too narrow there.
    """
    if not trials:
        return None
    share, z2 = hits / trials, _Z**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    reach = _Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, middle - reach) if hits else 0.0, min(1.0, middle + reach) if hits < trials else 1.0


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Tally(_Frozen):
    """Boxes that count, and how many of them are exposed."""

    boxes: int
    exposed: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def share(self) -> float | None:
        """Exposed share, from 0 to 1; None without boxes."""
        return self.exposed / self.boxes if self.boxes else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the share."""
        return wilson_interval(self.exposed, self.boxes)

    @staticmethod
    def of(boxes: Iterable[JudgedBox]) -> Tally:
        """Count them."""
        exposed = [box.exposed for box in boxes]
        return Tally(boxes=len(exposed), exposed=sum(exposed))

    @staticmethod
    def total(tallies: Iterable[Tally]) -> Tally:
        """All of them in one."""
        listed = list(tallies)
        return Tally(boxes=sum(t.boxes for t in listed), exposed=sum(t.exposed for t in listed))


class Part(_Frozen):
    """The boxes of one label that are alike in one aspect.

    Attributes:
        label: of `regions.LABELS`.
        aspect: a key of `ASPECTS`.
        group: which boxes, one of the aspect's groups.
        tally: how many, and how many of them exposed.
    """

    label: str
    aspect: str
    group: str
    tally: Tally


class Miss(_Frozen):
    """One exposed box: its file and frame, where it is, what it is, and the share of its texture that is kept."""

    file: str
    frame: int
    box: tuple[float, float, float, float]
    label: str
    kept: float


class Painted(_Frozen):
    """Shares of the pictures that were changed, means over pictures, from 0 to 1.

    Attributes:
        overall: of whole pictures.
        elsewhere: of what lies far from every labelled box; None if nothing does.
        where_nobody_is: of pictures in which nothing is labelled; None if there are none.
    """

    overall: float
    elsewhere: float | None
    where_nobody_is: float | None


class Summary(_Frozen):
    """What one way of looking came to on one set.

    Attributes:
        set: name of the set.
        way: name of the way of looking.
        pictures: labelled pictures that were judged.
        labels: how many boxes of each label count, and how many are exposed.
        parts: the same by size, light, contrast and side; groups without boxes are left out.
        painted: false cover; None where every file was refused.
        cpu_s_per_picture: seconds of processor time for one picture; None where every file was refused.
        cpu_s_per_megapixel: the same for a million pixels.
        refused: files that came to no copy, and why. Nothing of them was published, and nothing of them is counted.
        misses: exposed boxes, those that show most first, at most `MOST_MISSES`.
    """

    set: str
    way: str
    pictures: int
    labels: dict[str, Tally]
    parts: tuple[Part, ...]
    painted: Painted | None
    cpu_s_per_picture: float | None
    cpu_s_per_megapixel: float | None
    refused: tuple[str, ...]
    misses: tuple[Miss, ...]

    @property
    def all(self) -> Tally:
        """Boxes of every label."""
        return Tally.total(self.labels.values())


def _size_of(box: JudgedBox) -> str:
    return next(name for least, name in reversed(_SIZES) if box.height_px >= least)


_SIZES = ((0, "under 16"), (16, "16 to 23"), (24, "24 to 31"), (32, "32 to 63"), (64, "64 and more"))
_DARK, _BRIGHT = 60, 180
_FLAT, _HARD = 25, 50


def _light_of(box: JudgedBox) -> str:
    return "dark" if box.brightness < _DARK else "bright" if box.brightness > _BRIGHT else "medium"


def _contrast_of(box: JudgedBox) -> str:
    return "low" if box.contrast < _FLAT else "high" if box.contrast > _HARD else "medium"


def _side_of(box: JudgedBox) -> str | None:
    return None if box.face_seen is None else "face seen" if box.face_seen else "turned away"


@dataclass(frozen=True, slots=True)
class Aspect:
    """One way of sorting boxes.

    Attributes:
        title: for a table or a plot.
        groups: in order.
        group_of: which of them a box belongs to; None: to none.
    """

    title: str
    groups: tuple[str, ...]
    group_of: Callable[[JudgedBox], str | None]


ASPECTS: dict[str, Aspect] = {
    "size": Aspect("height of the box, px", tuple(name for _, name in _SIZES), _size_of),
    "light": Aspect(
        f"light (mean luma; dark is under {_DARK}, bright over {_BRIGHT})", ("dark", "medium", "bright"), _light_of
    ),
    "contrast": Aspect(
        f"contrast (deviation of luma; low is under {_FLAT}, high over {_HARD})",
        ("low", "medium", "high"),
        _contrast_of,
    ),
    "side": Aspect("side seen", ("face seen", "turned away"), _side_of),
}


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one file: its judged pictures, what they took, or why there is no copy."""

    name: str
    pictures: tuple[JudgedPicture, ...]
    cost: Cost
    refused: str | None = None


def summarise(set_name: str, way: str, counted: Iterable[str], results: Sequence[FileResult]) -> Summary:
    """All files of a set in numbers."""
    pictures = [picture for result in results for picture in result.pictures]
    boxes = [box for picture in pictures for box in picture.boxes]
    labels = {label: Tally.of(box for box in boxes if box.label == label) for label in sorted(counted)}
    cost = Cost()
    for result in results:
        cost.add(result.cost.cpu_s, result.cost.pictures, result.cost.pixels)
    return Summary(
        set=set_name,
        way=way,
        pictures=len(pictures),
        labels=labels,
        parts=tuple(chain.from_iterable(_parts(label, boxes) for label in labels)),
        painted=_painted(pictures),
        cpu_s_per_picture=cost.cpu_s / cost.pictures if cost.pictures else None,
        cpu_s_per_megapixel=cost.cpu_s / cost.pixels * 1e6 if cost.pixels else None,
        refused=tuple(result.refused for result in results if result.refused is not None),
        misses=_misses(results),
    )


def _parts(label: str, boxes: Iterable[JudgedBox]) -> Iterable[Part]:
    ours = [box for box in boxes if box.label == label]
    for key, aspect in ASPECTS.items():
        for group in aspect.groups:
            tally = Tally.of(box for box in ours if aspect.group_of(box) == group)
            if tally.boxes:
                yield Part(label=label, aspect=key, group=group, tally=tally)


def _painted(pictures: Sequence[JudgedPicture]) -> Painted | None:
    overall = _mean(picture.painted for picture in pictures)
    if overall is None:
        return None
    return Painted(
        overall=overall,
        elsewhere=_mean(picture.elsewhere for picture in pictures if picture.elsewhere is not None),
        where_nobody_is=_mean(picture.painted for picture in pictures if picture.empty),
    )


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None


def _misses(results: Iterable[FileResult]) -> tuple[Miss, ...]:
    found = [
        Miss(file=result.name, frame=box.frame, box=box.box, label=box.label, kept=round(box.kept, 3))
        for result in results
        for picture in result.pictures
        for box in picture.boxes
        if box.exposed
    ]
    most = partial(sorted, key=lambda miss: (-miss.kept, miss.box[1] - miss.box[3]))
    return tuple(most(found)[:MOST_MISSES])

"""Text on vehicles, on doubtful plates and of a plate's looks counts as a plate; signs, pages and nothing do not."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble, Member
from passerby.detect.plate_finder import PlateFinder
from passerby.detect.plates import PLATE, VEHICLE, PlateRule, plates_among
from passerby.regions import LABELS, MARGINS, NOTHING, Boxes, Detections, grow

Picture = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

SIZE = (1280, 720)
CAR = (200.0, 200.0, 800.0, 600.0)
ON_CAR = (430.0, 500.0, 570.0, 535.0)
SIGN = (900.0, 60.0, 1180.0, 100.0)
NO_LOOKS = PlateRule(alone=1.1)
"""Only what lies on vehicles and doubtful plates counts."""


def some(label: str, *boxes: tuple[float, float, float, float], score: float = 0.9) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(len(boxes), score, np.float32),
        np.full(len(boxes), LABELS.index(label), np.uint8),
    )


def kept(texts: Detections, *seen: Detections, rule: PlateRule = NO_LOOKS) -> Boxes:
    found = plates_among(texts, Detections.join(seen), SIZE, rule)
    assert (found.labels == PLATE).all()
    return found.boxes


def test_text_on_a_vehicle_counts_and_a_sign_beside_it_does_not() -> None:
    assert kept(some("text", ON_CAR, SIGN), some("vehicle", CAR)).tolist() == [list(ON_CAR)]


def test_text_on_a_vehicle_counts_whatever_it_looks_like() -> None:
    lines = [(250.0, 300.0 + 20 * i, 750.0, 314.0 + 20 * i) for i in range(12)]
    assert len(kept(some("text", *lines, score=0.2), some("vehicle", CAR, score=0.45))) == 12


def test_on_a_doubtful_vehicle_text_counts_only_where_it_is_shaped_like_a_plate() -> None:
    banner = (210.0, 300.0, 790.0, 340.0)
    doubtful = some("vehicle", CAR, score=0.35)
    assert kept(some("text", ON_CAR, banner), doubtful).tolist() == [list(ON_CAR)]
    assert len(kept(some("text", ON_CAR, banner), some("vehicle", CAR, score=0.1))) == 0


def test_text_as_tall_as_the_vehicle_stands_before_it() -> None:
    pillar = (480.0, 210.0, 560.0, 590.0)
    poster = (300.0, 220.0, 700.0, 580.0)
    assert len(kept(some("text", pillar, poster), some("vehicle", CAR))) == 0


def test_a_doubtful_plate_makes_the_text_on_it_a_plate_that_holds_both() -> None:
    suspected = (1000.0, 55.0, 1200.0, 110.0)
    found = kept(some("text", SIGN, ON_CAR), some("plate", suspected, score=0.12))
    assert found.tolist() == [[900, 55, 1200, 110]]
    assert len(kept(some("text", SIGN), some("plate", suspected, score=0.08))) == 0


def test_a_suspicion_about_half_the_picture_is_no_plate_of_that_text() -> None:
    assert len(kept(some("text", SIGN), some("plate", (600, 0, 1280, 700), score=0.9))) == 0


def test_a_lonely_text_of_a_plates_shape_counts_without_any_vehicle() -> None:
    assert kept(some("text", ON_CAR), rule=PlateRule()).tolist() == [list(ON_CAR)]
    two_lines = [(430.0, 480.0, 560.0, 520.0), (430.0, 524.0, 560.0, 564.0)]
    assert len(kept(some("text", *two_lines), rule=PlateRule())) == 2
    assert len(kept(some("text", ON_CAR, score=0.3), rule=PlateRule())) == 0


@pytest.mark.parametrize("box", [(430, 100, 470, 400), (100, 500, 900, 540), (100, 50, 1100, 620)])
def test_a_column_a_banner_and_a_poster_do_not_look_like_plates(box: tuple[float, float, float, float]) -> None:
    assert len(kept(some("text", box), rule=PlateRule())) == 0


def test_a_paragraph_does_not_look_like_plates() -> None:
    lines = [(400.0, 100.0 + 40 * i, 560.0, 130.0 + 40 * i) for i in range(6)]
    assert len(kept(some("text", *lines)[np.arange(1, 5)], rule=PlateRule())) < 4
    assert len(kept(some("text", *lines), rule=PlateRule(alone_neighbours=0))) == 0


def test_nothing_among_nothing() -> None:
    assert len(kept(NOTHING, some("vehicle", CAR), some("plate", ON_CAR), rule=PlateRule())) == 0
    assert len(kept(some("text", SIGN))) == 0


boxes = st.tuples(st.floats(0, 1200), st.floats(0, 650), st.floats(1, 400), st.floats(1, 200)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@settings(deadline=None)
@given(st.lists(boxes, max_size=8), st.lists(boxes, max_size=3), st.lists(boxes, max_size=3))
def test_more_vehicles_and_suspicions_never_uncover_a_text(
    texts: list[tuple[float, ...]], vehicles: list[tuple[float, ...]], plates: list[tuple[float, ...]]
) -> None:
    some_texts = some("text", *texts)  # type: ignore[arg-type]
    seen = [some("vehicle", *vehicles), some("plate", *plates, score=0.12)]  # type: ignore[arg-type]
    before = plates_among(some_texts, NOTHING, SIZE, PlateRule())
    after = plates_among(some_texts, Detections.join(seen), SIZE, PlateRule())
    assert len(after) >= len(before)
    for box in before.boxes:
        inside = (after.boxes[:, :2] <= box[:2]).all(axis=1) & (after.boxes[:, 2:] >= box[2:]).all(axis=1)
        assert inside.any()


@pytest.fixture(scope="module")
def text() -> NetDetector:
    return NetDetector("text-int8", provider="cpu")


def with_plate(picture: Picture, height: int, degrees: float, lines: tuple[str, ...]) -> tuple[Picture, Flags]:
    """A copy with a made plate of that height in its middle, turned; and where its letters are."""
    picture = np.ascontiguousarray(picture)
    line = 40
    plate = np.full((line * len(lines) + 12, 30 + 26 * max(map(len, lines)), 3), 245, np.uint8)
    cv2.rectangle(plate, (2, 2), (plate.shape[1] - 3, plate.shape[0] - 3), (20, 20, 20), 2)
    for number, words in enumerate(lines):
        at = (14, line * (number + 1) - 2)
        cv2.putText(plate, words, at, cv2.FONT_HERSHEY_DUPLEX, 1.2, (15, 15, 15), 2, cv2.LINE_AA)
    whole = np.full(plate.shape[:2], 255, np.uint8)
    inner = np.pad(whole[6:-6, 6:-6], 6)
    turn = cv2.getRotationMatrix2D((plate.shape[1] / 2, plate.shape[0] / 2), degrees, height / plate.shape[0])
    turn[:, 2] += [(picture.shape[1] - plate.shape[1]) / 2, (picture.shape[0] - plate.shape[0]) / 2]
    size = (picture.shape[1], picture.shape[0])
    placed = cv2.warpAffine(plate, turn, size, flags=cv2.INTER_AREA)
    there, inside = (cv2.warpAffine(shape, turn, size) > 127 for shape in (whole, inner))
    return np.where(there[:, :, None], placed, picture).astype(np.uint8), there & (placed[:, :, 0] < 128) & inside


@pytest.mark.parametrize("lines", [("B-MW 4821",), ("MH 12", "DE 1433")], ids=["one line", "two lines"])
@pytest.mark.parametrize("degrees", [-25, 0, 12])
@pytest.mark.parametrize("height", [28, 60])
def test_a_planted_plate_is_found_at_angles_and_sizes(
    text: NetDetector, lines: tuple[str, ...], degrees: float, height: int
) -> None:
    picture, letters = with_plate(skimage.data.coffee(), height * len(lines), degrees, lines)
    found = PlateFinder(text, ()).find(picture)
    covered = np.zeros(letters.shape, bool)
    for x1, y1, x2, y2 in grow(found.boxes[found.labels == PLATE], MARGINS["plate"]).clip(0).astype(int):
        covered[y1:y2, x1:x2] = True
    assert covered[letters].mean() > 0.95
    assert covered.mean() < 0.3


def test_where_no_net_sees_a_vehicle_text_is_not_looked_for_when_that_is_wanted(text: NetDetector) -> None:
    picture, _ = with_plate(skimage.data.coffee(), 40, 0, ("B-MW 4821",))
    finder = PlateFinder(text, (NetDetector("nanodet-int8", provider="cpu"),), everywhere=False)
    blank = np.full_like(picture, 120)
    assert len(finder.find(blank)) == 0
    assert PLATE in PlateFinder(text, ()).find_in_areas(picture, np.array([[200, 150, 400, 250]], np.float32)).labels


def test_doubtful_vehicles_are_not_handed_on(text: NetDetector) -> None:
    net = NetDetector("nanodet-int8", provider="cpu")
    found = PlateFinder(text, (net,)).find(np.asarray(skimage.data.coffee(), np.uint8))
    assert (found.scores[found.labels == VEHICLE] >= net.threshold).all()


def test_as_a_member_of_an_ensemble_it_gives_the_labels_that_are_wanted_and_names_its_models(
    text: NetDetector,
) -> None:
    picture, _ = with_plate(skimage.data.coffee(), 40, 0, ("B-MW 4821",))
    finder = PlateFinder(text, (NetDetector("nanodet-int8", provider="cpu"),))
    ensemble = Ensemble([Member(finder)], {"plate": "plate"})
    assert set(ensemble.find(picture).labels.tolist()) == {PLATE}
    assert [name for name, _, _ in ensemble.models] == ["nanodet-int8", "text-int8"]


def test_a_blank_picture_has_no_plates(text: NetDetector) -> None:
    assert len(PlateFinder(text, ()).find(np.full((300, 400, 3), 128, np.uint8))) == 0

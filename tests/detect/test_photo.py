"""A photo is looked at in several ways, and what they say together counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.detector import NetDetector
from passerby.detect.merge import agreed, strongest, supported
from passerby.detect.photo import ALONE, HEAD, VIEWS, PhotoNets, find_in_photo
from passerby.media import Orientation
from passerby.regions import Detections, iou, to_stored

Picture = npt.NDArray[np.uint8]


def detections(*rows: tuple[float, float, float, float, float]) -> Detections:
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4], np.zeros(len(table), np.uint8))


def test_a_face_in_a_photo_is_found_and_its_box_holds_that_of_every_view(astronaut: Picture) -> None:
    detector = NetDetector("centerface-int8", provider="cpu")
    found = find_in_photo(PhotoNets(detector), astronaut)
    single = detector.find(astronaut, threshold=0.5).boxes
    assert len(single) == 1
    best = found.boxes[0]
    assert (best[:2] <= single[0, :2] + 0.01).all()
    assert (best[2:] >= single[0, 2:] - 0.01).all()
    assert float(iou(found.boxes[:1], single)[0, 0]) > 0.7


def test_a_photo_is_looked_at_mirrored_and_at_one_and_a_half_times_its_size() -> None:
    assert any(view.orientation is Orientation.MIRRORED for view in VIEWS)
    assert any(view.scale == 1.5 for view in VIEWS)


@pytest.mark.parametrize("orientation", list(Orientation))
def test_a_face_is_found_in_a_photo_that_lies_on_any_side(orientation: Orientation, astronaut: Picture) -> None:
    detector = NetDetector("centerface-int8", provider="cpu")
    (best, *_) = find_in_photo(PhotoNets(detector), orientation.turn(astronaut)).boxes
    upright = to_stored(best[None], orientation, 512, 512)
    assert float(iou(upright, np.array([[177, 68, 272, 187]], np.float32))[0, 0]) > 0.4


def test_a_tiny_photo_can_be_looked_at() -> None:
    detector = NetDetector("centerface-int8", provider="cpu")
    assert len(find_in_photo(PhotoNets(detector), np.zeros((1, 1, 3), np.uint8))) == 0


def test_a_weak_box_counts_when_two_views_agree_and_not_otherwise() -> None:
    weak, alike, elsewhere = (10, 10, 50, 50, 0.12), (11, 11, 51, 51, 0.11), (200, 10, 240, 50, 0.12)
    assert len(agreed([detections(weak), detections(alike)], ALONE)) == 1
    assert len(agreed([detections(weak), detections(elsewhere)], ALONE)) == 0
    assert len(agreed([detections(weak, alike), detections()], ALONE)) == 0


def test_a_strong_box_needs_no_second_view() -> None:
    assert len(agreed([detections((10, 10, 50, 50, ALONE)), detections()], ALONE)) == 1


def test_a_head_counts_by_the_mean_of_what_every_look_says_of_its_place() -> None:
    at_each = [detections((10, 10, 50, 50, 0.3)), detections((12, 10, 52, 50, 0.2)), detections((9, 9, 49, 49, 0.1))]
    (found,) = supported(at_each, HEAD).boxes
    assert found.tolist() == [9, 9, 52, 50]
    assert supported(at_each, HEAD).scores[0] == pytest.approx(0.2)
    at_one = [detections((10, 10, 50, 50, 0.45)), detections(), detections((200, 10, 240, 50, 0.45))]
    assert len(supported(at_one, HEAD)) == 0
    assert len(supported([], HEAD)) == 0


def test_boxes_around_one_face_become_one_that_holds_them() -> None:
    (box,) = agreed([detections((10, 10, 50, 50, 0.9)), detections((12, 8, 52, 48, 0.8))], ALONE).boxes
    assert box.tolist() == [10, 8, 52, 50]


def test_nothing_from_nowhere() -> None:
    assert len(agreed([], ALONE)) == 0
    assert len(agreed([Detections(), Detections()], ALONE)) == 0
    assert len(strongest(Detections())) == 0


def test_of_overlapping_boxes_the_strongest_stays_and_labels_do_not_mix() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10]], np.float32)
    scores, labels = np.array([0.4, 0.9, 0.3], np.float32), np.array([0, 0, 1], np.uint8)
    kept = strongest(Detections(boxes, scores, labels))
    assert kept.scores.tolist() == np.array([0.9, 0.3], np.float32).tolist()
    assert kept.labels.tolist() == [0, 1]

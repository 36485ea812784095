"""Several nets look as one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.detector import NetDetector
from passerby.detect.ensemble import Ensemble, Member
from passerby.regions import LABELS

WHOLE = np.array([[0, 0, 512, 512]], np.float32)


@pytest.fixture(scope="module")
def nets() -> tuple[NetDetector, NetDetector]:
    return NetDetector("headnet", provider="cpu"), NetDetector("centerface", provider="cpu")


def labels_of(labels: npt.NDArray[np.uint8]) -> set[str]:
    return {LABELS[label] for label in labels}


def test_it_finds_what_its_nets_find(nets: tuple[NetDetector, NetDetector], astronaut: npt.NDArray[np.uint8]) -> None:
    together = Ensemble([Member(net) for net in nets], {"head": "head", "plate": "plate", "face": "face"})
    for found, parts in (
        (together.find(astronaut), [net.find(astronaut) for net in nets]),
        (together.find_in_areas(astronaut, WHOLE), [net.find_in_areas(astronaut, WHOLE) for net in nets]),
    ):
        assert len(found) == sum(len(part) for part in parts)
        assert labels_of(found.labels) >= {"head", "face"}


def test_labels_that_nobody_asked_for_are_left_out_and_others_get_the_name_they_are_called(
    nets: tuple[NetDetector, NetDetector], astronaut: npt.NDArray[np.uint8]
) -> None:
    plates = Ensemble([Member(net) for net in nets], {"plate": "plate"}).find(astronaut)
    assert labels_of(plates.labels) <= {"plate"}
    faces = Ensemble([Member(net) for net in nets], {"face": "head"}).find(astronaut)
    assert labels_of(faces.labels) == {"head"}
    assert np.array_equal(faces.boxes, nets[1].find(astronaut).boxes)


def test_it_says_which_models_looked(nets: tuple[NetDetector, NetDetector]) -> None:
    assert Ensemble([Member(net) for net in nets], {}).models == tuple(
        (net.entry.name, net.entry.sha256, "cpu") for net in nets
    )


def test_a_member_looks_at_its_share_of_the_size(
    nets: tuple[NetDetector, NetDetector], astronaut: npt.NDArray[np.uint8]
) -> None:
    half = Ensemble([Member(nets[1], 0.5)], {"face": "face"})
    assert np.array_equal(half.find(astronaut, scale=0.8).boxes, nets[1].find(astronaut, scale=0.4).boxes)


def test_without_nets_nothing_is_found(astronaut: npt.NDArray[np.uint8]) -> None:
    assert len(Ensemble([], {"motion": "motion"}).find(astronaut)) == 0

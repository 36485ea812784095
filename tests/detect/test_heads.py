"""The maps of nets with centre heatmaps become boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.heads import centre_heatmaps, padded
from passerby.errors import ModelError
from passerby.regions import LABELS


def maps() -> dict[str, npt.NDArray[np.float32]]:
    """A face 32 px wide and 64 px high whose centre is in row 10, column 20."""
    outputs = {name: np.zeros((1, n, 30, 40), np.float32) for name, n in (("heatmap", 1), ("scale", 2), ("offset", 2))}
    outputs["heatmap"][0, 0, 10, 20] = 0.75
    outputs["scale"][0, :, 10, 20] = np.log([16.0, 8.0])
    outputs["offset"][0, :, 10, 20] = [0.25, -0.25]
    return outputs


def test_a_peak_becomes_a_box_with_rows_before_columns() -> None:
    found = centre_heatmaps(maps(), 0.5, ("face",))
    x, y = 4 * (20 - 0.25 + 0.5), 4 * (10 + 0.25 + 0.5)
    assert found.boxes == pytest.approx(np.array([[x - 16, y - 32, x + 16, y + 32]], np.float32), abs=1e-3)
    assert found.scores.tolist() == [0.75]


def test_each_label_has_maps_of_its_own() -> None:
    first, second = maps(), maps()
    second["scale"][0, :, 10, 20] = np.log([2.0, 4.0])
    both = {name: np.concatenate([first[name], second[name]], axis=1) for name in first}
    found = centre_heatmaps(both, 0.5, ("head", "plate"))
    assert [LABELS[label] for label in found.labels] == ["head", "plate"]
    assert found.boxes[0].tolist() == centre_heatmaps(first, 0.5, ("head",)).boxes[0].tolist()
    assert found.boxes[1].tolist() == centre_heatmaps(second, 0.5, ("plate",)).boxes[0].tolist()


def test_a_peak_on_the_threshold_counts_and_one_below_it_does_not() -> None:
    assert len(centre_heatmaps(maps(), 0.75, ("face",))) == 1
    assert len(centre_heatmaps(maps(), 0.76, ("face",))) == 0


def test_an_enormous_face_is_a_box_and_not_an_overflow() -> None:
    outputs = maps()
    outputs["scale"][0, :, 10, 20] = 1000
    assert np.isfinite(centre_heatmaps(outputs, 0.5, ("face",)).boxes).all()


@pytest.mark.parametrize("name", ["heatmap", "scale", "offset"])
def test_a_net_that_gives_no_numbers_has_failed_and_not_found_nothing(name: str) -> None:
    outputs = maps()
    outputs[name][0, :, 10, 20] = np.nan
    with pytest.raises(ModelError, match="no numbers"):
        centre_heatmaps(outputs, 0.5, ("face",))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 64), (33, 31)])
def test_padding_adds_at_the_right_and_below_and_stretches_nothing(height: int, width: int) -> None:
    picture = np.random.default_rng(0).integers(1, 256, (height, width, 3), np.uint8)
    larger = padded(picture, 32)
    assert larger.shape[0] % 32 == larger.shape[1] % 32 == 0
    assert larger.shape[0] - height < 32
    assert np.array_equal(larger[:height, :width], picture)
    assert not larger[height:].any()
    assert not larger[:, width:].any()

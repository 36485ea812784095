"""The maps of CenterFace become boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from passerby.detect.heads import centerface, padded
from passerby.errors import ModelError


def maps() -> dict[str, npt.NDArray[np.float32]]:
    """A face 32 px wide and 64 px high whose centre is in row 10, column 20."""
    outputs = {name: np.zeros((1, n, 30, 40), np.float32) for name, n in (("heatmap", 1), ("scale", 2), ("offset", 2))}
    outputs["heatmap"][0, 0, 10, 20] = 0.75
    outputs["scale"][0, :, 10, 20] = np.log([16.0, 8.0])
    outputs["offset"][0, :, 10, 20] = [0.25, -0.25]
    return outputs


def test_a_peak_becomes_a_box_with_rows_before_columns() -> None:
    found = centerface(maps(), 0.5)
    x, y = 4 * (20 - 0.25 + 0.5), 4 * (10 + 0.25 + 0.5)
    assert found.boxes == pytest.approx(np.array([[x - 16, y - 32, x + 16, y + 32]], np.float32), abs=1e-3)
    assert found.scores.tolist() == [0.75]


def test_a_peak_on_the_threshold_counts_and_one_below_it_does_not() -> None:
    assert len(centerface(maps(), 0.75)) == 1
    assert len(centerface(maps(), 0.76)) == 0


def test_an_enormous_face_is_a_box_and_not_an_overflow() -> None:
    outputs = maps()
    outputs["scale"][0, :, 10, 20] = 1000
    assert np.isfinite(centerface(outputs, 0.5).boxes).all()


@pytest.mark.parametrize("name", ["heatmap", "scale", "offset"])
def test_a_net_that_gives_no_numbers_has_failed_and_not_found_nothing(name: str) -> None:
    outputs = maps()
    outputs[name][0, :, 10, 20] = np.nan
    with pytest.raises(ModelError, match="no numbers"):
        centerface(outputs, 0.5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 64), (33, 31)])
def test_padding_adds_at_the_right_and_below_and_stretches_nothing(height: int, width: int) -> None:
    picture = np.random.default_rng(0).integers(1, 256, (height, width, 3), np.uint8)
    larger = padded(picture, 32)
    assert larger.shape[0] % 32 == larger.shape[1] % 32 == 0
    assert larger.shape[0] - height < 32
    assert np.array_equal(larger[:height, :width], picture)
    assert not larger[height:].any()
    assert not larger[:, width:].any()

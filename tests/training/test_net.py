"""The net starts as CenterFace, and what is exported is what was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed, it comes with the extra train")

from build_headnet import Packed, exported, last_nodes
from passerby.detect.runtime import Session
from passerby.detect.zoo import entry_of, read_model
from train.net import CLASSES, INNER, INNER_OF_CENTERFACE, HeadNet
from train.start import CENTERFACE, centerface, thinned

OUTPUTS = ("heatmap", "scale", "offset")
Arrays = dict[str, npt.NDArray[np.float32]]


def said_by(net: HeadNet, pixels: npt.NDArray[np.uint8]) -> Arrays:
    """For RGB, uint8, shape (B, H, W, 3)."""
    with torch.no_grad():
        return dict(zip(OUTPUTS, (output.numpy() for output in Packed(net)(torch.from_numpy(pixels))), strict=True))


def random_net() -> HeadNet:
    torch.manual_seed(0)
    return HeadNet()


def test_the_net_of_full_width_says_of_every_class_what_centerface_says_of_faces(
    astronaut: npt.NDArray[np.uint8],
) -> None:
    original = Session(read_model(entry_of("centerface")), name="centerface", provider="cpu").run(astronaut[None])
    given = said_by(centerface(), astronaut[None])
    for name in OUTPUTS:
        assert given[name].shape[1] == len(CLASSES) * original[name].shape[1]
        for of_class in np.split(given[name], len(CLASSES), axis=1):
            assert np.abs(of_class - original[name]).max() < 1e-3


def test_a_net_that_loses_no_channel_says_the_same_and_a_thinned_one_sees_the_same_face(
    astronaut: npt.NDArray[np.uint8],
) -> None:
    pictures = torch.from_numpy(astronaut[None]).permute(0, 3, 1, 2).float()
    full = centerface()
    wanted = said_by(full, astronaut[None])
    kept = said_by(thinned(full, pictures, INNER_OF_CENTERFACE), astronaut[None])
    assert np.abs(kept["heatmap"] - wanted["heatmap"]).max() < 1e-3

    thin = thinned(full, pictures)
    assert [block.around.out_channels for block in thin.typed_blocks()] == list(INNER)
    heat = said_by(thin, astronaut[None])["heatmap"][0, 0]
    peak, before = (np.unravel_index(int(map_.argmax()), map_.shape) for map_ in (heat, wanted["heatmap"][0, 0]))
    assert np.abs(np.subtract(peak, before)).max() <= 3


def test_the_file_of_another_net_is_refused(tmp_path: Path) -> None:
    another = onnx.load(CENTERFACE)
    another.graph.node.remove(next(node for node in another.graph.node if node.op_type == "Conv"))
    onnx.save(another, tmp_path / "another.onnx")
    with pytest.raises(ValueError, match="is not CenterFace"):
        centerface(tmp_path / "another.onnx")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_exported_net_says_what_the_trained_one_says_of_pictures_of_any_size() -> None:
    net = random_net()
    model = exported(net)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for shape in ((1, 64, 96, 3), (2, 32, 32, 3), (1, 160, 128, 3)):
        pixels = rng.integers(0, 256, shape, np.uint8)
        wanted = said_by(net, pixels)
        for name, output in zip(OUTPUTS, session.run(list(OUTPUTS), {"pixels": pixels}), strict=True):
            assert output.shape == wanted[name].shape
            assert np.abs(output - wanted[name]).max() < 1e-4
    kinds = {node.name: node.op_type for node in model.graph.node}
    assert sum(kinds[name] == "Conv" for name in last_nodes(model)) == len(OUTPUTS) * len(CLASSES)

#!/usr/bin/env python3
"""Make the two models of passerby that find heads and plates from weights that `train` made.

    build_headnet.py WEIGHTS TRAIN [--into src/passerby/models]

WEIGHTS is `net.pt`, or `last.pt` of a run that goes on; TRAIN the folder of training pictures, for the ranges of the
INT8 version. Prints the hashes for `detect/zoo.py`. Needs the extras `train` and `models`.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from quantise import calibration_pictures, quantised  # noqa: E402
from train.net import HeadNet  # noqa: E402

OPSET = 17


class Packed(nn.Module):
    """The net with pixels in, as a picture holds them, and scores out."""

    def __init__(self, net: HeadNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes as `HeadNet` gives them."""
        heat, scale, offset = self.net(pixels.float().permute(0, 3, 1, 2))
        return torch.sigmoid(heat), scale, offset


def exported(net: HeadNet) -> onnx.ModelProto:
    """The net as ONNX: `pixels` (uint8, batch x height x width x 3) in, `heatmap`, `scale` and `offset` out."""
    names = ["heatmap", "scale", "offset"]
    free = {name: {0: "batch", 2: "rows", 3: "columns"} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.onnx"
        torch.onnx.export(
            Packed(net).eval(),
            (torch.zeros(1, 64, 96, 3, dtype=torch.uint8),),
            file,
            input_names=["pixels"],
            output_names=names,
            dynamic_axes={"pixels": {0: "batch", 1: "height", 2: "width"}, **free},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(file)
    model.producer_name, model.producer_version = "passerby", ""
    onnx.checker.check_model(model, full_check=True)
    return model


def last_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that make the outputs from the features of each class."""
    last = ("/heatmap/", "/scale/", "/offset/")
    ends = ("Concat", "Sigmoid")
    return [node.name for node in model.graph.node if any(part in node.name for part in last) or node.op_type in ends]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--into", type=Path, default=REPOSITORY / "src/passerby/models")
    args = parser.parse_args()
    state = torch.load(args.weights, weights_only=True)
    net = HeadNet()
    net.load_state_dict(state.get("average", state))
    model = exported(net)
    for name, made in (
        ("headnet", model),
        ("headnet-int8", quantised(model, calibration_pictures(args.train), last_nodes(model))),
    ):
        content = made.SerializeToString()
        (args.into / f"{name}.onnx").write_bytes(content)
        print(f"{name}.onnx: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()

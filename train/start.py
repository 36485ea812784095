"""What training starts from: CenterFace, whose weights the zoo holds with batch normalisation folded in, thinned.

Of the inner channels of the first blocks those that carry least on real pictures are left out; training makes up for
it. CenterFace: Xu et al. 2019, MIT licence, see its card.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from train.data import Folder
from train.net import INNER, INNER_OF_CENTERFACE, Block, HeadNet

CENTERFACE = Path(__file__).parents[1] / "src/passerby/models/centerface.onnx"

Layer = nn.Conv2d | nn.ConvTranspose2d

_PICTURES = 16
_SIZE = (480, 352)  # width and height in pixels


def start_net(folders: list[Folder]) -> HeadNet:
    """The net before the first step, thinned by what its channels carry on sixteen of the training pictures."""
    examples = [example for folder in folders for example in folder.examples]
    chosen = examples[:: max(1, len(examples) // _PICTURES)][:_PICTURES]
    pictures = np.stack([cv2.resize(example.picture(), _SIZE) for example in chosen])
    return thinned(centerface(), torch.from_numpy(pictures).permute(0, 3, 1, 2).float())


def finished(file: Path) -> HeadNet:
    """The net of a run that ended, to train it further.

    Args:
        file: `net.pt` of that run.
    """
    net = HeadNet()
    net.load_state_dict(torch.load(file, weights_only=True))
    return net


def centerface(file: Path = CENTERFACE) -> HeadNet:
    """CenterFace as a `HeadNet` of its full width, which says of each class what it says of faces.

    Raises:
        ValueError: the file holds another net.
    """
    net = HeadNet(INNER_OF_CENTERFACE)
    layers, weights = list(_layers_in_order(net)), list(_weights_in_order(file))
    if [layer.weight.shape for layer in layers] != [weight.shape for weight, _ in weights]:
        raise ValueError(f"{file} is not CenterFace, its layers have other shapes")
    for layer, (weight, bias) in zip(layers, weights, strict=True):
        _fill(layer, weight, bias)
    first, *others = net.typed_outputs()
    for output in others:
        output.load_state_dict(first.state_dict())
    return net


def _weights_in_order(file: Path) -> Iterator[tuple[Tensor, Tensor]]:
    graph = onnx.load(str(file)).graph
    values = {value.name: torch.tensor(numpy_helper.to_array(value)) for value in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            yield values[node.input[1]], values[node.input[2]]


def _layers_in_order(net: HeadNet) -> Iterator[Layer]:
    """The layers as CenterFace's file has them."""
    yield net.stem
    for block in net.typed_blocks():
        yield from (layer for layer in (block.widen, block.around, block.narrow) if layer is not None)
    *finer, coarsest = [cast(nn.Conv2d, lateral) for lateral in net.lateral]
    yield coarsest
    for up, lateral in zip(net.up, reversed(finer), strict=True):
        yield cast(nn.ConvTranspose2d, up)
        yield lateral
    first = net.typed_outputs()[0]
    yield from (first.mix, first.heatmap, first.scale, first.offset)


def _fill(layer: Layer, weight: Tensor, bias: Tensor) -> None:
    layer.load_state_dict({"weight": weight, "bias": bias})


@torch.no_grad()
def thinned(full: HeadNet, pictures: Tensor, inner: tuple[int, ...] = INNER) -> HeadNet:
    """`full` with fewer inner channels.

    Args:
        full: at least as wide as `inner` in every block.
        pictures: RGB, float32, 0 to 255, shape (B, 3, H, W), on which channels show what they carry.
        inner: inner channels of the blocks.
    """
    net = HeadNet(inner)
    x = torch.relu(full.stem(pictures))
    for old, new in zip(full.typed_blocks(), net.typed_blocks(), strict=True):
        _thin(old, new, old.inner(x))
        x = old(x)
    for part in ("stem", "lateral", "up", "outputs"):
        getattr(net, part).load_state_dict(getattr(full, part).state_dict())
    return net


def _thin(old: Block, new: Block, inner: Tensor) -> None:
    """Fill `new` with the channels of `old` that carry most; `inner` is what it narrows, (B, channels, h, w)."""
    narrow, bias = old.narrow.weight, old.narrow.bias
    assert bias is not None
    carried = inner.square().mean((0, 2, 3)) * narrow.square().sum((0, 2, 3))
    kept = carried.argsort(descending=True)[: new.around.out_channels].sort().values
    missing = torch.ones_like(carried, dtype=torch.bool)
    missing[kept] = False
    # What the others carried on average goes on.
    average = (narrow[:, missing, 0, 0] * inner.mean((0, 2, 3))[missing]).sum(1)
    _fill(new.narrow, narrow[:, kept], bias + average)
    for layer, thin in ((old.widen, new.widen), (old.around, new.around)):
        if layer is not None and thin is not None:
            assert layer.bias is not None
            _fill(thin, layer.weight[kept], layer.bias[kept])

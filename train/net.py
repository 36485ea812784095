"""The net: MobileNetV2 that narrows where pictures are large, a pyramid up to stride 4, one small head per class.

It starts from CenterFace (Xu et al. 2019, MIT), whose weights the zoo holds with batch normalisation folded in. The
inner channels of the first blocks, where most of the time goes, are thinned: those that carry least on real pictures
are left out, and training makes up for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

CLASSES = ("head", "plate")
"""What the net finds, in the order of its outputs."""

STRIDE = 4
"""Pixels of the input per cell of the outputs."""

CHANNELS = 24
INNER = (32, 48, 72, 72, 192, 192, 192, 384, 384, 384, 384, 576, 576, 576, 960, 960, 960)
"""Inner channels of the seventeen blocks; CenterFace has 96, 144 and 144 in the second to fourth."""

_FULL = (32, 96, 144, 144, *INNER[4:])
_OUT = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
_STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
_LEVELS = {2: 24, 5: 32, 12: 96, 16: 320}  # after these blocks the picture is at stride 4, 8, 16 and 32


class Block(nn.Module):
    """An inverted residual of MobileNetV2 (Sandler et al. 2018) with ReLU: widen, look around, narrow."""

    def __init__(self, before: int, inner: int, after: int, stride: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(before, inner, 1) if before != inner else None
        self.around = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner)
        self.narrow = nn.Conv2d(inner, after, 1)
        self.adds = before == after and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.widen is None else torch.relu(self.widen(x))
        inner = self.narrow(torch.relu(self.around(inner)))
        return x + inner if self.adds else inner


class Outputs(nn.Module):
    """What is said about one class: a heat map, the logarithm of the size, and where in its cell the centre is."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(CHANNELS, CHANNELS, 3, 1, 1)
        self.heatmap = nn.Conv2d(CHANNELS, 1, 1)
        self.scale = nn.Conv2d(CHANNELS, 2, 1)
        self.offset = nn.Conv2d(CHANNELS, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = torch.relu(self.mix(x))
        return self.heatmap(x), self.scale(x), self.offset(x)


class HeadNet(nn.Module):
    """Finds heads and plates.

    Takes RGB, float32, 0 to 255, shape (B, 3, H, W), H and W multiples of 32. Gives, at a quarter of the size, logits
    (B, K, h, w), the logarithms of height and width in cells (B, 2K, h, w), and the offset of the centre, row before
    column, in cells from the middle of the cell (B, 2K, h, w), for the K classes in turn.
    """

    def __init__(self, inner: tuple[int, ...] = INNER) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        before = (32, *_OUT[:-1])
        self.blocks = nn.ModuleList(Block(*sizes) for sizes in zip(before, inner, _OUT, _STRIDES, strict=True))
        self.lateral = nn.ModuleList(nn.Conv2d(width, CHANNELS, 1) for width in _LEVELS.values())
        self.up = nn.ModuleList(nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, 2) for _ in range(len(_LEVELS) - 1))
        self.outputs = nn.ModuleList(Outputs() for _ in CLASSES)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = torch.relu(self.stem(pixels))
        levels = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _LEVELS:
                levels.append(torch.relu(self.lateral[len(levels)](x)))
        x = levels.pop()
        for up in self.up:
            x = torch.relu(up(x)) + levels.pop()
        heatmaps, scales, offsets = zip(*(output(x) for output in self.outputs), strict=True)
        return torch.cat(heatmaps, 1), torch.cat(scales, 1), torch.cat(offsets, 1)


def from_centerface(file: Path, pictures: Tensor) -> HeadNet:
    """A net that starts as CenterFace, thinned.

    Args:
        file: `centerface.onnx` of the zoo.
        pictures: RGB, float32, 0 to 255, shape (B, 3, H, W), on which channels show what they carry.
    """
    net = HeadNet(_FULL)
    weights = _weights_in_order(file)
    for layer in _layers_in_order(net):
        weight, bias = next(weights)
        assert layer.weight.shape == weight.shape
        layer.weight.data, layer.bias.data = weight, bias
    for output in net.outputs[1:]:
        output.load_state_dict(net.outputs[0].state_dict())
    return _thinned(net, pictures)


def _weights_in_order(file: Path) -> Iterator[tuple[Tensor, Tensor]]:
    graph = onnx.load(str(file)).graph
    values = {value.name: torch.tensor(numpy_helper.to_array(value)) for value in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            yield values[node.input[1]], values[node.input[2]]


def _layers_in_order(net: HeadNet) -> Iterator[nn.Conv2d | nn.ConvTranspose2d]:
    """The layers as CenterFace's file has them."""
    yield net.stem
    for block in net.blocks:
        yield from (layer for layer in (block.widen, block.around, block.narrow) if layer is not None)
    yield net.lateral[-1]
    for up, lateral in zip(net.up, reversed(net.lateral[:-1]), strict=True):
        yield up
        yield lateral
    first = net.outputs[0]
    yield from (first.mix, first.heatmap, first.scale, first.offset)


@torch.no_grad()
def _thinned(full: HeadNet, pictures: Tensor) -> HeadNet:
    net = HeadNet()
    x = torch.relu(full.stem(pictures))
    for old, new in zip(full.blocks, net.blocks, strict=True):
        inner = x if old.widen is None else torch.relu(old.widen(x))
        inner = torch.relu(old.around(inner))
        carried = inner.square().mean((0, 2, 3)) * old.narrow.weight.square().sum((0, 2, 3))
        kept = carried.argsort(descending=True)[: new.around.out_channels].sort().values
        missing = torch.ones_like(carried, dtype=torch.bool)
        missing[kept] = False
        # What the others carried on average goes on.
        average = (old.narrow.weight[:, missing, 0, 0] * inner.mean((0, 2, 3))[missing]).sum(1)
        if old.widen is not None:
            new.widen.weight.data, new.widen.bias.data = old.widen.weight[kept], old.widen.bias[kept]
        new.around.weight.data, new.around.bias.data = old.around.weight[kept], old.around.bias[kept]
        new.narrow.weight.data, new.narrow.bias.data = old.narrow.weight[:, kept], old.narrow.bias + average
        x = old(x)
    for part in ("stem", "lateral", "up", "outputs"):
        getattr(net, part).load_state_dict(getattr(full, part).state_dict())
    return net

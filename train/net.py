"""The net: MobileNetV2 that narrows where pictures are large, a pyramid up to stride 4, one small head per class.

Its shape is CenterFace's (Xu et al. 2019), with fewer inner channels in the first blocks, where most of the time goes,
and with outputs for several classes.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

CLASSES = ("head", "plate")
"""What the net finds, in the order of its outputs."""

STRIDE = 4
"""Pixels of the input per cell of the outputs."""

CHANNELS = 24
"""Channels of the pyramid."""

INNER = (32, 48, 72, 72, 192, 192, 192, 384, 384, 384, 384, 576, 576, 576, 960, 960, 960)
"""Inner channels of the seventeen blocks."""

INNER_OF_CENTERFACE = (32, 96, 144, 144, *INNER[4:])

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

    def inner(self, x: Tensor) -> Tensor:
        """What is narrowed: float32, shape (B, inner channels, h, w)."""
        wide = x if self.widen is None else torch.relu(self.widen(x))
        return torch.relu(self.around(wide))

    def forward(self, x: Tensor) -> Tensor:
        narrow: Tensor = self.narrow(self.inner(x))
        return x + narrow if self.adds else narrow


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
        levels: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in _LEVELS:
                levels.append(torch.relu(self.lateral[len(levels)](x)))
        x = levels.pop()
        for up in self.up:
            x = torch.relu(up(x)) + levels.pop()
        heatmaps, scales, offsets = zip(*(output(x) for output in self.outputs), strict=True)
        return torch.cat(heatmaps, 1), torch.cat(scales, 1), torch.cat(offsets, 1)

    def typed_blocks(self) -> list[Block]:
        """The seventeen blocks; PyTorch's lists do not say what they hold."""
        return [cast(Block, block) for block in self.blocks]

    def typed_outputs(self) -> list[Outputs]:
        """The outputs of each class."""
        return [cast(Outputs, output) for output in self.outputs]

"""DenseNet with bottlenecks and compression for small images, 53 layers deep.

Layers: stem 1 + bottlenecks 4 x 6 x 2 + transitions 3 + linear 1 = 53.
"""

import torch
from torch import Tensor, nn

from adabench.models.pooling import GlobalAverage

BLOCKS = (6, 6, 6, 6)
"""Number of bottlenecks in each dense block."""

REDUCTION = 0.5
"""Share of the channels that a transition keeps."""


def convolution(channels: int, width: int, kernel: int) -> nn.Sequential:
    """Batch normalization, ReLU and a convolution without bias that keeps height and width."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False),
    )


class Bottleneck(nn.Module):
    """A 1x1 and a 3x3 convolution whose output joins their input.

    Args:
        channels: of the input.
        growth: channels added to them.
    """

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.narrow = convolution(channels, 4 * growth, 1)
        self.grow = convolution(4 * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        """New channels before the old ones."""
        return torch.cat([self.grow(self.narrow(x)), x], dim=1)


def densenet53(input_shape: tuple[int, int, int], classes: int, *, growth: int = 32) -> nn.Module:
    """Stem, four dense blocks with halving transitions between them, global average, linear.

    Args:
        input_shape: channels, height and width of one input; height and width at least 8.
        classes: number of outputs.
        growth: channels that each bottleneck adds.

    Returns:
        A module from (B, C, H, W) to (B, classes); for 3x32x32 and 10 classes 1.706 M parameters at
        growth 32, and 0.246 M at growth 12.

    Source: Huang, Liu, van der Maaten and Weinberger 2017, DenseNet-BC.
    """
    channels = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)]
    for block, bottlenecks in enumerate(BLOCKS):
        if block:
            width = int(channels * REDUCTION)
            layers += [convolution(channels, width, 1), nn.AvgPool2d(2)]
            channels = width
        for _ in range(bottlenecks):
            layers.append(Bottleneck(channels, growth))
            channels += growth
    return nn.Sequential(
        *layers, nn.BatchNorm2d(channels), nn.ReLU(), GlobalAverage(), nn.Linear(channels, classes)
    )

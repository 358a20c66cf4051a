"""ResNet34 for small images: a 3x3 stem with stride 1, and no max-pool."""

from torch import Tensor, nn
from torch.nn.functional import relu

from adabench.models.pooling import GlobalAverage

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Channels and number of blocks of each stage; all but the first halve the image."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is projected where the shape changes.

    Args:
        channels: of the input.
        width: channels of the output.
        stride: 2 halves the image.
    """

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            projection = nn.Conv2d(channels, width, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """ReLU of residual plus shortcut."""
        return relu(self.residual(x) + self.shortcut(x))


def resnet34(input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Stem, sixteen basic blocks in stages of 3, 4, 6 and 3, global average, linear.

    Args:
        input_shape: channels, height and width of one input.
        classes: number of outputs.

    Returns:
        A module from (B, C, H, W) to (B, classes); 21.28 M parameters for 3x32x32 and 10 classes.

    Source: He, Zhang, Ren and Sun 2016, with the stem common for CIFAR.
    """
    channels = STAGES[0][0]
    stem = nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False)
    layers: list[nn.Module] = [stem, nn.BatchNorm2d(channels), nn.ReLU()]
    for stage, (width, blocks) in enumerate(STAGES):
        for block in range(blocks):
            layers.append(BasicBlock(channels, width, stride=2 if stage and not block else 1))
            channels = width
    return nn.Sequential(*layers, GlobalAverage(), nn.Linear(channels, classes))

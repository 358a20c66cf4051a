"""VGG11 for small images: batch normalization, and one linear layer in place of the paper's three."""

from torch import nn

from adabench.models.pooling import GlobalAverage

STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""Channels of the convolutions before each of the five max-pools."""


def vgg11(input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Convolutions of 3x3 with bias, each followed by batch normalization and ReLU.

    Args:
        input_shape: channels, height and width of one input; height and width at least 32.
        classes: number of outputs.

    Returns:
        A module from (B, C, H, W) to (B, classes); 9.231 M parameters for 3x32x32 and 10 classes.

    Source: Simonyan and Zisserman 2015, configuration A, in its common form for CIFAR.
    """
    channels = input_shape[0]
    layers: list[nn.Module] = []
    for stage in STAGES:
        for width in stage:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, GlobalAverage(), nn.Linear(channels, classes))

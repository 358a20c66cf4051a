"""A multilayer perceptron over flattened inputs."""

import math
from itertools import pairwise

from torch import nn


def mlp(input_shape: tuple[int, int, int], classes: int, *, hidden: tuple[int, ...] = (2048,)) -> nn.Module:
    """Linear layers with ReLU between them.

    Args:
        input_shape: channels, height and width of one input.
        classes: number of outputs.
        hidden: width of each hidden layer, first to last.

    Returns:
        A module from (B, C, H, W) to (B, classes); 784-2048-10 has 1.628 M parameters.
    """
    widths = (math.prod(input_shape), *hidden)
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))

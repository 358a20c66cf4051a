"""Multinomial logistic regression: one linear layer from zero, so that the problem is convex."""

import math

from torch import nn


def logistic(input_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """One linear layer over flattened inputs, its weights and biases 0 at first.

    Args:
        input_shape: channels, height and width of one input.
        classes: number of outputs.

    Returns:
        A module from (B, C, H, W) to (B, classes); 650 parameters for 1x8x8 and 10 classes.
    """
    layer = nn.Linear(math.prod(input_shape), classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return nn.Sequential(nn.Flatten(), layer)

"""A small vision transformer."""

import math

from torch import Tensor, nn

from adabench.errors import BadValueError
from adabench.models.transformer import Block, Positions


class Patches(nn.Module):
    """A linear map of every patch of an image: (B, C, H, W) to (B, patches, width)."""

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        """One token for each patch, row by row."""
        tokens: Tensor = self.project(x).flatten(2).transpose(1, 2)
        return tokens


class TokenAverage(nn.Module):
    """The mean over all tokens: (B, T, width) to (B, width)."""

    def forward(self, x: Tensor) -> Tensor:
        """Average the tokens of each example."""
        return x.mean(dim=1)


def vit(
    input_shape: tuple[int, int, int],
    classes: int,
    *,
    patch: int = 4,
    width: int = 64,
    depth: int = 2,
    heads: int = 4,
) -> nn.Module:
    """Patches, learned positions, pre-norm blocks, a normalization, the mean over patches, linear.

    Args:
        input_shape: channels, height and width of one input; ``patch`` divides height and width.
        classes: number of outputs.
        patch: height and width of a patch in pixels.
        width: numbers that stand for a patch, a multiple of ``heads``.
        depth: number of blocks.
        heads: of each block's attention.

    Returns:
        A module from (B, C, H, W) to (B, classes); 0.105 M parameters for 1x28x28 and 10 classes.

    Raises:
        BadValueError: patches that do not divide the image, or heads that do not divide the width.

    Source: Dosovitskiy et al. 2021, with the mean over patches in place of a class token.
    """
    channels, *size = input_shape
    if any(side % patch for side in size):
        raise BadValueError(
            f"patch={patch} does not divide an image of {size[0]}x{size[1]} pixels; name one that does"
        )
    return nn.Sequential(
        Patches(channels, width, patch),
        Positions(math.prod(size) // patch**2, width),
        *(Block(width, heads, causal=False) for _ in range(depth)),
        nn.LayerNorm(width),
        TokenAverage(),
        nn.Linear(width, classes),
    )

"""Augmentation of whole minibatches where the data lie: random numbers first, then one gather.

The random numbers of an epoch come from a generator on the CPU in one call; the gather that uses
them has no loop over examples and no branch on their values, so that it can be compiled, captured
and repeated.
"""

from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from adabench.catalogue import find
from adabench.errors import BadValueError

PADDING = 4
"""Pixels of zeros on every side, from which crops are taken."""


class Augmentation(Protocol):
    """How a minibatch is taken out of a data set."""

    def prepare(self, inputs: Tensor) -> Tensor:
        """Do once, to the whole data set, what every minibatch needs.

        Args:
            inputs: (N, C, H, W).

        Returns:
            What `gather` takes.

        Raises:
            BadValueError: the augmentation does not fit such inputs.
        """
        ...

    def draw(self, n: int, generator: Generator) -> Tensor:
        """Random numbers for ``n`` examples, (n, K) int64 on the CPU; K may be 0."""
        ...

    def gather(self, prepared: Tensor, indices: Tensor, draws: Tensor) -> Tensor:
        """A minibatch.

        Args:
            prepared: what `prepare` returned, on any device.
            indices: (..., B) int64, examples of the minibatch, on that device.
            draws: (..., B, K) int64, their random numbers, on that device.

        Returns:
            (..., B, C, H, W), of the data set's own type.
        """
        ...


class Plain:
    """No augmentation: inputs as they are."""

    def prepare(self, inputs: Tensor) -> Tensor:
        """Return ``inputs`` themselves."""
        return inputs

    def draw(self, n: int, generator: Generator) -> Tensor:
        """Nothing to draw: (n, 0)."""
        return torch.empty(n, 0, dtype=torch.int64)

    def gather(self, prepared: Tensor, indices: Tensor, draws: Tensor) -> Tensor:
        """The examples at ``indices``."""
        return prepared[indices]


class CropFlip:
    """torchvision's RandomCrop(padding=4) and RandomHorizontalFlip, on raw uint8, zeros outside.

    The random numbers of an example are (dy, dx, flip): the crop's upper left corner in the padded
    image, 0 to 8 each, and 1 to mirror left and right.
    """

    def prepare(self, inputs: Tensor) -> Tensor:
        """Surround every image with zeros: (N, C, H, W) to (N, C, H+8, W+8)."""
        if inputs.dtype != torch.uint8:
            raise BadValueError("augment=crop_flip takes images, not features; use augment=none")
        return pad(inputs, [PADDING] * 4)

    def draw(self, n: int, generator: Generator) -> Tensor:
        """(n, 3): dy, dx and flip, each uniform and independent."""
        corners = torch.randint(2 * PADDING + 1, (n, 2), generator=generator)
        flips = torch.randint(2, (n, 1), generator=generator)
        return torch.cat([corners, flips], dim=1)

    def gather(self, prepared: Tensor, indices: Tensor, draws: Tensor) -> Tensor:
        """Out[y, x] = image[dy + y, dx + x], or image[dy + y, dx + W - 1 - x] when flipped."""
        _, channels, height, width = prepared.shape
        dy, dx, flip = draws.unbind(-1)
        x = torch.arange(width - 2 * PADDING, device=prepared.device)
        y = torch.arange(height - 2 * PADDING, device=prepared.device)
        channel = torch.arange(channels, device=prepared.device)
        # Every pixel's place in the flattened data set.
        columns = dx[..., None] + x + flip[..., None] * (x.flip(0) - x)
        rows = (dy[..., None] + y) * width
        planes = (indices[..., None] * channels + channel) * (height * width)
        return prepared.take(
            planes[..., None, None] + (rows[..., None] + columns[..., None, :])[..., None, :, :]
        )


KINDS: dict[str, Augmentation] = {"none": Plain(), "crop_flip": CropFlip()}


def augmentation(name: str) -> Augmentation:
    """The augmentation called ``name``.

    Raises:
        UnknownNameError: there is none of this name.
    """
    return find("augmentation", KINDS, name)

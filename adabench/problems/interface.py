"""What can be optimized, behind one interface that the engine knows."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Draw = Callable[..., torch.Generator]
"""``draw(stream, *counters)``: the random generator of one named stream, such as ``("order", epoch)``."""


class Problem(Protocol):
    """A model to train, minibatches to train it on, and a way to judge it."""

    model: nn.Module
    shape: tuple[int, ...]
    """() for one model, (S,) for S of them side by side: the shape of every loss and count."""
    steps_per_epoch: int
    examples_per_epoch: int
    fingerprint: str | None
    """sha256 of the data, for the record."""
    stochastic: bool
    """Whether the model itself draws random numbers, as dropout does."""

    def compile(self) -> None:
        """Compile the model as `loss` runs it."""
        ...

    def start_epoch(self, epoch: int) -> None:
        """Fix the order and the augmentation of the coming epoch."""
        ...

    def minibatch(self, step: int) -> Any:
        """The minibatch of a step of this epoch, on the device; the same whenever asked."""
        ...

    def minibatch_at(self, position: Tensor, size: int) -> Any:
        """The minibatch of ``size`` examples that begins at ``position``, 0-d int64 on the device."""
        ...

    def batch_size(self, step: int) -> int:
        """How many examples the minibatch of a step holds; the last one of an epoch may be short."""
        ...

    def loss(self, minibatch: Any) -> tuple[Tensor, Tensor, int]:
        """Mean loss (``shape``, differentiable), correct predictions (``shape``), number of examples."""
        ...

    def refresh_statistics(self) -> None:
        """Gather BatchNorm statistics anew for the weights as they are."""
        ...

    def evaluate(self) -> dict[str, Tensor]:
        """Loss and accuracy on the sets kept apart, as columns of the curve: each ``shape``, on the host."""
        ...

"""Small functions to descend on, each with the point where the descent starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Surface:
    """A function of several parameters.

    Args:
        name: what it is, in a few words.
        start: where every descent on it starts, one float32 tensor for each parameter.
        loss: the function, 0-d; its smallest value is 0.
    """

    name: str
    start: tuple[Tensor, ...]
    loss: Callable[[Sequence[Tensor]], Tensor]


def quadratic() -> Surface:
    """A convex quadratic of condition number 10 over a matrix and a vector, its minimum off the origin."""
    draw = torch.Generator().manual_seed(1)
    start = tuple(torch.randn(shape, generator=draw) for shape in ((4, 3), (3,)))
    centers = [x + 0.5 * torch.randn(x.shape, generator=draw).sign() for x in start]
    curvatures = [torch.logspace(-1, 0, x.numel()).reshape(x.shape) for x in start]

    def loss(params: Sequence[Tensor]) -> Tensor:
        terms = zip(params, centers, curvatures, strict=True)
        return torch.stack([(a * (p - c).square()).sum() / 2 for p, c, a in terms]).sum()

    return Surface("a convex quadratic", start, loss)


def network() -> Surface:
    """The squared error of a small tanh network on fixed data that another such network made."""
    draw = torch.Generator().manual_seed(2)
    shapes = ((8, 4), (8,), (2, 8), (2,))
    inputs = torch.randn(64, 4, generator=draw)
    teacher, start = (tuple(torch.randn(s, generator=draw) * 0.7 for s in shapes) for _ in range(2))

    def outputs(params: Sequence[Tensor]) -> Tensor:
        w1, b1, w2, b2 = params
        return torch.tanh(inputs @ w1.T + b1) @ w2.T + b2

    targets = outputs(teacher)
    return Surface("a tanh network", start, lambda params: (outputs(params) - targets).square().mean())

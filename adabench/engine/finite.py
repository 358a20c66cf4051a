"""Whether parameters and the optimizer's state are finite, for damage that the loss does not show.

A NaN reaches the loss within a step, but an infinite second moment divides its coordinate's update to
zero, and an infinitely negative bias switches its unit off: the loss stays finite, and a part of the
model is no longer trained.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim import Optimizer


@torch.no_grad()
def not_finite(optimizer: Optimizer, models: int | None = None) -> list[str | None]:
    """What is not finite, for each model: a word such as ``parameter`` or ``exp_avg_sq``, or None.

    Args:
        optimizer: its parameters are looked at, and what it keeps in their own shape.
        models: how many are stacked along each parameter's first dimension; None for a single one.
    """
    found: list[str | None] = [None] * (models or 1)
    named = list(_named(optimizer))
    if not named or _largest(tensor for _, tensor in named).isfinite():
        return found
    for name, tensor in named:
        finite = tensor.isfinite().reshape(models or 1, -1).all(dim=1)
        for model, good in enumerate(finite.tolist()):
            if not good and found[model] is None:
                found[model] = name
    return found


def _named(optimizer: Optimizer) -> Iterator[tuple[str, Tensor]]:
    params = [p for group in optimizer.param_groups for p in group["params"]]
    yield from (("parameter", p) for p in params)
    states = getattr(optimizer, "state", {})
    for p in params:
        for name, value in states.get(p, {}).items():
            if isinstance(value, Tensor) and value.shape == p.shape and value.is_floating_point():
                yield str(name), value


def _largest(tensors: Iterator[Tensor]) -> Tensor:
    """The largest absolute value of all; NaN where there is one."""
    norms = torch._foreach_norm([tensor.detach() for tensor in tensors], float("inf"))
    return torch.stack([norm.float() for norm in norms]).max()

"""What the project's own optimizers share: checked arguments, state made in one place, lists to work on.

An update rule is written once, as a function of lists of tensors. ``foreach`` decides how many
parameters each call receives, all or one at a time: the same arithmetic, so the same bits on a CPU.
``fused`` lets the large ones pass through a compiled kernel of the same rule (`adabench.optimizers.fused`).
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

Lists = tuple[list[Tensor], ...]


class ListOptimizer(Optimizer):
    """An optimizer whose rule works on lists of tensors, one list for each role."""

    state_names: tuple[str, ...]
    """Per-parameter state, in the order in which the rule takes it after parameters and gradients."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a loaded state; one from before there were fused updates has none."""
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("fused", False)

    def rehearse(self, closure: Callable[[], Any]) -> None:
        """Take a step for its own sake: whatever steps will need is compiled now."""
        self.step(closure)

    def lists_of(self, group: dict[str, Any]) -> Lists:
        """Parameters of ``group`` that have a gradient, their gradients, and their state."""
        params = [p for p in group["params"] if p.grad is not None]
        for p in params:
            if p.grad.is_sparse:
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            if p.is_complex():
                raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
        states = [self._state_of(p, group) for p in params]
        return (params, [p.grad for p in params], *([s[name] for s in states] for name in self.state_names))

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of one parameter: zeros of its shape, made at its first gradient."""
        state: dict[str, Tensor] = self.state[p]
        if not state:
            for name in self.state_names:
                state[name] = self._new_state(name, p, group)
        return state

    def _new_state(self, name: str, p: Tensor, group: dict[str, Any]) -> Tensor:
        if name != "step":
            return torch.zeros_like(p, memory_format=torch.preserve_format)
        return torch.zeros((), dtype=torch.float32, device=p.device if group["capturable"] else "cpu")


def chunks(lists: Lists, foreach: bool) -> Iterator[Lists]:
    """All parameters at once with ``foreach``, else one at a time; nothing when there are none."""
    if not lists[0]:
        return
    if foreach:
        yield lists
    else:
        yield from (tuple([item] for item in items) for items in zip(*lists, strict=True))


def with_penalty(lists: Lists, weight_decay: float) -> Lists:
    """The lists with the L2 penalty's gradient added to the loss's own, in new tensors."""
    if weight_decay == 0 or not lists[0]:
        return lists
    params, grads, *rest = lists
    return params, list(torch._foreach_add(grads, params, alpha=weight_decay)), *rest


def require(name: str, value: float | Tensor, low: float, high: float = float("inf")) -> None:
    """Raise `ValueError` unless ``value`` lies in [low, high); a tensor on ``meta`` has no value."""
    if isinstance(value, Tensor) and value.is_meta:
        return
    if not low <= float(value) < high:
        raise ValueError(f"{name}={value} is not in [{low:g}, {high:g})")


def require_adams(lr: float | Tensor, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Raise `ValueError` unless the arguments that Adam and its relatives share are in their ranges."""
    require("lr", lr, 0.0)
    require("betas[0]", betas[0], 0.0, 1.0)
    require("betas[1]", betas[1], 0.0, 1.0)
    require("eps", eps, 0.0)
    require("weight_decay", weight_decay, 0.0)


def require_word(name: str, value: str, words: Collection[str]) -> None:
    """Raise `ValueError` unless ``value`` is one of ``words``."""
    if value not in words:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(words)}")

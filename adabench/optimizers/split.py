"""One optimizer made of two: one for matrices, one for parameters of any other number of dimensions."""

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer

Make = Callable[[dict[str, Any]], Optimizer]


class SplitOptimizer(Optimizer):
    """Gives each parameter to the one of two optimizers that takes its shape.

    Both parts share this object's state and parameter groups, so ``state_dict``, ``zero_grad`` and
    torch's schedulers see one optimizer.

    Args:
        params: parameters, or groups of them with their own settings.
        matrices: makes the optimizer of a group of two-dimensional parameters.
        others: makes the optimizer of a group of all other parameters.
    """

    def __init__(self, params: Any, *, matrices: Make, others: Make) -> None:
        self._makers = {True: matrices, False: others}
        self._parts: dict[bool, Optimizer] = {}
        super().__init__(params, {})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Share a group out between the parts; its settings go to both."""
        params = param_group["params"]
        params = [params] if isinstance(params, torch.Tensor) else list(params)
        for wanted in (True, False):
            members = [p for p in params if (p.ndim == 2) is wanted]
            if not members:
                continue
            group = {**param_group, "params": members, "matrices": wanted}
            if wanted in self._parts:
                self._parts[wanted].add_param_group(group)
            else:
                self._parts[wanted] = self._makers[wanted](group)
                self._parts[wanted].state = self.state
            self.param_groups.append(self._parts[wanted].param_groups[-1])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step of both parts on the gradients of one evaluation.

        Args:
            closure: optional; computes the loss anew, calls ``backward`` and returns the loss.

        Returns:
            What the closure returned, or None.
        """
        loss = torch.enable_grad()(closure)() if closure is not None else None
        for part in self._parts.values():
            part.step()
        return loss

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a loaded state and hand it to the parts."""
        super().__setstate__(state)
        for wanted, part in self._parts.items():
            part.state = self.state
            part.param_groups = [group for group in self.param_groups if group["matrices"] is wanted]

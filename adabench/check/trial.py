"""An optimizer under test: built anew over small parameters, with every call it makes on record."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from adabench.check.surfaces import Surface
from adabench.optimizers.building import build_optimizer, traits_of
from adabench.optimizers.row import Traits
from adabench.spec import OptimizerSpec

Grouping = Callable[[list[nn.Parameter]], Any]


class Trial:
    """One descent of one optimizer on one surface.

    Args:
        spec: the optimizer.
        surface: what it descends on.
        dtype: of the parameters.
        grouping: makes the parameter groups from the surface's parameters; a single group unless given.
        seed: of torch's global random numbers, which are set anew before every step.
    """

    def __init__(
        self,
        spec: OptimizerSpec,
        surface: Surface,
        *,
        dtype: torch.dtype = torch.float32,
        grouping: Grouping = list,
        seed: int = 0,
    ) -> None:
        self.spec, self.surface, self.seed, self.steps = spec, surface, seed, 0
        self.factor = 1.0  # on the loss
        torch.manual_seed(seed)
        self.params = [nn.Parameter(x.to(dtype, copy=True)) for x in surface.start]
        self.optimizer, self.traits = ready(spec, grouping(self.params))
        self._forget()

    def _forget(self) -> None:
        self.losses: list[Tensor] = []
        self.gradients: list[list[Tensor]] = []
        self.grad_enabled: list[bool] = []

    def step(self) -> "Trial":
        """Take one step, recording what every call of the closure saw and left."""
        self._forget()
        torch.manual_seed(1000 * self.seed + self.steps)
        self.returned: Any = self.optimizer.step(self.closure)
        self.steps += 1
        return self

    def run(self, steps: int) -> "Trial":
        """Take this many steps."""
        for _ in range(steps):
            self.step()
        return self

    def closure(self) -> Any:
        """The loss, with its gradients on the parameters."""
        self.grad_enabled.append(torch.is_grad_enabled())
        with torch.enable_grad():
            self.optimizer.zero_grad()
            loss = self.surface.loss(self.params) * self.factor
            loss.backward(create_graph=self.traits.create_graph)  # type: ignore[no-untyped-call]
        self.losses.append(loss.detach().clone())
        self.gradients.append([_gradient(p).detach().clone() for p in self.params])
        return loss

    def loss(self) -> float:
        """The surface's height at the weights that the optimizer wants judged."""
        if self.traits.train_eval:
            cast("Any", self.optimizer).eval()
        with torch.no_grad():
            height = float(self.surface.loss(self.params))
        if self.traits.train_eval:
            cast("Any", self.optimizer).train()
        return height

    def points(self) -> list[Tensor]:
        """A copy of the parameters."""
        return [p.detach().clone() for p in self.params]


def ready(spec: OptimizerSpec, params: Any) -> tuple[Optimizer, Traits]:
    """The optimizer over parameters or groups of them, set to train, and how it is called."""
    optimizer = build_optimizer(spec, params)
    traits = traits_of(spec, optimizer)
    if traits.train_eval:
        cast("Any", optimizer).train()
    return optimizer, traits


def _gradient(p: Tensor) -> Tensor:
    return torch.zeros_like(p) if p.grad is None else p.grad


def distance(left: Iterable[Tensor], right: Iterable[Tensor]) -> float:
    """The largest absolute difference between two lists of tensors; NaN where one is NaN."""
    return float(torch.stack([(a - b).abs().max() for a, b in zip(left, right, strict=True)]).max())

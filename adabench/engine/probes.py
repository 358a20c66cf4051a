"""What an optimizer's state shows near the end of an epoch: the quantities of the paper's Figure 2.

Read once an epoch, after its last step, so that training pays for one pass over the state and one
copy of the parameters. Columns, where the optimizer has what they need:

- ``v_norm``: the 2-norm of the second moment v, as it is kept, over all parameters
- ``effective_lr_mean``, ``_q05``, ``_q50``, ``_q95``: of lr / (sqrt(v-hat) + eps), over the coordinates
  that ever had a gradient; v-hat is v corrected for its bias
- ``untouched_fraction``: the share of coordinates that never had one
- ``gradient_norm``, ``update_norm``: 2-norms of the last step's gradient and of its change of the weights
- ``lipschitz``, ``frozen_fraction``: AdaFix's L, and the share of the epoch's steps that left v as it was
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

SECOND_MOMENTS = {"max_exp_avg_sq": True, "exp_avg_sq": True, "square_avg": False, "sum": False}
"""Names of a second moment in an optimizer's state, the one in use first, and whether it has a bias."""

MOST_COORDINATES = 1_000_000
"""Quantiles of more coordinates than this are taken over an evenly spaced part of them."""


class Probes:
    """Turns an optimizer's state into one value of each column for each epoch.

    Args:
        optimizer: whose state it is.
        model: which of the models to look at, where the optimizer's tensors hold many of them in
            their first dimension.
    """

    def __init__(self, optimizer: Optimizer, model: int | None = None) -> None:
        self._optimizer = optimizer
        self._model: Any = ... if model is None else model
        self._diagnostics = getattr(optimizer, "diagnostics", dict)
        self.updates_before = 0.0
        self._before: list[Tensor] = []

    def before_last_step(self) -> None:
        """Keep the weights, so that the epoch's last step can be measured."""
        self._before = [p.clone() for p in self._values()]

    def read(self, steps: int) -> dict[str, float]:
        """The columns after an epoch of ``steps`` steps."""
        return self._last_step() | self._second_moments() | self._own_words(steps)

    def _last_step(self) -> dict[str, float]:
        gradients = [p.grad[self._model] for p in self._parameters() if p.grad is not None]
        values = {"gradient_norm": float(_norm(gradients))} if gradients else {}
        if self._before:
            moved = torch._foreach_sub(self._values(), self._before)
            values["update_norm"] = float(_norm(list(moved)))
            self._before = []
        return values

    def _second_moments(self) -> dict[str, float]:
        moments = list(self._each_second_moment())
        if not moments:
            return {}
        touched = [(v[v > 0], lr, correction, eps) for v, lr, correction, eps in moments]
        total = sum(v.numel() for v, *_ in moments)
        seen = sum(v.numel() for v, *_ in touched)
        values = {
            "v_norm": float(_norm([v for v, *_ in moments])),
            "untouched_fraction": 1 - seen / total,
        }
        if seen:
            rates = torch.cat([lr / ((v / correction).sqrt() + eps) for v, lr, correction, eps in touched])
            values |= _spread("effective_lr", rates)
        return values

    def _own_words(self, steps: int) -> dict[str, float]:
        values = {name: float(self._of_model(value)) for name, value in self._diagnostics().items()}
        updates = values.pop("second_moment_updates", None)
        if updates is not None:
            values["frozen_fraction"] = 1 - (updates - self.updates_before) / steps
            self.updates_before = updates
        return values

    def _parameters(self) -> Iterator[Tensor]:
        for group in self._optimizer.param_groups:
            yield from group["params"]

    def _values(self) -> list[Tensor]:
        return [p.detach()[self._model] for p in self._parameters()]

    def _of_model(self, number: Any) -> Any:
        """A number of this model's own, where each model has one, or one that they share."""
        return number[self._model] if isinstance(number, Tensor) and number.ndim else number

    def _each_second_moment(self) -> Iterator[tuple[Tensor, float, float, float]]:
        """Each parameter's flattened v, its learning rate, 1 - beta2^k (1 where v has no bias), and eps."""
        shared: dict[str, Any] = self._optimizer.param_groups[0]
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                state = self._optimizer.state.get(p, {})
                name = next((name for name in SECOND_MOMENTS if isinstance(state.get(name), Tensor)), None)
                if name is None or group.get("lr") is None:
                    continue
                delay = group.get("keep_num", 0)  # AdaShift's v lags behind by as many steps
                updates = float(self._of_model(shared.get("updates", state.get("step", 0)))) - delay
                biased = SECOND_MOMENTS[name] and "betas" in group and updates > 0
                correction = 1 - float(group["betas"][1]) ** updates if biased else 1.0
                v = state[name].detach()[self._model].flatten()
                yield v, float(group["lr"]), correction, float(group.get("eps", 0.0))


def _spread(name: str, values: Tensor) -> dict[str, float]:
    part = values[:: -(-values.numel() // MOST_COORDINATES)].double()
    points = torch.tensor([0.05, 0.5, 0.95], dtype=part.dtype, device=part.device)
    low, middle, high = torch.quantile(part, points).tolist()
    mean = float(values.double().mean())
    return {f"{name}_mean": mean, f"{name}_q05": low, f"{name}_q50": middle, f"{name}_q95": high}


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(tensors)).double().square().sum().sqrt()

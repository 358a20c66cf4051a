"""AdaBound and AMSBound: Adam with learning rates clipped between bounds that close in on a final one.

Source: Luo, Xiong, Liu and Sun, "Adaptive gradient methods with dynamic bound of learning rate",
arXiv 1902.09843, and the authors' implementation (adabound 0.0.5), which this follows.

    m     = b1 m + (1 - b1) g
    v     = b2 v + (1 - b2) g^2                     amsbound: v = max of all v so far, for the root
    rate  = lr sqrt(1 - b2^t) / (1 - b1^t) / (sqrt(v) + eps)
    low   = final (1 - 1 / (gamma t + 1))           final = final_lr * lr / (first lr)
    high  = final (1 + 1 / (gamma t))
    x     = x - clip(rate, low, high) m

===========  ==============================================  =========================================
state        where                                           memory
===========  ==============================================  =========================================
m, v, t      ``exp_avg``, ``exp_avg_sq``, ``step``           2 numbers a parameter
max v        ``max_exp_avg_sq`` (amsbound only)              1 number a parameter
first lr     the parameter group: ``base_lr``                1 number a group
===========  ==============================================  =========================================

The authors' code differs from the paper's listing, which clips lr / sqrt(v) without eps, divides the
clipped rate by sqrt(t) and corrects no bias. The paper's bounds close at the speed 1 - b2, which is
gamma's default for b2 = 0.999; in the code gamma is a setting of its own. Two things differ here
from the code: it keeps the first learning rates outside ``state_dict``, so that a resumed run with a
schedule scales its bounds anew, where here they are inside; and a group that starts at learning
rate 0 divides by 1 instead of by 0.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from adabench.optimizers.base import ListOptimizer, chunks, require, require_adams, with_penalty
from adabench.optimizers.fused import Number, apply


class AdaBound(ListOptimizer):
    """Adam whose per-coordinate learning rate is clipped between two closing bounds.

    Args:
        params: parameters, or groups of them with their own settings.
        lr: learning rate, at least 0; a float or a 0-d tensor.
        betas: decay rates of the first and the second moment, each in [0, 1).
        eps: added to the root of the second moment, at least 0.
        weight_decay: factor of the L2 penalty, at least 0.
        final_lr: learning rate that both bounds close in on, at least 0; scaled as the schedule scales lr.
        gamma: speed at which the bounds close, at least 0.
        amsbound: take the largest second moment so far.
        foreach: update all parameters in one call (the default) or one at a time; the same bits.
        fused: update each large parameter in one pass over memory, by a compiled kernel.
        capturable: keep step counts on the device, so that a CUDA graph can hold the step.

    Raises:
        ValueError: a setting outside its range.

    Source: arXiv 1902.09843 and the authors' implementation.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        amsbound: bool = False,
        foreach: bool = True,
        fused: bool = False,
        capturable: bool = False,
    ) -> None:
        require_adams(lr, betas, eps, weight_decay)
        require("final_lr", final_lr, 0.0)
        require("gamma", gamma, 0.0)
        maxima = ("max_exp_avg_sq",) if amsbound else ()
        self.state_names = ("exp_avg", "exp_avg_sq", *maxima, "step")
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "final_lr": final_lr,
                "gamma": gamma,
                "foreach": foreach,
                "fused": fused,
                "capturable": capturable,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group; the learning rate it starts with is the one its bounds are scaled by."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group.setdefault("base_lr", _never_zero(group["lr"]))

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Args:
            closure: optional; computes the loss anew, calls ``backward`` and returns the loss.

        Returns:
            What the closure returned, or None.

        Raises:
            RuntimeError: sparse gradients, or complex parameters.
        """
        loss = torch.enable_grad()(closure)() if closure is not None else None
        for group in self.param_groups:
            lists = with_penalty(self.lists_of(group), group["weight_decay"])
            for *tensors, steps in chunks(lists, group["foreach"] or group["fused"]):
                torch._foreach_add_(steps, 1)
                apply(
                    adabound_update,
                    tuple(tensors),
                    _numbers(group, steps),
                    fused=group["fused"],
                    betas=group["betas"],
                    eps=group["eps"],
                )
        return loss


def adabound_update(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor] | None = None,
    *,
    scales: Number,
    lows: Number,
    highs: Number,
    betas: tuple[float, float],
    eps: float,
) -> list[Tensor]:
    """One step of the rule above for lists X, G, M, V of equal shapes, in place in X, M and V.

    Args:
        params: X, floating point tensors of any shapes.
        grads: G, of X's shapes.
        exp_avgs: M, of X's shapes.
        exp_avg_sqs: V, of X's shapes.
        max_exp_avg_sqs: the largest V so far, for AMSBound.
        scales: lr sqrt(1 - beta2^t) / (1 - beta1^t), with t of each parameter.
        lows: where the rates of each parameter end below.
        highs: and above.
        betas: decay rates of M and V, each in [0, 1).
        eps: at least 0.

    Returns:
        Nothing: an empty list.
    """
    beta1, beta2 = betas
    # M = beta1 M + (1 - beta1) G,  V = beta2 V + (1 - beta2) G^2
    torch._foreach_lerp_(exp_avgs, grads, 1 - beta1)
    torch._foreach_mul_(exp_avg_sqs, beta2)
    torch._foreach_addcmul_(exp_avg_sqs, grads, grads, 1 - beta2)
    if max_exp_avg_sqs is not None:
        torch._foreach_maximum_(max_exp_avg_sqs, exp_avg_sqs)
        exp_avg_sqs = max_exp_avg_sqs
    # R = clip(scale / (sqrt(V) + eps), low, high)
    rates = torch._foreach_sqrt(exp_avg_sqs)
    torch._foreach_add_(rates, eps)
    torch._foreach_reciprocal_(rates)
    torch._foreach_mul_(rates, scales)
    torch._foreach_clamp_min_(rates, lows)
    torch._foreach_clamp_max_(rates, highs)
    # X = X - R M
    torch._foreach_addcmul_(params, rates, exp_avgs, -1)
    return []


def _numbers(group: dict[str, Any], steps: list[Tensor]) -> dict[str, Any]:
    """The rule's numbers, from the settings of a group and the step counts of its parameters."""
    counts: list[Any] = [t.double() if group["capturable"] else float(t) for t in steps]
    (beta1, beta2), lr, gamma = group["betas"], group["lr"], group["gamma"]
    final_lr = group["final_lr"] * lr / group["base_lr"]
    return {
        "scales": [lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t) for t in counts],
        "lows": [final_lr * (1 - 1 / (gamma * t + 1)) for t in counts],
        "highs": [final_lr * (1 + 1 / (gamma * t)) for t in counts],
    }


def _never_zero(lr: float | Tensor) -> float | Tensor:
    """The learning rate to divide by: a copy of ``lr``, or 1 where it is 0."""
    if isinstance(lr, Tensor):
        return torch.where(lr == 0, torch.ones_like(lr), lr)
    return float(lr) or 1.0

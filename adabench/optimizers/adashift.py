"""AdaShift: momentum divided by the size of gradients so old that they know nothing of it.

Source: Zhou, Zhang, Lu, Wang, Zhang and Yu, "AdaShift: decorrelation and convergence of adaptive
learning rate methods", arXiv 1810.00143, and the authors' implementation, whose order of operations
this follows. n is ``keep_num``; phi is ``spatial``, over all elements of one parameter.

    m    = sum_{i<n} b1^i g_{t-i} / sum_{i<n} b1^i      the newest n gradients
    v    = b2 v + (1 - b2) phi(g_{t-n}^2)               the one before them; phi: max, mean or none
    x    = x - lr m / (sqrt(v / (1 - b2^(t-n))) + eps)  for t > n

In its first n steps the method only fills its queue: the weights do not move.

===================  =====================  ===================================================
state                where                  memory
===================  =====================  ===================================================
the last n g         ``gradients``          n numbers a parameter, as one tensor of n rows
m, t                 ``exp_avg``, ``step``  1 number a parameter
v                    ``exp_avg_sq``         1 number a tensor; 1 a parameter for ``spatial="none"``
===================  =====================  ===================================================

m is kept as a sum that each step decays, adds g to, and takes b1^n g_{t-n} away from, so that a
step costs the same for every n. Where v is 0 the parameter stands still, as in the authors' code;
theirs counts the bias correction from the first gradient that is not zero, this one from step n.
The authors' default learning rate is 0.001; their experiments with max, which is also their
default, run at 0.01, and so does the default here. The paper has no weight decay; here it is Adam's.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from adabench.optimizers.base import (
    ListOptimizer,
    chunks,
    require,
    require_adams,
    require_word,
    with_penalty,
)
from adabench.optimizers.fused import Number, apply

SPATIAL: dict[str, Callable[[Tensor], Tensor]] = {
    "max": torch.max,
    "mean": torch.mean,
    "none": lambda squares: squares,
}


class AdaShift(ListOptimizer):
    """Adam whose second moment is made of gradients too old to be correlated with its momentum.

    Args:
        params: parameters, or groups of them with their own settings.
        lr: learning rate, at least 0; a float or a 0-d tensor.
        betas: decay rates of the first and the second moment, each in [0, 1).
        eps: added to the root of the second moment, at least 0.
        weight_decay: factor of the L2 penalty, at least 0.
        keep_num: n, the gradients kept and the delay of the second moment, at least 1.
        spatial: what the squares of one parameter's elements become: their ``"max"``, their ``"mean"``,
            or ``"none"`` to keep one second moment for each element.
        foreach: update all parameters in one call (the default) or one at a time; the same bits.
        fused: update each large parameter in one pass over memory, by a compiled kernel.
        capturable: keep step counts on the device, so that a CUDA graph can hold the step.

    Raises:
        ValueError: a setting outside its range.

    Source: Algorithm 3 of arXiv 1810.00143 and the authors' implementation.
    """

    state_names = ("gradients", "exp_avg", "exp_avg_sq", "step")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        *,
        keep_num: int = 10,
        spatial: str = "max",
        foreach: bool = True,
        fused: bool = False,
        capturable: bool = False,
    ) -> None:
        require_adams(lr, betas, eps, weight_decay)
        require("keep_num", keep_num, 1)
        require_word("spatial", spatial, SPATIAL)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "keep_num": keep_num,
                "spatial": spatial,
                "foreach": foreach,
                "fused": fused,
                "capturable": capturable,
            },
        )

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
            for params, grads, queues, *moments, steps in chunks(lists, group["foreach"] or group["fused"]):
                torch._foreach_add_(steps, 1)
                counts = [t.double() if group["capturable"] else int(t) for t in steps]
                old = [
                    _swap(queue, (t - 1) % group["keep_num"], grad)
                    for queue, t, grad in zip(queues, counts, grads, strict=True)
                ]
                apply(
                    adashift_update,
                    (params, grads, old, *moments),
                    {"lr": group["lr"], "corrections": [_correction(group, t) for t in counts]},
                    fused=group["fused"],
                    betas=group["betas"],
                    eps=group["eps"],
                    keep_num=group["keep_num"],
                    spatial=SPATIAL[group["spatial"]],
                )
        return loss

    def _new_state(self, name: str, p: Tensor, group: dict[str, Any]) -> Tensor:
        if name == "gradients":
            like = torch.empty_like(p, memory_format=torch.preserve_format)
            shape, strides = (group["keep_num"], *p.shape), (p.numel(), *like.stride())
            return p.new_empty_strided(shape, strides).zero_()
        if name == "exp_avg_sq" and group["spatial"] != "none":
            return p.new_zeros(())
        return super()._new_state(name, p, group)


def adashift_update(
    params: list[Tensor],
    grads: list[Tensor],
    olds: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    *,
    lr: Number,
    corrections: Number,
    betas: tuple[float, float],
    eps: float,
    keep_num: int,
    spatial: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """One step of the rule above for lists X, G, O, M, V, in place in X, M and V.

    Args:
        params: X, floating point tensors of any shapes.
        grads: G, of X's shapes.
        olds: O, the gradients of n steps ago, 0 while there are none.
        exp_avgs: M, of X's shapes.
        exp_avg_sqs: V, 0-d, or of X's shapes where ``spatial`` keeps them.
        lr: learning rate.
        corrections: 1 - beta2^(t-n), with t of each parameter; 1 - beta2 while there is no O.
        betas: decay rates of M and V, each in [0, 1).
        eps: at least 0.
        keep_num: n, at least 1.
        spatial: phi, from the squares of one gradient to V's shape.

    Returns:
        Nothing: an empty list.
    """
    beta1, beta2 = betas
    share = 1 / sum(beta1**i for i in range(keep_num))
    # M = beta1 M + share G - share beta1^n O
    torch._foreach_mul_(exp_avgs, beta1)
    torch._foreach_add_(exp_avgs, grads, alpha=share)
    torch._foreach_sub_(exp_avgs, olds, alpha=share * beta1**keep_num)
    # V = beta2 V + (1 - beta2) phi(O^2)
    torch._foreach_mul_(exp_avg_sqs, beta2)
    torch._foreach_add_(exp_avg_sqs, [spatial(o.square()) for o in olds], alpha=1 - beta2)
    # R = lr / (sqrt(V / correction) + eps) where V > 0, else 0
    rates = torch._foreach_div(exp_avg_sqs, corrections)
    torch._foreach_sqrt_(rates)
    torch._foreach_add_(rates, eps)
    torch._foreach_reciprocal_(rates)
    torch._foreach_mul_(rates, lr)
    gated = [torch.where(v > 0, rate, 0) for v, rate in zip(exp_avg_sqs, rates, strict=True)]
    # X = X - R M
    torch._foreach_addcmul_(params, gated, exp_avgs, -1)
    return []


def _swap(queue: Tensor, slot: int | Tensor, new: Tensor) -> Tensor:
    """Put ``new`` into a slot of the queue and return what was there."""
    if isinstance(slot, Tensor):  # indexing by a tensor would read it on the host
        index = slot.long().view(1)
        old = queue.index_select(0, index)[0]
        queue.index_copy_(0, index, new.unsqueeze(0))
        return old
    old = queue[slot].clone()
    queue[slot] = new
    return old


def _correction(group: dict[str, Any], step: int | Tensor) -> Any:
    """1 - beta2^(t-n), counting from n + 1."""
    beta2, count = group["betas"][1], step - group["keep_num"]
    return 1.0 - beta2 ** (count.clamp(min=1) if isinstance(count, Tensor) else max(count, 1))
